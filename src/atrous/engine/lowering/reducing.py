"""Reductions and softmax: the reduced axes as one evenly spaced axis, long ones in parts.

An element's place in the order of ``codelets.ways`` is its place in C order over the reduced axes. So what lies otherwise in
memory is copied first, and bits depend on the layer and the signal alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from math import prod

from atrous.engine.codelets import reduction, softmax
from atrous.engine.codelets.grid import accesses, grid_names, grid_words, merge
from atrous.engine.lowering.rules import lower
from atrous.engine.lowering.tape import Tape, Task
from atrous.engine.view import Address, View
from atrous.geometry import Box
from atrous.graph.layers.reduction import Reduce
from atrous.graph.layers.softmax import Softmax
from atrous.graph.maths import Maths, Scalar

#: Elements of a part: reductions of at least two parts are made in two steps, for which threads share the first.
PART = 1024


@lower.register
def _(layer: Reduce, tape: Tape, task: Task) -> View:
    rank = len(task.facts[0].shape)
    axes = layer.reduced(rank)
    x, places = task.operands[0], iter(range(len(task.box.lo)))
    lo, hi, kept = list(x.box.lo), list(x.box.hi), []
    for axis in range(rank):
        place = next(places) if layer.keepdims or axis not in axes else None
        if axis not in axes:
            assert place is not None
            lo[axis], hi[axis] = task.box.lo[place], task.box.hi[place]
            kept.append(axis)
    source = x.crop(Box(tuple(lo), tuple(hi)))
    flat, rows = _flattened(source.box, axes), not source.channels_last()
    direct = flat == task.box and not task.steps
    out = tape.new(task, rows=rows) if direct else tape.schedule.array(flat, x.dtype, rows)
    reduce(tape, layer, source, axes, out)
    if layer.keepdims:
        return tape.finish(task, replace(out, box=task.box))
    strides = tuple(out.strides[axis] for axis in kept)
    return tape.finish(task, View(out.buffer, out.dtype, task.box, strides, out.start))


def _flattened(box: Box, axes: Sequence[int]) -> Box:
    """The box with size 1 on these axes."""
    lo, hi = ([i if axis in axes else end for axis, end in enumerate(ends)] for i, ends in enumerate((box.lo, box.hi)))
    return Box(tuple(lo), tuple(hi))


@dataclass(frozen=True, slots=True)
class _First(Reduce):
    """A reduction up to ``finish``: what a part contributes."""

    rule: Reduce | None = None

    @property
    def inner(self) -> Reduce:
        assert self.rule is not None
        return self.rule

    @property
    def start(self) -> float:  # type: ignore[override]
        return self.inner.start

    @property
    def exact(self) -> bool:  # type: ignore[override]
        return self.inner.exact

    def take(self, m: Maths, x: Scalar) -> Scalar:
        return self.inner.take(m, x)

    def combine(self, m: Maths, acc: Scalar, x: Scalar) -> Scalar:
        return self.inner.combine(m, acc, x)


@dataclass(frozen=True, slots=True)
class _Rest(_First):
    """The reduction of parts' contributions."""

    def take(self, m: Maths, x: Scalar) -> Scalar:
        return x

    def finish(self, m: Maths, acc: Scalar, count: Scalar) -> Scalar:
        return self.inner.finish(m, acc, count)


@dataclass(frozen=True, slots=True)
class _Line:
    """The reduced elements of every kept place: the sizes and strides of the kept axes, and one axis of ``count`` elements."""

    first: View
    sizes: tuple[int, ...]
    strides: tuple[int, ...]
    count: int
    step: int

    def address(self, index: int = 0) -> Address:
        start = self.first.place()
        return Address(start.buffer, start.bytes + index * self.step * self.first.item)


def _line(x: View, axes: Sequence[int]) -> _Line:
    kept = [axis for axis in range(len(x.shape)) if axis not in axes]
    wide = [axis for axis in axes if x.shape[axis] != 1]
    sizes, strides = tuple(x.shape[axis] for axis in kept), tuple(x.strides[axis] for axis in kept)
    return _Line(x, sizes, strides, prod(x.shape[axis] for axis in axes), x.strides[wide[-1]] if wide else 1)


def evenly(tape: Tape, x: View, axes: Sequence[int]) -> View:
    """The view, or a copy of it, in which these axes can be walked as one, in C order."""
    return x if _even(x, axes) else tape.copy(x, _inside(tape, x, axes))


