"""One axis of a resize: which inputs an output reads, and with which weights, in exact rational arithmetic.

Output ``o`` lies at ``slope*o + offset`` on the input's axis; a filter (nearest, linear, cubic) says which inputs around that
point it reads. Taps beyond the signal read its first or last element: the border is the signal's own, never a tile's.
"""

from __future__ import annotations

import struct
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from math import ceil, floor
from typing import ClassVar

from atrous.errors import ArgumentError
from atrous.geometry.indices import IndexSet
from atrous.geometry.sizes import at_least

HALF = Fraction(1, 2)


class Coordinates(StrEnum):
    """Where output ``o`` lies on the input's axis; the values are ONNX's ``coordinate_transformation_mode``."""

    half_pixel = "half_pixel"
    pytorch_half_pixel = "pytorch_half_pixel"
    half_pixel_symmetric = "half_pixel_symmetric"
    align_corners = "align_corners"
    asymmetric = "asymmetric"
    tf_half_pixel_for_nn = "tf_half_pixel_for_nn"

    def line(self, size: int, outputs: int, scale: Fraction) -> tuple[Fraction, Fraction]:
        """(slope, offset) of the coordinate of output ``o``, ``slope*o + offset``, for ``size`` inputs.

        >>> Coordinates.half_pixel.line(4, 8, Fraction(2))
        (Fraction(1, 2), Fraction(-1, 4))
        """
        slope = 1 / scale
        if self is Coordinates.align_corners:
            # ONNX's length of the output is scale*size, which may be no integer; the last output then lies before the corner.
            return ((size - 1) / (scale * size - 1) if outputs > 1 else slope, Fraction(0))
        if self is Coordinates.asymmetric or (self is Coordinates.pytorch_half_pixel and outputs == 1):
            return (slope, Fraction(0))
        if self is Coordinates.tf_half_pixel_for_nn:
            return (slope, slope / 2)
        shift = Fraction(size, 2) * (1 - outputs / (scale * size)) if self is Coordinates.half_pixel_symmetric else 0
        return (slope, slope / 2 - HALF + shift)


@dataclass(frozen=True, slots=True)
class Crop:
    """The part of an axis that the outputs span, ONNX's ``tf_crop_and_resize``: 0 is the first input, 1 the last.

    The part may begin or end beyond the signal: the outputs there read nothing.

    >>> Crop(Fraction(1, 4), Fraction(3, 4)).line(5, 3, Fraction(3, 5))
    (Fraction(1, 1), Fraction(1, 1))
    """

    start: Fraction = Fraction(0)
    end: Fraction = Fraction(1)

    def __post_init__(self) -> None:
        if self.end < self.start:
            raise ArgumentError(f"crop: got {float(self.start)} to {float(self.end)}; it must not end before it starts")

    @property
    def inside(self) -> bool:
        """Whether all outputs lie inside the signal, whatever its size."""
        return self.start >= 0 and self.end <= 1

    def line(self, size: int, outputs: int, scale: Fraction) -> tuple[Fraction, Fraction]:
        """(slope, offset) of the coordinate of output ``o``; a single output lies in the middle."""
        part, length = (self.end - self.start) * (size - 1), scale * size
        if length == 1:
            return (Fraction(0), part / 2 + self.start * (size - 1))
        return (part / (length - 1), self.start * (size - 1))


class Aspect(StrEnum):
    """What sizes to resize to mean; the values are ONNX's ``keep_aspect_ratio_policy``."""

    stretch = "stretch"
    not_larger = "not_larger"
    not_smaller = "not_smaller"

    def goals(self, sizes: Sequence[int], wanted: Sequence[int]) -> tuple[tuple[int, Fraction], ...]:
        """(outputs, scale) of each axis: its own scale, or the smallest or largest of them for all, outputs rounded half up.

        >>> Aspect.not_larger.goals((2, 4), (7, 8))
        ((4, Fraction(2, 1)), (8, Fraction(2, 1)))
        """
        scales = [Fraction(goal, size) for size, goal in zip(sizes, wanted, strict=True)]
        if self is Aspect.stretch or not scales:
            return tuple(zip(wanted, scales, strict=True))
        scale = min(scales) if self is Aspect.not_larger else max(scales)
        return tuple((floor(scale * size + HALF), scale) for size in sizes)


class Rounding(StrEnum):
    """Which input is the nearest; the values are ONNX's ``nearest_mode``."""

    round_prefer_floor = "round_prefer_floor"
    round_prefer_ceil = "round_prefer_ceil"
    floor = "floor"
    ceil = "ceil"

    def of(self, x: Fraction) -> int:
        """The integer for coordinate ``x``; the two first differ where ``x`` lies half-way.

        >>> Rounding.round_prefer_floor.of(Fraction(5, 2)), Rounding.round_prefer_ceil.of(Fraction(5, 2))
        (2, 3)
        """
        if self is Rounding.floor:
            return floor(x)
        if self is Rounding.ceil:
            return ceil(x)
        return ceil(x - HALF) if self is Rounding.round_prefer_floor else floor(x + HALF)


