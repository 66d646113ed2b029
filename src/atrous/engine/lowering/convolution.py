"""Convolutions, transposed ones as phases of dense ones, linear layers as pointwise ones, and pooling."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import product
from math import prod

import numpy as np

from atrous.engine.codelets import channelwise
from atrous.engine.codelets.convolution import Convolution, Register
from atrous.engine.epilogue import Epilogue
from atrous.engine.lowering.rules import lower
from atrous.engine.lowering.tape import Tape, Task, spread
from atrous.engine.planner import plan
from atrous.engine.sweep import AxisRun
from atrous.engine.view import View
from atrous.geometry import Box, TransposedWindow, Window, ceil_div
from atrous.graph.fact import Array
from atrous.graph.layers.convolution import Conv, ConvTranspose
from atrous.graph.layers.linear import Linear
from atrous.graph.layers.pooling import AveragePool, MaxPool, Pool

#: Rows are cut into segments when there would be fewer units of work than this.
ENOUGH_UNITS = 64


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
    _convolve(tape, task, out, axes, layer.groups, weights, bias, (task.constants, None), row)
    return out


def _weights(tape: Tape, task: Task) -> tuple[Array, Array | None]:
    values = [fact.value for fact in task.facts[1:]]
    assert values[0] is not None, "weights are constants: the program checked it"
    return values[0], values[1] if len(values) > 1 else None


def _convolve(
    tape: Tape,
    task: Task,
    out: View,
    axes: Sequence[AxisRun],
    groups: int,
    weights: Array,
    bias: Array | None,
    key: object,
    row: int,
    steps: Sequence[int] | None = None,
) -> None:
    """One dense convolution into ``out``; ``steps`` are the distances of neighbouring outputs, for phases."""
    x = tape.as_channels_last(task.operands[0])
    operands = [_channel_operand(tape, view, task.box) for view in task.extras]
    pitch = x.strides[-1]
    epilogue = Epilogue(task.steps, tuple(view.dtype for view in operands), out.dtype)
    windows = [axis.window for axis in axes]
    c = Convolution(
        x.dtype,
        weights.shape[1],
        weights.shape[0] // groups,
        groups,
        tuple(w.kernel for w in windows),
        tuple(w.stride for w in windows),
        tuple(w.dilation for w in windows),
        pitch,
        epilogue,
    )
    target = tape.compiler.target
    chosen = plan(c, row, target)
    codelet, register = chosen.codelet, chosen.register
    packed = tape.cached(
        ("packed", repr(key), codelet.__name__, register, c.dtype),
        lambda: codelet.pack(c, register, weights, bias, target),
    )
    blocks = codelet.blocks(c, register, target)
    words = _sweep_words(tape, x, out, axes, steps or (1,) * len(axes), blocks, register, c.channels, operands)
    words |= {"w": packed.weights, "b": packed.bias}
    spec = (codelet.__name__, c, register)
    kernel = tape.compiler.kernel(repr(spec), lambda e: codelet.emit(e, c, register))
    tape.schedule.launch(kernel, codelet.names(c), words, _units(words, axes, out.shape[0], blocks))


def _channel_operand(tape: Tape, view: View, box: Box) -> View:
    """An epilogue operand over the output box, its channels neighbours: one number for all is written out first."""
    full = spread(view, box)
    channels = box.shape[1]
    if full.strides[1] == 1 or channels == 1:
        return full
    if full.strides[1] == 0 and all(step == 0 for step in full.strides):
        shape = (1, channels) + (1,) * (len(box.lo) - 2)
        filled = tape.copy(view, tape.schedule.array(Box.full(shape), view.dtype, rows=False))
        return spread(filled, box)
    return tape.copy(full, tape.schedule.array(box, view.dtype, rows=False))


def _padding_row(tape: Tape, dtype: str, elements: int, number: float) -> Array:
    def make() -> Array:
        return np.full(elements, number, dtype)

    row: Array = tape.cached(("padding", dtype, elements, number), make)
    return row


def _sweep_words(
    tape: Tape,
    x: View,
    out: View,
    axes: Sequence[AxisRun],
    steps: Sequence[int],
    blocks: int,
    register: Register,
    row_channels: int,
    operands: Sequence[View] = (),
    padding: float = 0.0,
) -> dict[str, object]:
    """The words of a sweep (``sweep.argument_names``) over these axes."""
    target = tape.compiler.target
    origin = (out.box.lo[0], x.box.lo[1], *(0 for _ in axes))
    pad = _padding_row(tape, x.dtype, row_channels + 4 * target.lanes(x.dtype) * register.vectors, padding)
    lo, hi = axes[-1].interior
    count = axes[-1].count
    rows = out.shape[0] * prod(axis.count for axis in axes[:-1]) * blocks
    pieces = max(1, min(ceil_div(ENOUGH_UNITS, max(1, rows)), ceil_div(count, 4 * register.pixels)))
    segment = max(1, ceil_div(ceil_div(count, pieces), register.pixels) * register.pixels)
    words: dict[str, object] = {
        "x": x.place(origin),
        "y": out.place(),
        "pad": pad,
        "batch": out.shape[0],
        "xb": x.strides[0],
        "yb": out.strides[0],
        "inner_lo": lo,
        "inner_hi": hi,
        "segment": segment,
        "segments": ceil_div(count, segment),
    }
    for number, (axis, step) in enumerate(zip(axes, steps, strict=True)):
        words |= {
            f"n{number}": axis.count,
            f"i{number}": axis.origin,
            f"e{number}": axis.extent,
            f"x{number}": x.strides[2 + number],
            f"y{number}": out.strides[2 + number] * step,
        }
    for j, view in enumerate(operands):
        words |= {f"r{j}": view.place(out.box.lo), f"r{j}b": view.strides[0]}
        words |= {f"r{j}.{number}": view.strides[2 + number] * step for number, step in enumerate(steps)}
    return words


def _units(words: dict[str, object], axes: Sequence[AxisRun], batch: int, blocks: int) -> int:
    segments = words["segments"]
    assert isinstance(segments, int)
    return blocks * batch * prod(axis.count for axis in axes[:-1]) * segments if axes[-1].count else 0


@lower.register
def _(layer: ConvTranspose, tape: Tape, task: Task) -> View:
    """Each combination of phases is a dense convolution of its own, written to every ``stride``-th output."""
    sizes = task.facts[0].sizes[2:]
    windows: tuple[TransposedWindow, ...] = layer.windows(sizes)
    weights, bias = _weights(tape, task)
    forward = _swap_channels(weights, layer.groups)
    out = tape.new(task)
    for phases in product(*(window.phases() for window in windows)):
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
        _convolve(tape, moved, out.crop(corner), axes, layer.groups, part, bias, key, row, steps)
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
    x = x.crop(Box((*task.box.lo[:-1], 0), (*task.box.hi[:-1], channels)))
    out_view = tape.new(task, rows=True)
    flat_out = _as_rows(tape, out_view, count, outputs)
    rows = Box((0, 0, 0), (1, outputs, count))
    extras = [_as_rows(tape, _over(tape, view, task.box), count, outputs) for view in task.extras]
    output = replace(task.output, shape=(1, outputs, count))
    inner = replace(task, operands=[flat_x], output=output, box=rows, extras=extras)
    axes = [AxisRun(Window(1), 0, count, count)]
    kernel = weights[:, :, None]
    _convolve(tape, inner, flat_out, axes, 1, kernel, bias, task.constants, prod(task.output.sizes[:-1]))
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


@lower.register
def _(layer: Pool, tape: Tape, task: Task) -> View:
    """Windows over each channel by itself."""
    x = tape.as_channels_last(task.operands[0])
    sizes = task.facts[0].sizes[2:]
    windows = layer.windows(sizes)
    axes = [
        AxisRun(window, lo, hi - lo, size) for window, (lo, hi), size in zip(windows, list(task.box)[2:], sizes, strict=True)
    ]
    out = tape.new(task)
    operands = [_channel_operand(tape, view, task.box) for view in task.extras]
    epilogue = Epilogue(task.steps, tuple(view.dtype for view in operands), out.dtype)
    rule, counts, padding = _pool_rule(layer, windows, task, sizes)
    c = channelwise.Channelwise(
        x.dtype, x.shape[1], layer.kernel, layer.strides, layer.dilations, x.strides[-1], rule, epilogue
    )
    target = tape.compiler.target
    tiles = channelwise.tiles(c.channels, target.lanes(c.dtype), target)
    register = min(tiles, key=lambda tile: channelwise.tile_cost(tile, task.output.sizes[-1]))
    blocks = channelwise.window_blocks(c, register, target)
    words = _sweep_words(tape, x, out, axes, (1,) * len(axes), blocks, register, 0, operands, padding)
    words |= counts
    kernel = tape.compiler.kernel(repr((c, register)), lambda e: channelwise.emit_window(e, c, register))
    units = _units(words, axes, out.shape[0], blocks)
    tape.schedule.launch(kernel, channelwise.window_names(c), words, units)
    return out


def _pool_rule(
    layer: Pool, windows: Sequence[Window], task: Task, sizes: Sequence[int]
) -> tuple[channelwise.Rule, dict[str, object], float]:
    """How a pool combines its taps, the tables it divides by, and what its padding holds."""
    if isinstance(layer, MaxPool):
        return channelwise.Largest(), {}, float("-inf")
    assert isinstance(layer, AveragePool)
    counts: dict[str, object] = {}
    for axis, (window, (lo, hi), size) in enumerate(zip(windows, list(task.box)[2:], sizes, strict=True)):
        first, last = (-window.pad_lo, size + window.pad_hi) if layer.count_include_pad else (0, size)
        table = [max(1, len(window.taps_of_output(place, first, last))) for place in range(lo, hi)]
        counts[f"c{axis}"] = np.array(table, task.facts[0].dtype)
    return channelwise.Average(len(windows)), counts, 0.0
