"""The choice of a tile: of those whose memory fits the room, the one with the least work."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from math import prod

from atrous.geometry import ceil_div
from atrous.tiled.footprint import Job, Need, middle

#: No automatic tile is smaller than this on a spatial axis (unless the output is): halos would be most of the work.
SMALLEST = 16
#: What starting a tile costs, in multiply-adds: against many tiles where few would do.
_START = 1e8


def tile_counts(size: int) -> list[int]:
    """How many tiles an axis may be cut into, coarsely: 1, 2, 3, 4, 6, 8, 12, ...

    >>> tile_counts(100)
    [1, 2, 3, 4, 6]
    """
    most = max(1, size // SMALLEST)
    counts = sorted({2**p for p in range(most.bit_length())} | {3 * 2**p for p in range(most.bit_length())})
    return [count for count in counts if count <= most]


def smallest_tile(job: Job) -> tuple[int, ...]:
    """The tile that needs the least memory of those that are tried."""
    sizes = job.output_fact.sizes
    if not _splits_space(job):
        return (1, *sizes[1:])
    return tuple(1 if axis == 0 else n if axis == 1 else min(n, SMALLEST) for axis, n in enumerate(sizes))


def _splits_space(job: Job) -> bool:
    return not job.whole_nodes and job.output_fact.rank > 2


def grid_need(job: Job, tile: Sequence[int]) -> Need:
    """The most memory that any tile of the grid takes."""
    need = Need()
    for box, _ in job.kinds(tile):
        need = need.most(job.need(box))
    return need


def choose(job: Job, room: int) -> tuple[tuple[int, ...], Need] | None:
    """The tile with the least work whose memory fits ``room`` bytes, and that memory; ``None`` if none does.

    The whole output is best. Then whole signals, few of the batch at a time: that repeats no work. Then parts of one signal.
    """
    sizes = job.output_fact.sizes

    @cache
    def fits(tile: tuple[int, ...]) -> bool:
        return job.need(middle(sizes, tile)).total <= room

    for tile in itertools.chain([sizes], _batches(sizes, fits), _ranked(job, fits) if _splits_space(job) else ()):
        if fits(tile):
            need = grid_need(job, tile)
            if need.total <= room:
                return tile, need
    smallest = smallest_tile(job)
    need = grid_need(job, smallest)
    return (smallest, need) if need.total <= room else None


def _batches(sizes: tuple[int, ...], fits: Callable[[tuple[int, ...]], bool]) -> Iterator[tuple[int, ...]]:
    """Whole signals, as many at a time as fit."""
    most = _largest(sizes[0], lambda n: fits((n, *sizes[1:])))
    if most:
        yield (most, *sizes[1:])
        yield (1, *sizes[1:])


def _ranked(job: Job, fits: Callable[[tuple[int, ...]], bool]) -> list[tuple[int, ...]]:
    """Parts of one signal that fit, least work first: coarse counts on all axes but the last, the exact largest on it."""
    sizes = job.output_fact.sizes
    space = sizes[2:]
    tiles = []
    for counts in itertools.product(*(tile_counts(n) for n in space[:-1])):
        lead = (1, sizes[1], *(ceil_div(n, count) for n, count in zip(space[:-1], counts, strict=True)))
        columns = _largest(space[-1] // min(space[-1], SMALLEST), lambda n, lead=lead: fits((*lead, _cut(space[-1], n))))  # type: ignore[misc]
        if columns:
            tiles.append((*lead, _cut(space[-1], columns)))
    return sorted(tiles, key=lambda tile: _estimate(job, tile))


def _cut(size: int, most: int) -> int:
    """The tile when ``most`` is the number of smallest tiles that one tile may be: equal tiles, as few as that allows."""
    return ceil_div(size, max(1, ceil_div(size // min(size, SMALLEST), most)))


def _largest(most: int, fits: Callable[[int], bool]) -> int:
    """The largest number from 1 to ``most`` that fits, by bisection (less fits where more does); 0 if none does."""
    lo, hi = 0, most
    while lo < hi:
        mid = (lo + hi + 1) // 2
        lo, hi = (mid, hi) if fits(mid) else (lo, mid - 1)
    return lo


def _estimate(job: Job, tile: tuple[int, ...]) -> float:
    sizes = job.output_fact.sizes
    count = prod(n / t for n, t in zip(sizes, tile, strict=True))
    return (job.work(middle(sizes, tile)) + _START) * count