class Filter(ABC):
    """Which inputs around a coordinate are read, and their weights; always the same number of them."""

    @abstractmethod
    def first(self, x: Fraction) -> int:
        """The lowest input read for coordinate ``x``, before clamping to the signal."""

    @abstractmethod
    def weights(self, x: Fraction, size: int) -> tuple[Fraction, ...]:
        """The weights of the inputs from ``first(x)`` on; they sum to 1."""

    @property
    @abstractmethod
    def width(self) -> int:
        """How many inputs an output reads."""

    def over(self, scale: Fraction) -> Filter:
        """The filter for an axis resized by ``scale``; this one, unless it is widened against aliasing."""
        return self


@dataclass(frozen=True, slots=True)
class Nearest(Filter):
    """One input, the nearest."""

    rounding: Rounding = Rounding.round_prefer_floor

    @property
    def width(self) -> int:
        return 1

    def first(self, x: Fraction) -> int:
        return self.rounding.of(x)

    def weights(self, x: Fraction, size: int) -> tuple[Fraction, ...]:
        return (Fraction(1),)


class Smooth(Filter):
    """Inputs near the coordinate, weighted by a function of the distance that is 0 from ``radius`` on."""

    radius: ClassVar[int]
    antialias: bool
    exclude_outside: bool

    @abstractmethod
    def weight(self, distance: Fraction) -> Fraction:
        """The weight of an input at ``distance`` (not negative), before the weights are scaled to a sum of 1."""

    def over(self, scale: Fraction) -> Filter:
        return Stretched(self, 1 / scale) if self.antialias and scale < 1 else self

    @property
    def width(self) -> int:
        return 2 * self.radius

    def first(self, x: Fraction) -> int:
        return floor(x) + 1 - self.radius

    def weights(self, x: Fraction, size: int) -> tuple[Fraction, ...]:
        return _weights(self, Fraction(1), self.first(x), self.width, x, size)


@dataclass(frozen=True, slots=True)
class Linear(Smooth):
    """The two neighbours, weighted by nearness; see ``Stretched`` for ``antialias``.

    ``exclude_outside`` differs from reading the border only where inputs beyond a neighbour are read, under ``antialias``.
    """

    antialias: bool = False
    exclude_outside: bool = False

    radius: ClassVar[int] = 1

    def weight(self, distance: Fraction) -> Fraction:
        return max(1 - distance, Fraction(0))


@dataclass(frozen=True, slots=True)
class Cubic(Smooth):
    """Four neighbours by cubic convolution (Keys 1981) with parameter ``coefficient``: -3/4 in ONNX and PyTorch.

    With ``exclude_outside`` the neighbours beyond the signal count nothing and the others are scaled up to a sum of 1;
    otherwise the border element is read for them. See ``Stretched`` for ``antialias``.
    """

    coefficient: Fraction = Fraction(-3, 4)
    exclude_outside: bool = False
    antialias: bool = False

    radius: ClassVar[int] = 2

    def weight(self, distance: Fraction) -> Fraction:
        a, d = self.coefficient, distance
        if d <= 1:
            return ((a + 2) * d - (a + 3)) * d * d + 1
        return ((a * d - 5 * a) * d + 8 * a) * d - 4 * a if d < 2 else Fraction(0)


@dataclass(frozen=True, slots=True)
class Stretched(Filter):
    """A smooth filter made ``stretch`` times wider, so that fewer outputs than inputs leave none of them out: ``antialias``.

    >>> Stretched(Linear(), Fraction(2)).weights(Fraction(1, 2), 4)
    (Fraction(1, 8), Fraction(3, 8), Fraction(3, 8), Fraction(1, 8))
    """

    filter: Smooth
    stretch: Fraction

    @property
    def width(self) -> int:
        return 2 * ceil(self.filter.radius * self.stretch)

    def first(self, x: Fraction) -> int:
        return floor(x) + 1 - self.width // 2

    def weights(self, x: Fraction, size: int) -> tuple[Fraction, ...]:
        return _weights(self.filter, self.stretch, self.first(x), self.width, x, size)


def _weights(filter: Smooth, stretch: Fraction, first: int, width: int, x: Fraction, size: int) -> tuple[Fraction, ...]:
    """The weights of ``width`` inputs from ``first`` on, scaled to a sum of 1."""
    raw = [filter.weight(abs(x - i) / stretch) for i in range(first, first + width)]
    if filter.exclude_outside:
        inside = [w if 0 <= i < size else Fraction(0) for i, w in enumerate(raw, first)]
        # a point so far out that no weight is left reads the border, as without the exclusion
        raw = inside if sum(inside) else raw
    total = sum(raw)
    return tuple(w / total for w in raw)


