"""How one axis of an output reads one axis of an input: the shape that every layer's geometry rule has.

``Window`` and ``TransposedWindow`` are maps; so are the ones here. A crop is ``Window(1, pad_lo=-start)``, a frame of padding
``Window(1, pad_lo=p, pad_hi=q)``, a strided slice ``Window(1, stride=step, pad_lo=-start)``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from atrous.geometry.window import Window


@runtime_checkable
class AxisMap(Protocol):
    """Anything that says which input interval an output interval reads."""

    def needs(self, lo: int, hi: int) -> tuple[int, int]:
        """The input interval that the outputs ``[lo, hi)`` read, not clipped to the signal."""
        ...


@dataclass(frozen=True, slots=True)
class Whole:
    """Every output reads the whole axis, ``[0, size)``: channels of a convolution, global pooling, a broadcast axis."""

    size: int

    def needs(self, lo: int, hi: int) -> tuple[int, int]:
        return (0, self.size)


#: Output ``o`` reads input ``o``.
SAME = Window(1)


@dataclass(frozen=True, slots=True)
class Pull:
    """An input axis is read through ``map`` by output axis ``axis``."""

    axis: int
    map: AxisMap
