"""Where maxima lie, and elements put back there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product
from math import prod

import numpy as np

from atrous.engine.codelets import scatter
from atrous.engine.lowering.rules import lower
from atrous.engine.lowering.tape import Tape, Task, spread
from atrous.engine.view import View, row_major
from atrous.geometry import Box, ceil_div
from atrous.graph.fact import Fact
from atrous.graph.layer import Pointwise
from atrous.graph.layers.pooling import MaxPool
from atrous.graph.layers.unpooling import MaxPoolIndices, MaxUnpool
from atrous.graph.maths import Maths, Scalar

#: The runs of a result that units own: each reads all places.
RUNS = 4


@dataclass(frozen=True, slots=True)
class _Won(Pointwise):
    """``(x, best, before, *parts)``: the sum of the parts, a place, where ``x`` is the best or NaN; else what was before."""

    def formula(self, m: Maths, *operands: Scalar) -> Scalar:
        x, best, before, place, *parts = operands
        for part in parts:
            place = place + part
        return m.where(m.equal(x, best), place, m.where(m.equal(x, x), before, place))


@lower.register
def _(layer: MaxPoolIndices, tape: Tape, task: Task) -> View:
    """Tap by tap, the first last: each says where it is, over the outputs in whose window it holds the maximum."""
    x, box = task.operands[0], task.box
    pool = MaxPool(layer.kernel, layer.strides, layer.dilations, layer.padding, layer.ceil)
    rows = not x.channels_last()
    best_fact = Fact(x.dtype, task.output.sizes)
    best = lower(pool, tape, replace(task.plain(), layer=pool, output=best_fact, layout=None))
    out = tape.new(task.plain() if task.steps else task, rows=rows)
    tape.fill(-1, out)
    sizes = task.facts[0].sizes[2:]
    windows = layer.windows(sizes)
    parts = _parts(layer, tape, task.facts[0])
    for tap in reversed(list(product(*map(range, layer.kernel)))):
        served = [window.outputs_of_tap(t, size) for window, t, size in zip(windows, tap, sizes, strict=True)]
        part = Box((*box.lo[:2], *(r.start for r in served)), (*box.hi[:2], *(r.stop for r in served))).intersect(box)
        if part.empty:
            continue
        first = [lo * w.stride - w.pad_lo + t * w.dilation for lo, w, t in zip(part.lo[2:], windows, tap, strict=True)]
        here, *places = (_under_tap(view, part, first, layer.strides) for view in (x, *parts))
        tape.pointwise(_Won(), [here, best.crop(part), out.crop(part), *places], out.crop(part))
    return tape.finish(task, out)


def _parts(layer: MaxPoolIndices, tape: Tape, fact: Fact) -> list[View]:
    """What each axis adds to a place, images and channels together, as views in the coordinates of the operand."""
    sizes = fact.sizes[2:]
    planes = np.arange(prod(fact.sizes[:2])).reshape(*fact.sizes[:2], *(1 for _ in sizes)) * prod(sizes)
    tables = [planes]
    for axis, (size, step) in enumerate(zip(sizes, layer.steps(sizes), strict=True)):
        tables.append((np.arange(size) * step).reshape(-1, *(1 for _ in sizes[axis + 1 :])))
    return [spread(tape.schedule.constant(table.astype(np.int64)), Box.full(fact.sizes)) for table in tables]


def _under_tap(view: View, part: Box, first: Sequence[int], strides: Sequence[int]) -> View:
    """What the outputs of ``part`` read with one tap, of which the first reads the place ``first`` of the space."""
    lo = (*part.lo[:2], *first)
    moved = sum((a - b) * step for a, b, step in zip(lo, view.box.lo, view.strides, strict=True))
    taken = (*view.strides[:2], *(step * own for step, own in zip(strides, view.strides[2:], strict=True)))
    return View(view.buffer, view.dtype, part, taken, view.start + moved)


@lower.register
def _(layer: MaxUnpool, tape: Tape, task: Task) -> View:
    shape = task.output.sizes
    full = tape.schedule.array(Box.full(shape), task.output.dtype, rows=True)
    x, indices = (_in_order(tape, view) for view in task.operands)
    run = ceil_div(prod(shape), RUNS)
    words: dict[str, object] = {"x": x.place(), "places": indices.place(), "y": full.place()}
    words |= {"count": x.box.size, "size": prod(shape), "run": run}
    if run:
        spec = scatter.Scatter(full.dtype)
        tape.schedule.launch(tape.kernel(spec, scatter.emit), scatter.NAMES, words, ceil_div(prod(shape), run))
    return tape.finish(task, full.crop(task.box))


def _in_order(tape: Tape, view: View) -> View:
    """The elements in C order; copied only if they are not."""
    if view.strides == row_major(view.shape):
        return view
    return tape.copy(view, tape.schedule.array(view.box, view.dtype, rows=True))
