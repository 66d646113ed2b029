"""What a convolution costs, beside the fully connected layer it replaces. 1 MAC is one multiply-add, 2 FLOP."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

from atrous.geometry.sizes import at_least
from atrous.geometry.transposed import TransposedWindow
from atrous.geometry.window import Window


@dataclass(frozen=True, slots=True)
class Cost:
    """Parameters and multiply-adds of one layer for one batch."""

    parameters: int
    macs: int
    #: MACs whose tap lands on the signal (for transposed windows: on an output that exists), not on padding.
    real_macs: int

    def bytes(self, itemsize: int = 4) -> int:
        """Memory of the parameters; 4 bytes each is float32."""
        return self.parameters * itemsize

    @property
    def flops(self) -> int:
        """Two for each MAC."""
        return 2 * self.macs


def fully_connected_cost(inputs: Sequence[int], outputs: Sequence[int], bias: bool = False, batch: int = 1) -> Cost:
    """A linear layer from a map of shape ``inputs`` to one of shape ``outputs``, every input influencing every output.

    >>> fully_connected_cost((3, 256, 256), (3, 256, 256)).parameters
    38654705664
    """
    weights = prod(inputs) * prod(outputs)
    return Cost(weights + (prod(outputs) if bias else 0), batch * weights, batch * weights)


def convolution_cost(
    channels: int,
    filters: int,
    windows: Sequence[Window | TransposedWindow],
    sizes: Sequence[int],
    groups: int = 1,
    bias: bool = False,
    batch: int = 1,
) -> Cost:
    """A convolution of ``filters`` kernels over ``channels`` channels; its parameters do not depend on the signal's ``sizes``.

    An ordinary convolution multiplies once for each output and tap, a transposed one once for each input and tap.

    >>> convolution_cost(3, 3, (Window(3, pad_lo=1, pad_hi=1),) * 2, (256, 256))
    Cost(parameters=81, macs=5308416, real_macs=5280804)
    """
    at_least("groups", groups, 1)
    pairs = batch * filters * channels // groups
    each = list(zip(windows, sizes, strict=True))
    weights = filters * channels // groups * prod(window.kernel for window in windows)
    macs = pairs * prod(window.taps(n) for window, n in each)
    return Cost(weights + (filters if bias else 0), macs, pairs * prod(window.real_taps(n) for window, n in each))
