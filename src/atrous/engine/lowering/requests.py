"""What the planner is asked for one problem: itself, or the phases of a transposed one. Nothing is compiled."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from atrous.engine.compiler import default_compiler
from atrous.engine.lowering.convolution import dense_of, layout_of, parts_of, signal_of
from atrous.engine.lowering.tape import Tape
from atrous.engine.lowering.upsampling import upsamples
from atrous.engine.plan import Request
from atrous.engine.schedule import Schedule
from atrous.engine.view import Buffer, Home, Layout, View, row_major
from atrous.geometry import Box
from atrous.geometry.padding import Explicit
from atrous.graph.fact import Fact
from atrous.graph.layers.convolution import Conv, ConvTranspose
from atrous.problem import Problem


def at_once(problem: Problem) -> bool:
    """Whether a kernel without plans computes all phases of a transposed problem at once, on arrays in rows."""
    if not problem.transposed:
        return False
    x, y = Fact(problem.dtype, problem.input_shape), Fact(problem.dtype, problem.output_shape)
    return upsamples(_transposed(problem), x, y, default_compiler().target)


def requests(problem: Problem) -> list[Request]:
    """The requests that computing a problem makes, on arrays as callers have them: in rows, to rows."""
    weights = np.broadcast_to(np.zeros((), problem.dtype), problem.weight_shape)
    tape = Tape(Schedule(), default_compiler(), {})
    x, y = problem.input_shape, problem.output_shape
    view = View(Buffer(Home.INPUT, 0, "x"), problem.dtype, Box.full(x), row_major(x))
    if not problem.transposed:
        layer = Conv(problem.kernel, problem.strides, problem.dilations, Explicit(problem.pads), problem.groups)
        dense = dense_of(layer, weights, None, ["x", "w"], x, y)
        signal = signal_of(Fact(problem.dtype, x), Fact(problem.dtype, y), layout_of(view), Layout.ROWS)
        return [dense.request(tape, problem.dtype, (), signal)]
    found = []
    for part in parts_of(_transposed(problem), weights, None, ["x", "w"], x, y, Box.full(y), True):
        found.append(part.dense.request(tape, problem.dtype, (), replace(part.signal, source=layout_of(view))))
    return found


def _transposed(problem: Problem) -> ConvTranspose:
    padding = Explicit(problem.pads)
    return ConvTranspose(problem.kernel, problem.strides, problem.dilations, padding, problem.output_padding, problem.groups)
