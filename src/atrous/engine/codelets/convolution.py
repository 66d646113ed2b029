"""What all convolution kernels share: the task as the engine sees it, register tiles and packed weights."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from atrous.engine.epilogue import Epilogue
from atrous.graph.fact import Array


@dataclass(frozen=True, slots=True)
class Convolution:
    """A dense convolution in channels-last form, without the signal's size: what a kernel is specialised on."""

    dtype: str
    channels: int  # input channels of one group
    outputs: int  # output channels of one group
    groups: int
    kernel: tuple[int, ...]
    strides: tuple[int, ...]
    dilations: tuple[int, ...]
    pitch: int  # elements between neighbouring input pixels
    spacing: int = 1  # elements between neighbouring outputs of a row, counted in pixels: more for phases
    epilogue: Epilogue = field(default_factory=Epilogue)
    #: Whether all weights are finite. Fast kernels multiply padding's zeros by weights, which infinity and NaN would show.
    finite: bool = True


class Register(NamedTuple):
    """A register tile: output pixels of a row by vectors of output channels, on ``rows`` neighbouring rows."""

    pixels: int
    vectors: int
    rows: int = 1

    def __str__(self) -> str:
        """As plans spell it."""
        return f"p{self.pixels}v{self.vectors}" + (f"r{self.rows}" if self.rows > 1 else "")


class Cost(NamedTuple):
    """Predicted cycles of one core for each useful multiply-add, its data in the first cache.

    ``arithmetic`` and ``loads`` go on side by side, so the longer of the two counts; ``overhead`` comes on top, and ``edge``
    too for the part of the tiles that meets the border or the end of a row.
    """

    arithmetic: float
    loads: float = 0.0
    overhead: float = 0.0
    edge: float = 0.0

    @property
    def cycles(self) -> float:
        """Of a tile inside the signal."""
        return max(self.arithmetic, self.loads) + self.overhead


@dataclass(frozen=True, eq=False)
class Packed:
    """Weights and bias in the order in which a kernel reads them; whoever packs may leave it to strides, to be copied."""

    weights: Array
    bias: Array
