"""Convolutions, transposed ones as phases of dense ones, linear layers as pointwise ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product
from math import prod

import numpy as np

from atrous.engine.codelets.convolution import Convolution
from atrous.engine.epilogue import Epilogue
from atrous.engine.lowering.rules import lower
from atrous.engine.lowering.tape import Tape, Task, spread
from atrous.engine.lowering.windows import channel_operand, sweep_words, unit_count
from atrous.engine.planner import plan
from atrous.engine.sweep import AxisRun
from atrous.engine.view import View
from atrous.errors import UnsupportedError
from atrous.geometry import Box, TransposedWindow, Window, ceil_div
from atrous.graph.fact import Array
from atrous.graph.layers.convolution import Conv, ConvTranspose
from atrous.graph.layers.linear import Linear


@lower.register
def _(layer: Conv, tape: Tape, task: Task) -> View:
    windows = layer.windows(task.facts[0].sizes[2:])
    weights, bias = _weights(tape, task)
    out = tape.new(task)
    axes = [
        AxisRun(window, lo, hi - lo, size)
        for window, (lo, hi), size in zip(windows, list(task.box)[2:], task.facts[0].sizes[2:], strict=True)
    ]
    row = task.output.sizes[-1]
    _convolve(tape, task, out, Dense(axes, layer.groups, weights, bias, (task.constants, None), row, (1,) * len(axes)))
    return out


def _weights(tape: Tape, task: Task) -> tuple[Array, Array | None]:
    weights, *bias = (fact.value for fact in task.facts[1:])
    if weights is None or any(part is None for part in bias):
        raise UnsupportedError(
            f"node {task.name!r} ({task.layer!r}): weights {task.facts[1]!r} are computed while the network runs; kernels need "
            "weights and bias that are constants of the model"
        )
    return weights, bias[0] if bias else None


@dataclass(frozen=True, eq=False)
class Dense:
    """A dense convolution over a box: its axes, and weights with the key under which they are packed once."""

    axes: Sequence[AxisRun]
    groups: int
    weights: Array
    bias: Array | None
    key: object
    row: int  # the length of the whole signal's output rows
    steps: Sequence[int]  # the distances of neighbouring outputs: more than 1 for phases

    def task(self, tape: Tape, x: View, epilogue: Epilogue) -> Convolution:
        """What the kernel is specialised on."""
        windows = [axis.window for axis in self.axes]
        return Convolution(
            x.dtype,
            self.weights.shape[1],
            self.weights.shape[0] // self.groups,
            self.groups,
            tuple(w.kernel for w in windows),
            tuple(w.stride for w in windows),
            tuple(w.dilation for w in windows),
            x.strides[-1],
            epilogue,
            tape.cached(("finite", repr(self.key)), lambda: bool(np.isfinite(self.weights).all())),
        )


def _convolve(tape: Tape, task: Task, out: View, dense: Dense) -> None:
    """Launch the planned kernel of a dense convolution into ``out``."""
    x = tape.as_channels_last(task.operands[0])
    operands = [channel_operand(tape, view, task.box) for view in task.extras]
    c = dense.task(tape, x, Epilogue(task.steps, tuple(view.dtype for view in operands), out.dtype))
    target = tape.compiler.target
    chosen = plan(c, dense.row, target)
    codelet, register = chosen.codelet, chosen.register
    packed = tape.cached(
        ("packed", repr(dense.key), codelet.__name__, register, c.dtype),
        lambda: codelet.pack(c, register, dense.weights, dense.bias, target),
    )
    blocks = codelet.blocks(c, register, target)
    words = sweep_words(tape, x, out, dense.axes, dense.steps, blocks, register, c.channels, operands)
    words |= {"w": packed.weights, "b": packed.bias}
    kernel = tape.compiler.kernel(repr((codelet.__name__, c, register)), lambda e: codelet.emit(e, c, register))
    tape.schedule.launch(kernel, codelet.names(c), words, unit_count(words, dense.axes, out.shape[0], blocks))


@lower.register
def _(layer: ConvTranspose, tape: Tape, task: Task) -> View:
    """Each combination of phases is a dense convolution of its own, written to every ``stride``-th output."""
    sizes = task.facts[0].sizes[2:]
    windows: tuple[TransposedWindow, ...] = layer.windows(sizes)
    weights, bias = _weights(tape, task)
    forward = _swap_channels(weights, layer.groups)
    out = tape.new(task)
    for phases in product(*(window.phases(hi) for window, hi in zip(windows, task.box.hi[2:], strict=True))):
        axes, lo = [], list(task.box.lo)
        for i, (phase, size) in enumerate(zip(phases, sizes, strict=True)):
            first = ceil_div(task.box.lo[2 + i] - phase.first, phase.step)
            last = ceil_div(task.box.hi[2 + i] - phase.first, phase.step)
            window = phase.window or Window(1, pad_lo=1 << 40)  # no taps: one that always meets padding
            axes.append(AxisRun(window, first, max(0, last - first), size))
            lo[2 + i] = phase.first + first * phase.step
        if any(axis.count == 0 for axis in axes):
            continue
        taps = [phase.taps or (0,) for phase in phases]
        part = np.ascontiguousarray(forward[np.ix_(*map(range, forward.shape[:2]), *taps)])
        corner = Box((*task.box.lo[:2], *lo[2:]), task.box.hi)
        moved = replace(task, box=corner)
        key = (task.constants, tuple(phase.first for phase in phases))
        steps = [phase.step for phase in phases]
        row = task.output.sizes[-1] // windows[-1].stride
        _convolve(tape, moved, out.crop(corner), Dense(axes, layer.groups, part, bias, key, row, steps))
    return out


def _swap_channels(weights: Array, groups: int) -> Array:
    """Transposed weights ``(C, K/G, *kernel)`` as a convolution's ``(K, C/G, *kernel)``."""
    channels, outputs, *kernel = weights.shape
    split = weights.reshape(groups, channels // groups, outputs, *kernel)
    return split.swapaxes(1, 2).reshape(groups * outputs, channels // groups, *kernel)


@lower.register
def _(layer: Linear, tape: Tape, task: Task) -> View:
    """A pointwise convolution whose row is the list of all input vectors."""
    weights, bias = _weights(tape, task)
    x = task.operands[0]
    channels, outputs = weights.shape[1], weights.shape[0]
    count = prod(x.shape[:-1])
    flat_x = _as_rows(tape, x, count, channels)
    out_view = tape.new(task, rows=True)
    flat_out = _as_rows(tape, out_view, count, outputs)
    rows = Box((0, 0, 0), (1, outputs, count))
    extras = [_as_rows(tape, _over(tape, view, task.box), count, outputs) for view in task.extras]
    output = replace(task.output, shape=(1, outputs, count))
    inner = replace(task, operands=[flat_x], output=output, box=rows, extras=extras)
    axes = [AxisRun(Window(1), 0, count, count)]
    kernel = weights[:, :, None]
    row = prod(task.output.sizes[:-1])
    _convolve(tape, inner, flat_out, Dense(axes, 1, kernel, bias, task.constants, row, (1,)))
    return out_view


def _over(tape: Tape, view: View, box: Box) -> View:
    return tape.copy(spread(view, box), tape.schedule.array(box, view.dtype, rows=True))


def _as_rows(tape: Tape, view: View, count: int, channels: int) -> View:
    """Vectors along the last axis as ``(1, channels, count)`` with the channels innermost; copied if they lie otherwise."""
    shape, steps = view.shape, view.strides
    even = all(steps[i] == steps[i + 1] * shape[i + 1] for i in range(len(shape) - 1) if shape[i] != 1)
    if (steps[-1] != 1 and shape[-1] != 1) or not even:
        view = tape.copy(view, tape.schedule.array(view.box, view.dtype, rows=True))
    box = Box((0, 0, 0), (1, channels, count))
    return View(view.buffer, view.dtype, box, (channels * count, 1, channels), view.start)
