"""The choice of a tile: of those whose memory fits the room, the one with the least work.

Planning the engine's arena exactly takes a while, so tiles are ranked by an estimate of it and only the best are planned; each
plan corrects the estimate.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from math import prod

from atrous.geometry import ceil_div
from atrous.tiled.footprint import Job, Need, middle

Tile = tuple[int, ...]
#: No automatic tile is smaller than this on a spatial axis (unless the output is): halos would be most of the work.
SMALLEST = 16
#: What starting a tile costs, in multiply-adds: against many tiles where few would do.
_START = 1e8
#: How often the estimate of the arena is corrected, and how much of the room a tile uses that needs no better one.
_ROUNDS, _GOOD = 6, 0.9


def tile_counts(size: int) -> list[int]:
    """How many tiles an axis may be cut into, coarsely: 1, 2, 3, 4, 6, 8, 12, ...

    >>> tile_counts(100)
    [1, 2, 3, 4, 6]
    """
    most = max(1, size // SMALLEST)
    counts = sorted({2**p for p in range(most.bit_length())} | {3 * 2**p for p in range(most.bit_length())})
    return [count for count in counts if count <= most]


def smallest_tile(job: Job) -> Tile:
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
    for kind in job.kinds(tile):
        # The arena is planned for the kinds with the largest boxes; whether a tile needs buffers of its own differs by kind.
        need = need.most(job.need(kind.box) if kind.largest else job.need(kind.box, lambda _: 0))
    return need


def choose(job: Job, room: int) -> tuple[Tile, Need] | None:
    """The tile with the least work whose memory fits ``room`` bytes, and that memory; ``None`` if none does."""
    sizes = job.output_fact.sizes
    tile, best = smallest_tile(job), None
    for _ in range(_ROUNDS):
        need = grid_need(job, tile)
        if need.total <= room and (best is None or _work(job, tile) < _work(job, best[0])):
            best = tile, need
        if best is not None and best[0] == tile and (tile == sizes or need.total >= _GOOD * room):
            break
        tried, tile = tile, _estimated(job, room, _ratio(job, tile, need))
        if tile == tried:
            break
    return best


def _ratio(job: Job, tile: Tile, need: Need) -> float:
    """How much larger the engine's arena is than the values that live in it."""
    boxes = job.bound.demand({job.output: middle(job.output_fact.sizes, tile)})
    return need.arena / max(1, job.live_bytes(boxes))


def _estimated(job: Job, room: int, ratio: float) -> Tile:
    """The best tile if the arena is ``ratio`` times what lives in it.

    The whole output is best. Then whole signals, few of the batch at a time: that repeats no work. Then parts of one signal.
    """
    sizes = job.output_fact.sizes

    @cache
    def fits(tile: Tile) -> bool:
        return job.need(middle(sizes, tile), lambda boxes: int(ratio * job.live_bytes(boxes))).total <= room

    most = _largest(sizes[0], lambda n: fits((n, *sizes[1:])))
    if most:
        return (most, *sizes[1:])
    return (
        min(_parts(sizes, fits), key=lambda tile: _work(job, tile), default=smallest_tile(job))
        if _splits_space(job)
        else (1, *sizes[1:])
    )


def _parts(sizes: Tile, fits: Callable[[Tile], bool]) -> Iterator[Tile]:
    """Parts of one signal that fit: coarse counts on all axes but the last, the largest that fits on the last one."""
    *lead, last = sizes[2:]
    unit = min(last, SMALLEST)

    def tile_of(counts: tuple[int, ...], columns: int) -> Tile:
        rows = (ceil_div(n, count) for n, count in zip(lead, counts, strict=True))
        return (1, sizes[1], *rows, ceil_div(last, ceil_div(last // unit, columns)))

    for counts in itertools.product(*map(tile_counts, lead)):
        columns = _largest(last // unit, lambda n, counts=counts: fits(tile_of(counts, n)))  # type: ignore[misc]
        if columns:
            yield tile_of(counts, columns)


def _largest(most: int, fits: Callable[[int], bool]) -> int:
    """The largest number from 1 to ``most`` that fits, by bisection (less fits where more does); 0 if none does."""
    lo, hi = 0, most
    while lo < hi:
        mid = (lo + hi + 1) // 2 if lo else min(hi, max(1, hi // 8))
        lo, hi = (mid, hi) if fits(mid) else (lo, mid - 1)
    return lo


def _work(job: Job, tile: Tile) -> float:
    """The work of all tiles, all being like the middle one."""
    sizes = job.output_fact.sizes
    return (job.work(middle(sizes, tile)) + _START) * prod(n / t for n, t in zip(sizes, tile, strict=True))
