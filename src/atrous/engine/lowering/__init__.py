"""From layers to launches: for each kind of layer, which kernels compute a box of its output."""

from atrous.engine.lowering import convolution, movement, others, pooling, reducing, unpooling  # noqa: F401  (they register their layers)
from atrous.engine.lowering.joining import slices
from atrous.engine.lowering.layouts import layouts as wanted_layouts
from atrous.engine.lowering.rules import lower
from atrous.engine.lowering.tape import Tape, Task

__all__ = ["Tape", "Task", "lower", "slices", "wanted_layouts"]
