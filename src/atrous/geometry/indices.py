"""Sets of indices on one axis, kept as runs of neighbours: receptive fields with their holes, inputs that are read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class IndexSet:
    """A finite set of integers as disjoint, ascending, non-touching runs ``(lo, hi)``, half open.

    >>> holes = IndexSet.of([0, 1, 2, 8])
    >>> holes.runs, len(holes), holes.span
    (((0, 3), (8, 9)), 4, (0, 9))
    """

    runs: tuple[tuple[int, int], ...] = ()

    @classmethod
    def of(cls, indices: Iterable[int]) -> IndexSet:
        """The set of these integers."""
        return cls.union((i, i + 1) for i in indices)

    @classmethod
    def union(cls, *parts: Iterable[tuple[int, int]]) -> IndexSet:
        """The set of all integers in any of these runs, which may touch and overlap.

        >>> IndexSet.union([(0, 3), (2, 5)], [(5, 6)])
        IndexSet(runs=((0, 6),))
        """
        merged: list[tuple[int, int]] = []
        for lo, hi in sorted((lo, hi) for part in parts for lo, hi in part if lo < hi):
            if merged and lo <= merged[-1][1]:
                merged[-1] = (merged[-1][0], max(hi, merged[-1][1]))
            else:
                merged.append((lo, hi))
        return cls(tuple(merged))

    def __len__(self) -> int:
        return sum(hi - lo for lo, hi in self.runs)

    def __iter__(self) -> Iterator[int]:
        for lo, hi in self.runs:
            yield from range(lo, hi)

    def __contains__(self, index: object) -> bool:
        return isinstance(index, int) and any(lo <= index < hi for lo, hi in self.runs)

    @property
    def span(self) -> tuple[int, int]:
        """The interval from the first to behind the last; (0, 0) for the empty set."""
        return (self.runs[0][0], self.runs[-1][1]) if self.runs else (0, 0)

    @property
    def extent(self) -> int:
        """The length of ``span``, holes included."""
        lo, hi = self.span
        return hi - lo

    @property
    def holes(self) -> IndexSet:
        """The integers inside ``span`` that are not in the set."""
        return IndexSet(tuple((hi, lo) for (_, hi), (lo, _) in zip(self.runs, self.runs[1:], strict=False)))

    def shift(self, by: int) -> IndexSet:
        """The set moved by ``by``."""
        return IndexSet(tuple((lo + by, hi + by) for lo, hi in self.runs))

    def clip(self, lo: int, hi: int) -> IndexSet:
        """What lies in ``[lo, hi)``."""
        return IndexSet(tuple((max(a, lo), min(b, hi)) for a, b in self.runs if max(a, lo) < min(b, hi)))