@dataclass(frozen=True, slots=True)
class Resample:
    """One resized axis: ``size`` inputs, ``outputs`` outputs, output ``o`` at ``slope*o + offset``, read through ``filter``.

    Outputs beyond the signal read its border, but nothing where it is ``cropped``.

    >>> up = Resample.between(4, 8, Coordinates.half_pixel, Linear())
    >>> up.taps(2)
    ((0, Fraction(1, 4)), (1, Fraction(3, 4)))
    >>> up.needs(0, 3)
    (0, 2)
    """

    size: int
    outputs: int
    slope: Fraction
    offset: Fraction
    filter: Filter
    cropped: bool = False

    def __post_init__(self) -> None:
        at_least("size", self.size, 1)
        at_least("outputs", self.outputs, 1)

    @classmethod
    def between(
        cls, size: int, outputs: int, coordinates: Coordinates | Crop, filter: Filter, scale: Fraction | None = None
    ) -> Resample:
        """The axis that makes ``outputs`` elements of ``size``; ``scale`` (default outputs/size) is ONNX's."""
        at_least("size", size, 1)
        at_least("outputs", outputs, 1)
        scale = Fraction(outputs, size) if scale is None else scale
        slope, offset = coordinates.line(size, outputs, scale)
        return cls(size, outputs, slope, offset, filter.over(scale), isinstance(coordinates, Crop))

    @property
    def same(self) -> bool:
        """Whether each output is the input at its place."""
        return self.outputs == self.size and self.slope == 1 and self.offset == 0

    def taps(self, output: int) -> tuple[tuple[int, Fraction], ...]:
        """(input, weight) of each tap, inputs ascending and inside the signal; as many for every output, zero weights too.

        At the border several taps may name the same input: their weights add.
        """
        x = self.slope * output + self.offset
        first = self.filter.first(x)
        if self.cropped and not 0 <= x <= self.size - 1:
            return tuple((self._inside(first + i), Fraction(0)) for i in range(self.filter.width))
        return tuple((self._inside(first + i), w) for i, w in enumerate(self.filter.weights(x, self.size)))

    def needs(self, lo: int, hi: int) -> tuple[int, int]:
        """The input interval that the outputs ``[lo, hi)`` read; inside the signal, for that is where all taps land."""
        if hi <= lo:
            return (0, 0)
        first = self.filter.first(self.slope * lo + self.offset)
        last = self.filter.first(self.slope * (hi - 1) + self.offset) + self.filter.width - 1
        return (self._inside(first), self._inside(last) + 1)

    def _inside(self, index: int) -> int:
        return min(max(index, 0), self.size - 1)

    @property
    def period(self) -> tuple[int, int]:
        """(outputs, inputs): so many outputs further, the same weights are applied so many inputs further."""
        return (self.slope.denominator, self.slope.numerator)

    @property
    def centre(self) -> tuple[Fraction, Fraction]:
        """(slope, offset) of the centre of what output ``o`` reads."""
        return (self.slope, self.offset)

    def weighed(self, output: int) -> tuple[tuple[int, Fraction], ...]:
        """(input, weight) of each tap with a weight, not clamped to the signal: what an output far from the border reads.

        >>> Resample.between(4, 8, Coordinates.half_pixel, Linear()).weighed(0)
        ((-1, Fraction(1, 4)), (0, Fraction(3, 4)))
        """
        x = self.slope * output + self.offset
        first = self.filter.first(x)
        # far from the border nothing is outside, whatever the size: weigh as if the signal held all taps
        weights = self.filter.weights(x - first, self.filter.width + 1)
        return tuple((first + i, w) for i, w in enumerate(weights) if w)

    def inputs(self, output: int) -> IndexSet:
        """The inputs with a weight, not clamped to the signal."""
        return IndexSet.of(i for i, _ in self.weighed(output))

    def reads(self, lo: int, hi: int) -> IndexSet:
        """The exact inputs that the outputs ``[lo, hi)`` give a weight to, not clamped to the signal."""
        return IndexSet.union(*(self.inputs(o).runs for o in range(lo, hi)))

    def landing(self, output: int, size: int) -> IndexSet:
        """The inputs of the true signal that output ``output`` gives a weight to."""
        return IndexSet.of(i for i, w in self.taps(output) if w)


def short_fraction(scale: float) -> Fraction:
    """The short fraction that a float32 scale stands for: models store 2/3 as 0.6666667.

    >>> short_fraction(0.6666666865348816), short_fraction(2.0)
    (Fraction(2, 3), Fraction(2, 1))
    """
    exact = Fraction(scale)
    stored = struct.pack("f", scale)
    for digits in range(8):
        short = exact.limit_denominator(10**digits)
        if struct.pack("f", float(short)) == stored:
            return short
    return exact