def _even(x: View, axes: Sequence[int]) -> bool:
    wide = [axis for axis in axes if x.shape[axis] != 1]
    return all(x.strides[a] == x.strides[b] * x.shape[b] for a, b in pairwise(wide))


def _inside(tape: Tape, x: View, axes: Sequence[int]) -> View:
    """A new array with these axes inside."""
    order = [*(axis for axis in range(len(x.shape)) if axis not in axes), *axes]
    strides, step = [0] * len(order), 1
    for axis in reversed(order):
        strides[axis], step = step, step * x.shape[axis]
    return View(tape.schedule.buffer(x.box.size, x.dtype), x.dtype, x.box, tuple(strides))


def reduce(tape: Tape, rule: Reduce, x: View, axes: Sequence[int], out: View) -> None:
    """Reduce a view over whole axes; ``out`` keeps them with size 1."""
    line = _line(evenly(tape, x, axes), axes)
    steps = tuple(step for axis, step in enumerate(out.strides) if axis not in axes)
    parts, rest = divmod(line.count, PART)
    if parts < 2:
        _launch(tape, rule, line, line.count, (out.place(), out.dtype, steps))
        return
    places, total = prod(line.sizes), parts + (rest > 0)
    dtype = reduction.accumulated(rule, x.dtype)
    between = tape.schedule.array(Box((0,), (places * total,)), dtype, rows=True)
    # Parts lie inside where the elements do, so that memory is walked in its own order.
    step, kept = (1, total) if line.step == 1 else (places, 1)
    packed = tuple(kept * stride for stride in _packed(line))
    first = _First(rule=rule)
    split = replace(line, sizes=(parts, *line.sizes), strides=(PART * line.step, *line.strides), count=PART)
    _launch(tape, first, split, line.count, (between.place(), dtype, (step, *packed)))
    if rest:
        last = replace(line, count=rest)
        _launch(tape, first, last, line.count, (between.place((parts * step,)), dtype, packed), parts * PART)
    partial = _Line(between, line.sizes, packed, total, step)
    _launch(tape, _Rest(rule=rule), partial, line.count, (out.place(), out.dtype, steps))


def _packed(line: _Line) -> tuple[int, ...]:
    """Strides of an array over the kept axes without gaps, its axes in the order of the input's."""
    strides, step = [0] * len(line.sizes), 1
    for axis in sorted(range(len(line.sizes)), key=lambda axis: (line.strides[axis], -axis)):
        strides[axis], step = step, step * line.sizes[axis]
    return tuple(strides)


def _launch(
    tape: Tape, rule: Reduce, line: _Line, total: int, out: tuple[Address, str, tuple[int, ...]], first: int = 0
) -> None:
    place, dtype, steps = out
    axes = merge(line.sizes, [steps, line.strides])
    to, source = accesses(axes, [dtype, line.first.dtype])
    along = line.step == 1 and (source.step != 1 or axes.sizes[-1] == 1)
    spec = reduction.Reduction(rule, (to, source), along)
    words, units = grid_words(axes, [place, line.address(first)], line.count)
    words |= {"count": line.count, "step": line.step, "total": total}
    names = grid_names(2, reduction.extra_names())
    tape.schedule.launch(tape.kernel(spec, reduction.emit), names, words, units)


@lower.register
def _(layer: Softmax, tape: Tape, task: Task) -> View:
    axes = layer.axes(len(task.box.lo))
    x = evenly(tape, task.operands[0], axes)
    out = tape.new(task.plain() if task.steps else task, rows=not x.channels_last() or len(x.shape) < 3)
    # A box may want a part of a softmax: all of it is made then.
    result = out if out.box == x.box and _even(out, axes) else _inside(tape, x, axes)
    source, to = _line(x, axes), _line(result, axes)
    merged = merge(source.sizes, [to.strides, source.strides])
    arrays = accesses(merged, [out.dtype, x.dtype])
    along = source.step == to.step == 1 and (arrays[1].step != 1 or merged.sizes[-1] == 1)
    words, units = grid_words(merged, [to.address(), source.address()], 16 * source.count)
    words |= {"count": source.count, "to": to.step, "from": source.step}
    kernel = tape.kernel(softmax.Softmax((arrays[0], arrays[1]), along), softmax.emit)
    tape.schedule.launch(kernel, grid_names(2, softmax.extra_names()), words, units)
    return tape.finish(task, out if result is out else tape.copy(result.crop(task.box), out))
