"""Reductions, softmax, local response normalisation, matrix products, resizing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from atrous.engine.codelets.take import Table
from atrous.engine.lowering.movement import _cut, _with_axis
from atrous.engine.lowering.rules import lower
from atrous.engine.lowering.tape import Tape, Task
from atrous.engine.view import View
from atrous.geometry import Box
from atrous.graph.layers.activation import Exp
from atrous.graph.layers.arithmetic import Div, Sub
from atrous.graph.layers.reduction import Reduce, ReduceMax, ReduceSum
from atrous.graph.layers.softmax import Softmax


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
    flat = Box(*(tuple(end if a in kept else i for a, end in enumerate(ends)) for i, ends in enumerate((lo, hi))))
    out = tape.reduce(layer, source, axes, tape.schedule.array(flat, x.dtype, rows=not source.channels_last()))
    if layer.keepdims:
        return tape.finish(task, replace(out, box=task.box))
    strides = tuple(out.strides[axis] for axis in kept)
    return tape.finish(task, View(out.buffer, out.dtype, task.box, strides, out.start))


@lower.register
def _(layer: Softmax, tape: Tape, task: Task) -> View:
    """The largest element is taken off first, so that no exponential overflows."""
    x = task.operands[0].crop(task.box)
    axes = layer.axes(len(x.shape))
    rows = not x.channels_last() or len(x.shape) < 3
    flat = Box(*(tuple(i if a in axes else end for a, end in enumerate(ends)) for i, ends in enumerate((x.box.lo, x.box.hi))))

    def small() -> View:
        return tape.schedule.array(flat, x.dtype, rows)

    largest = tape.reduce(ReduceMax(axes), x, axes, small())
    shifted = tape.pointwise(Sub(), [x, largest], tape.schedule.array(x.box, x.dtype, rows))
    powers = tape.pointwise(Exp(), [shifted], tape.schedule.array(x.box, x.dtype, rows))
    total = tape.reduce(ReduceSum(axes), powers, axes, small())
    return tape.pointwise(Div(), [powers, total], tape.new(task, rows=rows), task.steps, task.extras)


__all__ = ["Table", "_cut", "_with_axis", "np"]
