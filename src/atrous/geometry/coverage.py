"""Coverage: how often each input is read, and which are never read, because of a stride, a floor, or a dilation's grid."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from atrous.geometry.indices import IndexSet
from atrous.geometry.maps import ExactMap
from atrous.geometry.window import Window


@dataclass(frozen=True, slots=True)
class Coverage:
    """How many ways lead from each input of one axis to an output: taps for one map, paths of taps for a stack.

    >>> coverage([Window(3, stride=2)], [6, 2])
    Coverage(counts=(1, 1, 2, 1, 1, 0))
    """

    counts: tuple[int, ...]

    @property
    def unread(self) -> IndexSet:
        """The inputs that influence no output."""
        return IndexSet.of(i for i, count in enumerate(self.counts) if not count)

    @property
    def read(self) -> int:
        """How many inputs influence an output."""
        return sum(1 for count in self.counts if count)

    @property
    def share(self) -> Fraction:
        """The share of inputs that are read; over several axes the shares multiply."""
        return Fraction(self.read, len(self.counts))


def coverage(maps: Sequence[ExactMap], sizes: Sequence[int]) -> Coverage:
    """The coverage of an axis by maps one after the other, for ``sizes`` of the input and behind each map.

    Inner padding is respected: what a map reads beyond the value before it leads nowhere. Takes time and memory
    proportional to the sizes; ``read_count`` does one window of any size.

    >>> coverage([Window(2, stride=2), Window(2, stride=2)], [7, 3, 1]).unread.runs
    ((4, 7),)
    """
    counts = [1] * sizes[-1]
    for step, size in zip(reversed(maps), reversed(sizes[:-1]), strict=True):
        before = [0] * size
        for output, count in enumerate(counts):
            for index in step.landing(output, size):
                before[index] += count
        counts = before
    return Coverage(tuple(counts))


def read_count(window: Window, size: int) -> int:
    """How many of ``size`` inputs at least one output reads, without listing them: any size takes the same time.

    >>> read_count(Window(1, stride=2), 10**15)
    500000000000000
    """
    outputs, total = max(0, window.output_size(size)), 0
    by_residue: dict[int, list[int]] = {}
    for tap in range(window.kernel):
        quotient, residue = divmod(tap * window.dilation - window.pad_lo, window.stride)
        by_residue.setdefault(residue, []).append(quotient)
    for residue, quotients in by_residue.items():
        # inputs residue + stride*j with j in a tap's [quotient, quotient + outputs), inside the signal
        inside = -(-(size - residue) // window.stride)
        total += len(IndexSet.union((q, q + outputs) for q in quotients).clip(0, max(0, inside)))
    return total
