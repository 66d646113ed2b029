"""How one axis of an output reads one axis of an input: the shape that every layer's geometry rule has.

``Window`` and ``TransposedWindow`` are maps; so are the ones here. A crop is ``Window(1, pad_lo=-start)``, a frame of padding
``Window(1, pad_lo=p, pad_hi=q)``, a strided slice ``Window(1, stride=step, pad_lo=-start)``.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Protocol, runtime_checkable

from atrous.geometry.indices import IndexSet
from atrous.geometry.window import Window


@runtime_checkable
class AxisMap(Protocol):
    """Anything that says which input interval an output interval reads."""

    def needs(self, lo: int, hi: int) -> tuple[int, int]:
        """The input interval that the outputs ``[lo, hi)`` read, not clipped to the signal."""
        ...


@runtime_checkable
class ExactMap(AxisMap, Protocol):
    """A map that knows not only the interval but the very inputs of each output, and how they repeat along the axis."""

    @property
    def period(self) -> tuple[int, int]:
        """(outputs, inputs): so many outputs further, the same pattern is read so many inputs further."""
        ...

    @property
    def centre(self) -> tuple[Fraction, Fraction]:
        """(slope, offset) of the line on which the centres of what the outputs read lie."""
        ...

    def inputs(self, output: int) -> IndexSet:
        """The exact inputs of one output, those beyond the signal included."""
        ...

    def reads(self, lo: int, hi: int) -> IndexSet:
        """The exact inputs of the outputs ``[lo, hi)``, those beyond the signal included."""
        ...

    def landing(self, output: int, size: int) -> IndexSet:
        """The exact inputs of one output inside a signal of ``size``."""
        ...


@dataclass(frozen=True, slots=True)
class Whole:
    """Every output reads the whole axis, ``[0, size)``: channels of a convolution, global pooling, a broadcast axis."""

    size: int

    def needs(self, lo: int, hi: int) -> tuple[int, int]:
        return (0, self.size)

    @property
    def period(self) -> tuple[int, int]:
        """Every output reads the same: one output further, no input further."""
        return (1, 0)

    @property
    def centre(self) -> tuple[Fraction, Fraction]:
        """(0, centre of the axis)."""
        return (Fraction(0), Fraction(self.size - 1, 2))

    def inputs(self, output: int) -> IndexSet:
        """All of the axis."""
        return IndexSet.union([(0, self.size)])

    def reads(self, lo: int, hi: int) -> IndexSet:
        """All of the axis."""
        return self.inputs(lo) if lo < hi else IndexSet()

    def landing(self, output: int, size: int) -> IndexSet:
        """All of the axis."""
        return self.inputs(output)


#: Output ``o`` reads input ``o``.
SAME = Window(1)


@dataclass(frozen=True, slots=True)
class Pull:
    """An input axis is read through ``map`` by output axis ``axis``."""

    axis: int
    map: AxisMap


@dataclass(frozen=True, slots=True)
class Stack:
    """Maps one after the other as one map; the first is the nearest to the input.

    >>> Stack((Window(3, pad_lo=1), Window(2, stride=2))).needs(0, 4)
    (-1, 9)
    """

    maps: tuple[AxisMap, ...]

    def needs(self, lo: int, hi: int) -> tuple[int, int]:
        """The input interval that the outputs ``[lo, hi)`` read through all maps, not clipped on the way."""
        for each in reversed(self.maps):
            lo, hi = each.needs(lo, hi)
        return (lo, hi)
