"""The one order in which many elements become one: sixteen ways, then a tree.

Element ``i`` of a reduction goes to way ``i mod 16``; each way takes its elements in order, and the ways are joined in four
halving steps. Vectors run either along the reduced elements, so that lanes are ways, or across them, so that lanes are
neighbouring results and each way is a vector: the bits are the same, whatever the layout in memory or the tile.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from llvmlite import ir

from atrous.engine.emit import I32, Emitter, Value

WAYS = 16
#: Two partial results as one.
Combine = Callable[[Value, Value], Value]
#: The vector of the 16 elements of a result from an index on: which result, the index, a mask.
Take = Callable[[int, Value, Value | None], Value]


def along(e: Emitter, count: Value, starts: Sequence[Value], take: Take, combine: Combine) -> list[Value]:
    """Results as scalars, side by side so that none waits for its own last sum; each of ``starts`` has 16 lanes."""
    whole = e.b.and_(count, e.i64(-WAYS))
    with e.loop(0, whole, WAYS, carry=starts) as loop:
        loop.next = [combine(value, take(k, loop.index, None)) for k, value in enumerate(loop.values)]
    with e.loop(whole, count, WAYS, carry=loop.results) as rest:
        mask = e.first_lanes(e.sub(count, rest.index), WAYS)
        more = [combine(value, take(k, rest.index, mask)) for k, value in enumerate(rest.values)]
        rest.next = [e.b.select(mask, new, old) for new, old in zip(more, rest.values, strict=True)]
    return [_tree(e, total, combine) for total in rest.results]


def _tree(e: Emitter, total: Value, combine: Combine) -> Value:
    for half in (8, 4, 2, 1):
        total = combine(_lanes(e, total, 0, half), _lanes(e, total, half, half))
    return e.b.extract_element(total, ir.Constant(I32, 0))


def across(e: Emitter, count: Value, start: Value, take: Callable[[Value], Value], combine: Combine) -> Value:
    """A vector of results: ``take(index)`` is what element ``index`` of each of them contributes; it may be asked for twice."""
    whole = e.b.and_(count, e.i64(-WAYS))
    with e.loop(0, whole, WAYS, carry=[start] * WAYS) as loop:
        loop.next = [combine(value, take(e.add(loop.index, way))) for way, value in enumerate(loop.values)]
    last = e.sub(count, 1)
    with e.loop(whole, count, WAYS, carry=loop.results) as rest:
        for way, value in enumerate(rest.values):
            index = e.add(rest.index, way)
            more = combine(value, take(e.min(index, last)))
            rest.next[way] = e.b.select(e.less(index, count), more, value)
    totals = rest.results
    while len(totals) > 1:
        half = len(totals) // 2
        totals = [combine(a, b) for a, b in zip(totals[:half], totals[half:], strict=True)]
    return totals[0]


def _lanes(e: Emitter, vector: Value, first: int, count: int) -> Value:
    places = ir.Constant(ir.VectorType(I32, count), list(range(first, first + count)))
    return e.b.shuffle_vector(vector, ir.Constant(vector.type, ir.Undefined), places)
