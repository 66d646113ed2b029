"""Local response normalisation, matrix products, resizing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import prod

import numpy as np

from atrous.engine.codelets import channelwise, matmul
from atrous.engine.codelets.grid import merge
from atrous.engine.codelets.take import Table
from atrous.engine.lowering.rules import lower
from atrous.engine.lowering.tape import Tape, Task, spread
from atrous.engine.lowering.windows import window_launch
from atrous.engine.sweep import AxisRun
from atrous.engine.view import View
from atrous.geometry import Box
from atrous.geometry.resample import Nearest, Resample
from atrous.graph.layer import Pointwise
from atrous.graph.layers.linear import MatMul
from atrous.graph.layers.normalisation import LRN
from atrous.graph.layers.resize import Resize
from atrous.graph.maths import Maths, Scalar


@dataclass(frozen=True, slots=True)
class _Damp(Pointwise):
    """``x / (bias + alpha * total) ** beta``: what local response normalisation does with the sum of squares."""

    alpha: float
    beta: float
    bias: float

    def formula(self, m: Maths, *operands: Scalar) -> Scalar:
        x, total = operands
        return x / m.pow(total * self.alpha + self.bias, self.beta)


@dataclass(frozen=True, slots=True)
class _Square(Pointwise):
    """``x * x``."""

    def formula(self, m: Maths, *operands: Scalar) -> Scalar:
        return operands[0] * operands[0]


@lower.register
def _(layer: LRN, tape: Tape, task: Task) -> View:
    """Squares, their sum over a window that slides along the channels, and the division."""
    x = tape.as_channels_last(task.operands[0].crop(task.box))
    squares = tape.pointwise(_Square(), [x], tape.schedule.array(x.box, x.dtype, rows=False))
    totals = tape.schedule.array(x.box, x.dtype, rows=False)
    channels, pixels = x.shape[1], x.box.size // x.shape[1]
    # The channels of a pixel as the one spatial axis, every pixel an image of its own with one channel.
    line = Box((0, 0, 0), (pixels, 1, channels))
    source, result = (View(v.buffer, v.dtype, line, (v.strides[-1], 1, 1), v.start) for v in (squares, totals))
    window = layer.window
    c = channelwise.Channelwise(x.dtype, 1, (window.kernel,), (window.stride,), (window.dilation,), 1, channelwise.Total())
    c = replace(c, epilogue=replace(c.epilogue, stored=x.dtype))
    window_launch(tape, c, source, result, [AxisRun(window, 0, channels, channels)], channels)
    damp = _Damp(layer.alpha / layer.size, layer.beta, layer.bias)
    return tape.pointwise(damp, [x, totals], tape.new(task), task.steps, task.extras)


@lower.register
def _(layer: MatMul, tape: Tape, task: Task) -> View:
    x, y = task.operands
    x = x if len(x.shape) > 1 else _with_axes(x, (0,))
    y = y if len(y.shape) > 1 else _with_axes(y, (1,))
    if y.strides[-1] != 1 and y.shape[-1] != 1:
        y = tape.copy(y, tape.schedule.array(y.box, y.dtype, rows=True))
    full = tape.schedule.array(task.box, task.output.dtype, rows=True)
    (*_, rows, columns), batch = _product_sizes(x, y)
    steps = [*(prod(batch[axis + 1 :]) * rows * columns for axis in range(len(batch)))]
    axes = merge(batch, [steps, _repeat(x, len(batch)), _repeat(y, len(batch))])
    target = tape.compiler.target
    spec = matmul.Product(full.dtype, matmul.tile(rows, columns, full.dtype, target))
    own = {"x": x.place(), "w": y.place(), "y": full.place(), "depth": x.shape[-1]}
    own |= {"xr": x.strides[-2], "xd": x.strides[-1], "wd": y.strides[-2], "yr": columns}
    words, units = matmul.words(own, (rows, columns), axes, spec, target)
    tape.schedule.launch(tape.kernel(spec, matmul.emit), matmul.names(), words, units)
    return tape.finish(task, full)


def _with_axes(view: View, places: tuple[int, ...]) -> View:
    lo, hi, strides = list(view.box.lo), list(view.box.hi), list(view.strides)
    for place in places:
        lo.insert(place, 0)
        hi.insert(place, 1)
        strides.insert(place, 0)
    return View(view.buffer, view.dtype, Box(tuple(lo), tuple(hi)), tuple(strides), view.start)


def _product_sizes(x: View, y: View) -> tuple[tuple[int, ...], tuple[int, ...]]:
    batch = np.broadcast_shapes(x.shape[:-2], y.shape[:-2])
    return (*batch, x.shape[-2], y.shape[-1]), batch


def _repeat(view: View, lead: int) -> tuple[int, ...]:
    """Strides of a matrix stack over ``lead`` batch axes, 0 where it is repeated."""
    own = len(view.shape) - 2
    steps = [0 if size == 1 else step for size, step in zip(view.shape[:-2], view.strides[:-2], strict=True)]
    return (*(0 for _ in range(lead - own)), *steps)


#: Elements that an output may read at once: more are read in turns, one axis after another.
MOST_TAPS = 8


@lower.register
def _(layer: Resize, tape: Tape, task: Task) -> View:
    """Axes in their order through their tables of taps, as many at once as read few elements for an output."""
    value = task.operands[0]
    resamples = {axis: resample for axis, resample in enumerate(layer.resamples(*task.facts)) if resample is not None}
    tables = [_taps(axis, resample, *list(task.box)[axis], value.dtype) for axis, resample in resamples.items()]
    if tables and len(value.shape) > 2 and tables[-1].axis == len(value.shape) - 1:
        value = tape.as_channels_last(value)  # along a row, neighbours would be read one by one
    while tables:
        count = _together(tables)
        now, tables = tables[:count], tables[count:]
        ends = [(a, b) if axis in resamples else c for axis, ((a, b), c) in enumerate(zip(value.box, task.box, strict=True))]
        for table in now:
            ends[table.axis] = list(task.box)[table.axis]
        box = Box(tuple(lo for lo, _ in ends), tuple(hi for _, hi in ends))
        rows = not value.channels_last()
        out = tape.schedule.array(box, value.dtype, rows) if tables or task.steps else tape.new(task, rows=rows)
        value = tape.take(now, value, out)
    return tape.finish(task, spread(value, task.box))


def _together(tables: Sequence[Table]) -> int:
    """How many of the first tables are read at once."""
    count, taps = 1, max(1, tables[0].taps)
    for table in tables[1:]:
        taps *= max(1, table.taps)
        if taps > MOST_TAPS:
            break
        count += 1
    return count


def _taps(axis: int, resample: Resample, lo: int, hi: int, dtype: str) -> Table:
    taps = [resample.taps(place) for place in range(lo, hi)]
    places = np.array([[place for place, _ in row] for row in taps], np.int64)
    if isinstance(resample.filter, Nearest) and not resample.cropped:
        return Table(axis, places, None)
    return Table(axis, places, np.array([[float(weight) for _, weight in row] for row in taps], dtype))
