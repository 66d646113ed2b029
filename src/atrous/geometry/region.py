"""Sets of places on several axes: unions of products of index sets, as windows read them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from atrous.geometry.indices import IndexSet

#: One index set for each axis: all places whose every coordinate is in its set.
Product = tuple[IndexSet, ...]
#: So many products are kept apart at most; more are taken for the product of their unions.
MOST_PARTS = 32


@dataclass(frozen=True, slots=True)
class Region:
    """A union of products, none of them empty or inside another; ``exact`` unless there were too many to keep apart.

    >>> rows, columns = IndexSet(((0, 2),)), IndexSet(((0, 3),))
    >>> Region.of((rows, columns)).union(Region.of((rows, IndexSet(((3, 5),))))).parts == ((rows, IndexSet(((0, 5),))),)
    True
    """

    parts: tuple[Product, ...] = ()
    exact: bool = True

    @classmethod
    def of(cls, *products: Sequence[IndexSet]) -> Region:
        """The union of these products; one with an empty axis holds nothing."""
        region = cls()
        for each in products:
            if all(axis.runs for axis in each):
                region = region._with(tuple(each))
        return region

    def union(self, other: Region) -> Region:
        """All places in either."""
        if self.parts == other.parts or not other.parts:
            return self if self.exact >= other.exact else other
        region = Region(self.parts, self.exact and other.exact)
        for each in other.parts:
            region = region._with(each)
        return region

    def _with(self, part: Product) -> Region:
        kept = []
        for other in self.parts:
            joined = _one(other, part)
            if joined is None:
                kept.append(other)
            else:
                part = joined
        if len(kept) < len(self.parts) and kept:  # what grew may now swallow or continue another
            return Region(tuple(kept), self.exact)._with(part)
        parts = (*kept, part)
        if len(parts) > MOST_PARTS:
            return Region((tuple(IndexSet.union(*(each.runs for each in axis)) for axis in zip(*parts, strict=True)),), False)
        return Region(parts, self.exact)

    @property
    def rank(self) -> int | None:
        """How many axes the places have; ``None`` where there are none."""
        return len(self.parts[0]) if self.parts else None

    def along(self, axis: int) -> IndexSet:
        """The coordinates along one axis that any place has."""
        return IndexSet.union(*(part[axis].runs for part in self.parts))


def _one(a: Product, b: Product) -> Product | None:
    """Two products as one, where that is their union: they differ along one axis at most, or one holds the other."""
    differing = [i for i, (x, y) in enumerate(zip(a, b, strict=True)) if x != y]
    both = [IndexSet.union(x.runs, y.runs) for x, y in zip(a, b, strict=True)]
    if len(differing) <= 1 or all(union == x for union, x in zip(both, a, strict=True)):
        return tuple(both)
    return b if all(union == y for union, y in zip(both, b, strict=True)) else None
