"""The building blocks that lowering writes tapes with: each method appends the launches of one generic kernel."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np

from atrous.engine.codelets import grid, pointwise, reduction, take, transpose
from atrous.engine.codelets.grid import Axes, accesses, grid_names, grid_words, merge
from atrous.engine.compiler import Compiler
from atrous.engine.planner import Planner
from atrous.engine.schedule import Schedule
from atrous.engine.view import Layout, View
from atrous.geometry import Box
from atrous.graph.fact import Array, Fact
from atrous.graph.layer import Layer, Pointwise, Step
from atrous.graph.layers.reduction import Reduce


@dataclass
class Task:
    """One node to lower: its layer, the views and facts of its operands, and the box of its output to compute."""

    name: str
    layer: Layer
    operands: list[View]
    facts: list[Fact]
    constants: list[str | None]  # the operands' names where they are constants of the network
    output: Fact
    box: Box
    steps: tuple[Step, ...] = ()
    extras: list[View] = field(default_factory=list)
    target: View | None = None  # where the result is wanted, if it can be written there
    layout: Layout | None = None  # how the result is best laid out for what reads it; None if it does not matter

    def plain(self) -> Task:
        """The same task without its epilogue."""
        return replace(self, steps=(), extras=[], target=None)


class Tape:
    """Writes launches into a schedule; ``cache`` holds what does not depend on sizes, packed weights above all.

    ``planner`` chooses how convolutions are computed.
    """

    def __init__(self, schedule: Schedule, compiler: Compiler, cache: dict[Any, Any], planner: Planner | None = None) -> None:
        self.schedule, self.compiler, self.cache = schedule, compiler, cache
        self.planner = planner or Planner(compiler.target)

    def kernel(self, spec: object, emit: Callable[..., None]) -> int:
        """The address of the kernel that ``spec``, a frozen value, is specialised to."""
        return self.compiler.kernel(f"{emit.__module__} {spec!r}", partial(_swap, emit, spec))

    def cached(self, key: object, make: Callable[[], Any]) -> Any:
        """``make()``, once for each key in the life of the program."""
        if key not in self.cache:
            self.cache[key] = make()
        return self.cache[key]

    def new(self, task: Task, dtype: str | None = None, rows: bool = False) -> View:
        """Where a task's output goes: the wanted place if it fits, else a new array."""
        wanted = task.target
        dtype = dtype or task.output.dtype
        if wanted is not None and wanted.dtype == dtype and (rows or len(wanted.shape) < 3 or wanted.channels_last()):
            return wanted
        return self.schedule.array(task.box, dtype, rows)

    # -- generic kernels ------------------------------------------------------------------------------------------
    def pointwise(
        self,
        body: Pointwise | None,
        operands: Sequence[View],
        out: View,
        steps: Sequence[Step] = (),
        extras: Sequence[View] = (),
    ) -> View:
        """``body`` (or a copy) over views that already have the output's axes, broadcast ones with stride 0."""
        views = [out, *(spread(view, out.box) for view in (*operands, *extras))]
        axes = merge(out.shape, [view.strides for view in views])
        spec = pointwise.Elementwise(body, tuple(steps), accesses(axes, [view.dtype for view in views]))
        words, units = grid_words(axes, [view.place() for view in views])
        if out.box.size:
            self.schedule.launch(self.kernel(spec, pointwise.emit), grid_names(len(views)), words, units)
        return out

    def copy(self, source: View, out: View) -> View:
        """The elements of ``source`` at ``out``, in whatever coordinates; a source of one element is repeated."""
        moved = replace(source, box=out.box) if source.shape == out.shape else source
        axes = merge(out.shape, [out.strides, spread(moved, out.box).strides])
        places = transpose.find(axes)
        if places is None or out.dtype != source.dtype or out.dtype not in ("float32", "float64"):
            return self.pointwise(None, [moved], out)
        words, units = transpose.words(axes, places, moved.place(), out.place())
        kernel = self.kernel(transpose.Turn(out.dtype), transpose.emit)
        self.schedule.launch(kernel, transpose.names(), words, units if out.box.size else 0)
        return out

    def fill(self, number: float | Array, out: View) -> View:
        """One number everywhere."""
        one = self.schedule.constant(np.asarray(number, dtype=out.dtype).reshape((1,) * len(out.shape)))
        return self.copy(one, out)

    def reduce(self, rule: Reduce, x: View, axes: Sequence[int], out: View) -> View:
        """Reduce a view over whole axes; ``out`` keeps them with size 1."""
        kept = [1 if axis in axes else n for axis, n in enumerate(x.shape)]
        outside = merge(kept, [out.strides, [0 if axis in axes else s for axis, s in enumerate(x.strides)]])
        inside = merge([x.shape[axis] for axis in axes], [[x.strides[axis] for axis in axes]])
        count = int(np.prod([x.shape[axis] for axis in axes]))
        first, second = accesses(outside, [out.dtype, x.dtype])
        spec = reduction.Reduction(rule, (first, second))
        words, units = grid_words(outside, [out.place(), x.place()])
        words |= reduction.extra_words(inside, count)
        names = grid_names(2, reduction.extra_names())
        self.schedule.launch(self.kernel(spec, reduction.emit), names, words, units)
        return out

    def take(self, table: take.Table, axis: int, x: View, out: View) -> View:
        """Read ``axis`` of ``x`` through a table of global places, one row for each output of ``out``'s box."""
        others = [a for a in range(len(out.shape)) if a != axis]
        axes = merge([out.shape[a] for a in others], [[view.strides[a] for a in others] for view in (out, x)])
        inner_ok = all(steps[-1] == 1 for steps in axes.strides)
        sizes = (*axes.sizes[:-1], out.shape[axis], axes.sizes[-1])
        strides = tuple((*s[:-1], t, s[-1]) for s, t in zip(axes.strides, (out.strides[axis], 0), strict=True))
        full = Axes(sizes, strides) if inner_ok else Axes((*sizes, 1), tuple((*s, 1) for s in strides))
        place = grid.OUTER - (len(full.sizes) - 1) + len(sizes) - 2
        taps = 0 if table.weights is None else table.places.shape[1]
        first, second = accesses(full, [out.dtype, x.dtype])
        origin = [0 if a == axis else lo for a, lo in enumerate(x.box.lo)]
        words, units = grid_words(full, [out.place(), x.place(origin)])
        words |= {"axis": place, "step": x.strides[axis], "places": table.places}
        words["weights"] = table.places if table.weights is None else table.weights
        spec = take.Take(taps, (first, second))
        self.schedule.launch(self.kernel(spec, take.emit), grid_names(2, take.extra_names()), words, units)
        return out

    # -- layouts --------------------------------------------------------------------------------------------------
    def as_channels_last(self, view: View) -> View:
        """The same elements with the channels of a pixel as neighbours; copied only if they are not."""
        if view.channels_last():
            return view
        return self.copy(view, self.schedule.array(view.box, view.dtype, rows=False))

    def as_rows(self, view: View) -> View:
        """The same elements with the pixels of a row as neighbours; copied only if they are not."""
        if view.lies(Layout.ROWS):
            return view
        return self.copy(view, self.schedule.array(view.box, view.dtype, rows=True))

    def finish(self, task: Task, value: View) -> View:
        """Apply a task's epilogue, as a pass of its own, to a value that its kernel could not apply it to."""
        if not task.steps:
            return value
        out = self.new(task)
        return self.pointwise(None, [value], out, task.steps, task.extras)


def spread(view: View, box: Box) -> View:
    """A view over the axes of ``box``: missing leading axes and axes of size 1 are repeated; others are cropped to it."""
    lead = len(box.lo) - len(view.shape)
    full = View(
        view.buffer,
        view.dtype,
        Box((0,) * lead + view.box.lo, (1,) * lead + view.box.hi),
        (0,) * lead + view.strides,
        view.start,
    )
    lo, hi, strides = [], [], []
    for (a, b), (c, d), step in zip(full.box, box, full.strides, strict=True):
        repeated = (a, b) == (0, 1) and (c, d) != (0, 1)
        lo.append(a if repeated else c)
        hi.append(b if repeated else d)
        strides.append(0 if repeated else step)
    same = full.crop(Box(tuple(lo), tuple(hi)))
    return replace(same, strides=tuple(strides))


def _swap(emit: Callable[..., None], spec: object, emitter: object) -> None:
    emit(emitter, spec)
