"""The building blocks that lowering writes tapes with: each method appends the launches of one generic kernel."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np

from atrous.engine.codelets import grid, pointwise, take, transpose, weave
from atrous.engine.codelets.grid import Axes, accesses, grid_names, grid_words, merge
from atrous.engine.compiler import Compiler
from atrous.engine.planner import Planner
from atrous.engine.schedule import Schedule
from atrous.engine.view import Layout, View
from atrous.geometry import Box
from atrous.graph.fact import Array, Fact
from atrous.graph.layer import Layer, Pointwise, Step


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
        views = [out, *(self._alongside(spread(view, out.box), out, body) for view in (*operands, *extras))]
        axes = merge(out.shape, [view.strides for view in views])
        spec = pointwise.Elementwise(body, tuple(steps), accesses(axes, [view.dtype for view in views]))
        words, units = grid_words(axes, [view.place() for view in views])
        if out.box.size:
            self.schedule.launch(self.kernel(spec, pointwise.emit), grid_names(len(views)), words, units)
        return out

    def _alongside(self, view: View, out: View, body: Pointwise | None) -> View:
        """A view whose neighbours are not the output's, turned first: as a copy that is faster than element by element."""
        axes = merge(out.shape, [out.strides, view.strides])
        if body is None or 0 in view.strides or not _turnings(axes, view.dtype, out.dtype):
            return view
        return self.copy(view, self.schedule.array(view.box, view.dtype, rows=not out.channels_last()))

    def copy(self, source: View, out: View) -> View:
        """The elements of ``source`` at ``out``, in whatever coordinates; a source of one element is repeated."""
        moved = replace(source, box=out.box) if source.shape == out.shape else source
        axes = merge(out.shape, [out.strides, spread(moved, out.box).strides])
        if not out.box.size:
            return out
        for turning in _turnings(axes, source.dtype, out.dtype):
            words, units = turning.words(moved.place(), out.place())
            self.schedule.launch(self.kernel(turning.spec, turning.emit), turning.names, words, units)
            return out
        return self.pointwise(None, [moved], out)

    def fill(self, number: float | Array, out: View) -> View:
        """One number everywhere."""
        one = self.schedule.constant(np.asarray(number, dtype=out.dtype).reshape((1,) * len(out.shape)))
        return self.copy(one, out)

    def take(self, tables: Sequence[take.Table], x: View, out: View) -> View:
        """Read axes of ``x`` through tables of global places, a row for each output of ``out``'s box."""
        read = [table.axis for table in tables]
        others = [axis for axis in range(len(out.shape)) if axis not in read]
        axes = merge([out.shape[a] for a in others], [[view.strides[a] for a in others] for view in (out, x)])
        # The tables' axes stand before the innermost of the others, which is one element where neighbours are read so.
        sizes, (to, source) = axes.sizes, axes.strides
        if to[-1] != 1 or source[-1] != 1:
            sizes, to, source = (*sizes, 1), (*to, 1), (*source, 1)
        own = tuple(out.shape[axis] for axis in read)
        steps = (*to[:-1], *(out.strides[axis] for axis in read), to[-1])
        full = Axes((*sizes[:-1], *own, sizes[-1]), (steps, (*source[:-1], *(0 for _ in read), source[-1])))
        reads = tuple(take.Read(grid.OUTER - len(read) + place, table.taps) for place, table in enumerate(tables))
        first, second = accesses(full, [out.dtype, x.dtype])
        origin = [0 if axis in read else lo for axis, lo in enumerate(out.box.lo)]
        words, units = grid_words(full, [out.place(), x.place(origin)])
        for number, table in enumerate(tables):
            words |= {f"step{number}": x.strides[table.axis], f"places{number}": table.places}
            words[f"weights{number}"] = table.places if table.weights is None else table.weights
        names = grid_names(2, take.extra_names(len(tables)))
        self.schedule.launch(self.kernel(take.Take(reads, (first, second)), take.emit), names, words, units)
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


@dataclass(frozen=True, slots=True)
class _Turning:
    """A copy between arrays whose neighbours differ, by a kernel for just that."""

    spec: object
    emit: Callable[..., None]
    names: Sequence[str]
    words: Callable[[object, object], tuple[dict[str, object], int]]


def _turnings(axes: Axes, source: str, out: str) -> list[_Turning]:
    """The kernels that are made for a copy over these merged axes of (output, source), best first."""
    if source != out or out not in ("float32", "float64"):
        return []
    found = []
    if (short := weave.find(axes, out)) is not None:
        found.append(_Turning(short.spec, weave.emit, weave.names(), partial(weave.words, axes, short)))
    if (places := transpose.find(axes)) is not None:
        found.append(_Turning(transpose.Turn(out), transpose.emit, transpose.names(), partial(transpose.words, axes, places)))
    return found


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
