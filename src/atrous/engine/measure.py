"""How long a plan takes: one convolution alone, laid out as it would be in its network, run by the engine."""

from __future__ import annotations

import time
from math import prod

import numpy as np

from atrous.engine.compiler import Compiler
from atrous.engine.emit import BYTES
from atrous.engine.lowering.convolution import Dense, convolve
from atrous.engine.lowering.tape import Tape, Task
from atrous.engine.memory import Seat
from atrous.engine.plan import Plan, Request
from atrous.engine.planner import Planner
from atrous.engine.schedule import Schedule
from atrous.engine.sweep import AxisRun
from atrous.engine.view import Buffer, Home, Layout, View, channels_last, row_major
from atrous.geometry import Box
from atrous.geometry.padding import Explicit
from atrous.graph.fact import Array, Fact
from atrous.graph.layers.convolution import Conv

#: Runs of one measurement, at the least and at the most, and the seconds after which there are no more.
LEAST, MOST, PATIENCE = 3, 200, 0.05


class Measure:
    """Measures plans of one request; its arrays are made once."""

    def __init__(self, request: Request, compiler: Compiler, threads: int) -> None:
        self.request, self.compiler, self.threads = request, compiler, threads
        c, signal = request.c, request.signal
        spread = (*signal.outputs[:-1], signal.outputs[-1] * c.spacing)
        self.x_shape = (signal.batch, c.channels * c.groups, *signal.inputs)
        self.y_shape = (signal.batch, c.outputs * c.groups, *spread)
        self.weights = _some((c.outputs * c.groups, c.channels, *c.kernel), c.dtype)
        x_size, y_size = (shape[0] * channels_last(shape, c.dtype)[0] for shape in (self.x_shape, self.y_shape))
        self.arrays = {"x": _some((x_size,), c.dtype), "y": np.zeros(y_size, c.dtype)}
        self.scratch = Seat(0)

    def __call__(self, plan: Plan, patience: float = PATIENCE) -> float:
        """Seconds of the fastest run of a plan, changes of layout included."""
        template = self.schedule(plan).template(self.compiler)
        x, y = (self.arrays[name].ctypes.data for name in ("x", "y"))
        template.point(self.scratch.address(template.arena_bytes), {"x": x}, {"y": y})
        best, end = float("inf"), time.perf_counter() + patience
        for run in range(MOST + 1):
            begin = time.perf_counter()
            template.job.run(self.threads)
            now = time.perf_counter()
            if run:  # the first one warms caches and touches pages
                best = min(best, now - begin)
            if run >= LEAST and now > end:
                break
        return best

    def schedule(self, plan: Plan) -> Schedule:
        """The launches that compute the request by a plan; compiles its kernels."""
        c, signal = self.request.c, self.request.signal
        schedule = Schedule()
        tape = Tape(schedule, self.compiler, {}, Planner(self.compiler.target))
        windows = signal.windows(c)
        runs = [AxisRun(w, 0, m, n) for w, m, n in zip(windows, signal.outputs, signal.inputs, strict=True)]
        steps = (*(1 for _ in windows[1:]), c.spacing)
        dense = Dense(runs, c.groups, self.weights, None, ("w",), steps)
        x = _view(Home.INPUT, "x", c.dtype, self.x_shape, signal.source or plan.codelet.READS)
        y = _view(Home.OUTPUT, "y", c.dtype, self.y_shape, signal.wanted or plan.codelet.WRITES)
        out = y if y.lies(plan.codelet.WRITES) else schedule.array(y.box, c.dtype, plan.codelet.WRITES is Layout.ROWS)
        layer = Conv(c.kernel, c.strides, c.dilations, Explicit(signal.pads), c.groups)
        task = Task("measured", layer, [x], [Fact(c.dtype, self.x_shape)], [], Fact(c.dtype, self.y_shape), y.box)
        convolve(tape, task, out, dense, plan)
        if out is not y:
            tape.copy(out, y)
        schedule.place()
        return schedule


def _view(home: Home, name: str, dtype: str, shape: tuple[int, ...], layout: Layout) -> View:
    strides = row_major(shape) if layout is Layout.ROWS else channels_last(shape, dtype)
    return View(Buffer(home, prod(shape) * BYTES[dtype], name), dtype, Box.full(shape), strides)


def _some(shape: tuple[int, ...], dtype: str) -> Array:
    """Numbers of ordinary size; few different ones, because random numbers take longer than many measurements."""
    some = np.random.default_rng(0).standard_normal(min(prod(shape), 1 << 14)).astype(dtype)
    return np.resize(some, shape)
