"""Axis maps that are not sliding windows: blocks of grouped channels, and borders that repeat the signal."""

from __future__ import annotations

from dataclasses import dataclass

from atrous.geometry.sizes import ceil_div


@dataclass(frozen=True, slots=True)
class Blocks:
    """Every block of ``outputs`` outputs reads its own block of ``inputs`` inputs: the channels of a grouped convolution.

    >>> Blocks(inputs=4, outputs=2).needs(1, 3)
    (0, 8)
    """

    inputs: int
    outputs: int

    def needs(self, lo: int, hi: int) -> tuple[int, int]:
        """The input blocks that the outputs ``[lo, hi)`` read."""
        return (lo // self.outputs * self.inputs, max(ceil_div(hi, self.outputs), lo // self.outputs) * self.inputs)


@dataclass(frozen=True, slots=True)
class Mirrored:
    """A signal of ``size`` continued by reflection about its first and last element, which are not repeated.

    >>> Mirrored(size=10, pad_lo=3).needs(0, 2)
    (2, 4)
    """

    size: int
    pad_lo: int

    def source(self, output: int) -> int:
        """The one input that an output copies."""
        period = max(1, 2 * (self.size - 1))
        place = (output - self.pad_lo) % period
        return min(place, period - place) if self.size > 1 else 0

    def needs(self, lo: int, hi: int) -> tuple[int, int]:
        """The input interval that the outputs ``[lo, hi)`` copy from."""
        if hi <= lo:
            return (0, 0)
        # A reflected walk turns only at the multiples of size - 1: the extremes are there or at the ends.
        step = max(1, self.size - 1)
        turn = ceil_div(lo - self.pad_lo, step) * step + self.pad_lo
        places = [self.source(o) for o in (lo, hi - 1, turn, turn + step) if lo <= o < hi]
        return (min(places), max(places) + 1)


@dataclass(frozen=True, slots=True)
class Clamped:
    """A signal of ``size`` continued by its first and last element.

    >>> Clamped(size=10, pad_lo=3).needs(0, 5)
    (0, 2)
    """

    size: int
    pad_lo: int

    def source(self, output: int) -> int:
        """The one input that an output copies."""
        return min(max(output - self.pad_lo, 0), self.size - 1)

    def needs(self, lo: int, hi: int) -> tuple[int, int]:
        """The input interval that the outputs ``[lo, hi)`` copy from."""
        return (self.source(lo), self.source(hi - 1) + 1) if hi > lo else (0, 0)


def shares(size: int, outputs: int) -> list[tuple[int, int]]:
    """Windows that divide ``size`` inputs among outputs as evenly as whole numbers can: adaptive pooling (PyTorch).

    Output ``i`` of ``n`` reads from ``floor(i * size / n)`` up to ``ceil((i + 1) * size / n)``; neighbours may share an input.

    >>> shares(7, 3)
    [(0, 3), (2, 5), (4, 7)]
    """
    return [(i * size // outputs, ceil_div((i + 1) * size, outputs)) for i in range(outputs)]
