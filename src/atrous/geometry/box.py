"""Boxes: half-open N-d intervals in global coordinates. Receptive fields and tiles are both boxes pushed through windows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import prod

from atrous.geometry.maps import Pull


@dataclass(frozen=True, slots=True)
class Box:
    """The elements with ``lo[i] <= index[i] < hi[i]`` on every axis; empty as soon as one axis is.

    >>> Box((0, 2), (4, 6)).shape
    (4, 4)
    """

    lo: tuple[int, ...]
    hi: tuple[int, ...]

    @classmethod
    def full(cls, shape: Sequence[int]) -> Box:
        """The box of a whole array."""
        return cls((0,) * len(shape), tuple(shape))

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(max(0, hi - lo) for lo, hi in zip(self.lo, self.hi, strict=True))

    @property
    def size(self) -> int:
        """How many elements the box has."""
        return prod(self.shape)

    @property
    def empty(self) -> bool:
        return any(hi <= lo for lo, hi in zip(self.lo, self.hi, strict=True))

    def __iter__(self) -> Iterator[tuple[int, int]]:
        return iter(zip(self.lo, self.hi, strict=True))

    def __str__(self) -> str:
        return "[" + ", ".join(f"{lo}:{hi}" for lo, hi in self) + "]"

    def intersect(self, other: Box) -> Box:
        """What lies in both."""
        return Box(tuple(map(max, self.lo, other.lo)), tuple(map(min, self.hi, other.hi)))

    def clip(self, shape: Sequence[int]) -> Box:
        """What lies inside an array of this shape; an axis that misses the array becomes empty at its nearer end."""
        lo = tuple(min(max(a, 0), n) for a, n in zip(self.lo, shape, strict=True))
        hi = tuple(max(min(b, n), a) for b, n, a in zip(self.hi, shape, lo, strict=True))
        return Box(lo, hi)

    def aligned(self, grid: Sequence[tuple[int, int]], shape: Sequence[int]) -> Box:
        """The smallest box that holds this one and ends on a grid, or at the ends of an array of this shape.

        ``grid`` says for each axis of what its ends are multiples, and how many elements more there are at the high one.

        >>> Box((0, 5), (3, 9)).aligned(((1, 0), (4, 2)), (3, 20))
        Box(lo=(0, 4), hi=(3, 14))
        """
        lo = tuple(a // step * step for a, (step, _) in zip(self.lo, grid, strict=True))
        ends = zip(self.hi, grid, shape, strict=True)
        return Box(lo, tuple(min(-(-b // step) * step + more, size) for b, (step, more), size in ends))

    def contains(self, other: Box) -> bool:
        return other.empty or all(a <= c and d <= b for (a, b), (c, d) in zip(self, other, strict=True))

    def beyond(self, held: Box | None) -> Box:
        """What of this box is not in ``held``: where ``held`` has all but the end of one axis, that end; else all or nothing.

        >>> Box((2, 0), (9, 4)).beyond(Box((0, 0), (5, 4)))
        Box(lo=(5, 0), hi=(9, 4))
        """
        if held is None:
            return self
        if held.contains(self):
            return Box(self.lo, self.lo)
        lacking = [axis for axis, ((a, b), (c, d)) in enumerate(zip(self, held, strict=True)) if a < c or d < b]
        axis = lacking[0]
        if len(lacking) > 1 or not held.lo[axis] <= self.lo[axis] < held.hi[axis]:
            return self
        return Box((*self.lo[:axis], held.hi[axis], *self.lo[axis + 1 :]), self.hi)

    def slices(self, origin: Sequence[int] | None = None) -> tuple[slice, ...]:
        """Index of this box in an array whose first element lies at ``origin`` (default: the global zero)."""
        start = origin or (0,) * len(self.lo)
        return tuple(slice(lo - o, hi - o) for (lo, hi), o in zip(self, start, strict=True))


def hull(boxes: Iterable[Box]) -> Box | None:
    """The smallest box that holds all the non-empty ones; ``None`` if there is none.

    >>> hull([Box((0,), (3,)), Box((7,), (9,))])
    Box(lo=(0,), hi=(9,))
    """
    full = [box for box in boxes if not box.empty]
    if len(full) < 2:
        return full[0] if full else None
    lo = tuple(map(min, zip(*(box.lo for box in full), strict=True)))
    hi = tuple(map(max, zip(*(box.hi for box in full), strict=True)))
    return Box(lo, hi)


def pull_back(box: Box, pulls: Sequence[Pull]) -> Box:
    """The input box that an output box reads through one pull for each input axis, not clipped to the signal."""
    if box.empty:
        return Box((0,) * len(pulls), (0,) * len(pulls))
    ends = [*box, *([(0, 1)] if not box.lo else [])]  # a result without axes is one element
    needs = [pull.map.needs(*ends[pull.axis]) for pull in pulls]
    return Box(tuple(lo for lo, _ in needs), tuple(hi for _, hi in needs))
