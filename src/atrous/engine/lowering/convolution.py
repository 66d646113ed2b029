"""Convolutions, transposed ones as phases of dense ones, linear layers as pointwise ones."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby, product
from math import prod

import numpy as np

from atrous.engine.codelets.convolution import Convolution, Packed, Register
from atrous.engine.codelets.grid import Access
from atrous.engine.codelets.winograd import Minimal
from atrous.engine.epilogue import Epilogue
from atrous.engine.lowering.arranging import arranged
from atrous.engine.lowering.filtering import Filtered, filtered
from atrous.engine.lowering.rules import lower
from atrous.engine.lowering.tape import Tape, Task, spread
from atrous.engine.lowering.upsampling import upsample
from atrous.engine.lowering.windows import channel_operand, row_operand, sweep_words, unit_count
from atrous.engine.plan import Plan, Request, Signal
from atrous.engine.sweep import AxisRun
from atrous.engine.view import Layout, View, pitch
from atrous.errors import UnsupportedError
from atrous.geometry import Box, Phase, Window
from atrous.graph.fact import Array, Fact
from atrous.graph.layer import Fused, Step
from atrous.graph.layers.convolution import Conv, ConvTranspose
from atrous.graph.layers.linear import Linear
from atrous.graph.network import Node


@lower.register
def _(layer: Conv, tape: Tape, task: Task) -> View:
    weights, bias = _weights(tape, task)
    x = task.operands[0]
    dense = dense_of(layer, weights, bias, task.constants, task.facts[0].sizes, task.box.hi, task.box.lo)
    signal = signal_of(task.facts[0], task.output, layout_of(x), task.layout)
    chosen = dense.plan(tape, task.name, x.dtype, task.steps, signal)
    out = tape.new(task, rows=chosen.codelet.WRITES is Layout.ROWS)
    if not out.lies(chosen.codelet.WRITES):
        out = tape.new(replace(task, target=None), rows=chosen.codelet.WRITES is Layout.ROWS)
    convolve(tape, task, out, dense, chosen)
    return out


def grid_of(node: Node, facts: Mapping[str, Fact], tape: Tape) -> tuple[tuple[int, int], ...] | None:
    """The grid of the blocks of outputs that a node's kernels compute together; ``None`` where each stands alone."""
    layer = node.layer.body if isinstance(node.layer, Fused) else node.layer
    if not isinstance(layer, Conv) or facts[node.inputs[1]].value is None:
        return None
    x, y, weights = facts[node.inputs[0]], facts[node.output], facts[node.inputs[1]].value
    assert weights is not None
    dense = dense_of(layer, weights, None, list(node.inputs), x.sizes, y.sizes)
    request = dense.request(tape, x.dtype, (), signal_of(x, y, None, None))
    grid = tape.planner.grid(node.name, request)
    if grid == 1:
        return None
    return ((1, 0), (1, 0), *Minimal(request.c, grid, Register(1, 1)).grids)


def dense_of(
    layer: Conv,
    weights: Array,
    bias: Array | None,
    constants: Sequence[str | None],
    sizes: Sequence[int],
    hi: Sequence[int],
    lo: Sequence[int] | None = None,
) -> Dense:
    """A convolution of a signal of these sizes ``(N, C, *space)`` over the outputs from ``lo`` (default: 0) to ``hi``."""
    axes = [
        AxisRun(window, first, last - first, size)
        for window, first, last, size in zip(
            layer.windows(sizes[2:]), lo[2:] if lo else [0] * 3, hi[2:], sizes[2:], strict=False
        )
    ]
    return Dense(axes, layer.groups, weights, bias, tuple(constants[1:]), (1,) * len(axes))


def signal_of(x: Fact, y: Fact, source: Layout | None, wanted: Layout | None) -> Signal:
    """The whole signal of a layer, and the layouts around it."""
    return Signal(x.sizes[0], x.sizes[2:], y.sizes[2:], source, wanted)


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
    steps: Sequence[int]  # the distances of neighbouring outputs: more than 1 for phases

    def task(self, tape: Tape, dtype: str, pitch: int, epilogue: Epilogue) -> Convolution:
        """What the kernel is specialised on, for an input of this type and distance between pixels."""
        windows = [axis.window for axis in self.axes]
        return Convolution(
            dtype,
            self.weights.shape[1],
            self.weights.shape[0] // self.groups,
            self.groups,
            tuple(w.kernel for w in windows),
            tuple(w.stride for w in windows),
            tuple(w.dilation for w in windows),
            pitch,
            self.steps[-1],
            epilogue,
            tape.cached(("finite", repr(self.key)), lambda: bool(np.isfinite(self.weights).all())),
        )

    def plan(self, tape: Tape, node: str, dtype: str, steps: tuple[Step, ...], signal: Signal) -> Plan:
        """How to compute it, for a node of this name."""
        return tape.planner.choose(node, self.request(tape, dtype, steps, signal))

    def request(self, tape: Tape, dtype: str, steps: tuple[Step, ...], signal: Signal) -> Request:
        """What the planner is asked."""
        pads = tuple((axis.window.pad_lo, axis.window.pad_hi) for axis in self.axes)
        c = self.task(tape, dtype, pitch(self.weights.shape[1] * self.groups, signal.inputs, dtype), Epilogue(steps))
        return Request(c, replace(signal, pads=pads))

    def joined(self, views: Sequence[View]) -> tuple[Dense, list[View]]:
        """The same with its last axes taken for one where every view walks them as one: longer rows, fewer tails.

        That takes axes on which outputs meet one input each. ``views`` are the input, the output and its operands.
        """
        dense, found = self, list(views)
        while (
            len(dense.axes) > 1
            and set(dense.steps[-2:]) == {1}
            and all(axis.window == Window(1) and axis.first == 0 for axis in dense.axes[-2:])
        ):
            if not all(view.strides[-2] == view.strides[-1] * view.shape[-1] for view in found):
                break
            *outer, one, two = dense.axes
            both = AxisRun(Window(1), 0, one.count * two.count, one.extent * two.extent)
            if both.count != both.extent:
                break
            weights = dense.weights[..., 0]
            dense = replace(dense, axes=[*outer, both], weights=weights, steps=dense.steps[:-1])
            found = [_joined(view) for view in found]
        return dense, found


def _joined(view: View) -> View:
    """The view with its last two axes as one."""
    *lo, _, _ = view.box.lo
    *hi, rows, columns = view.box.hi
    return View(
        view.buffer, view.dtype, Box((*lo, 0), (*hi, rows * columns)), (*view.strides[:-2], view.strides[-1]), view.start
    )


def layout_of(view: View) -> Layout | None:
    """How a view lies; ``None`` if one may call it either."""
    lies = [layout for layout in Layout if view.lies(layout)]
    return lies[0] if len(lies) == 1 else None


def convolve(tape: Tape, task: Task, out: View, dense: Dense, chosen: Plan) -> None:
    """Launch the planned kernel of a dense convolution into ``out``."""
    codelet, register, target = chosen.codelet, chosen.register, tape.compiler.target
    x = task.operands[0]
    x = tape.as_rows(x) if codelet.READS is Layout.ROWS else tape.as_channels_last(x)
    if codelet.WRITES is Layout.ROWS:
        operands = [row_operand(tape, view, task.box) for view in task.extras]
        access = tuple(Access(view.dtype, 1 if view.strides[-1] == 1 else 0) for view in operands)
    else:
        operands = [channel_operand(tape, view, task.box) for view in task.extras]
        access = tuple(Access(view.dtype, 1) for view in operands)
    apart = 1 if codelet.READS is Layout.ROWS else x.strides[-1]
    epilogue = Epilogue(task.steps, access, out.dtype)
    dense, (x, out, *operands) = dense.joined([x, out, *operands])
    c = dense.task(tape, x.dtype, apart, epilogue)
    packed = tape.cached(
        ("packed", repr(dense.key), codelet.__name__, register, c.dtype),
        lambda: _arranged(tape, codelet.pack(c, register, dense.weights, dense.bias, target)),
    )
    if codelet.GRID > 1:
        filtered(Filtered(tape, Minimal(c, codelet.GRID, register), packed, x, out, dense.axes, operands))
        return
    blocks = codelet.blocks(c, register, target)
    words = sweep_words(tape, x, out, dense.axes, dense.steps, blocks, register, c.channels, operands, inner=chosen.inner)
    words |= {"w": packed.weights, "b": packed.bias}
    kernel = tape.compiler.kernel(repr((codelet.__name__, c, register)), lambda e: codelet.emit(e, c, register))
    tape.schedule.launch(kernel, codelet.names(c), words, unit_count(words, dense.axes, out.shape[0], blocks, register))


def _arranged(tape: Tape, packed: Packed) -> Packed:
    return Packed(arranged(tape, packed.weights), np.ascontiguousarray(packed.bias))


@lower.register
def _(layer: ConvTranspose, tape: Tape, task: Task) -> View:
    """Each combination of phases is a dense convolution of its own, written to every ``stride``-th output.

    Depthwise ones whose result lies in rows have a kernel that computes all phases at once.
    """
    weights, bias = _weights(tape, task)
    upsampled = upsample(tape, task, weights, bias)
    if upsampled is not None:
        return upsampled
    x = task.operands[0]
    out = tape.new(task)
    if not out.lies(Layout.CHANNELS):
        out = tape.new(replace(task, target=None))
    dense = not task.extras and out.strides[-1] == out.shape[1]  # pixels side by side, with nothing between them
    parts = parts_of(layer, weights, bias, task.constants, task.facts[0].sizes, task.output.sizes, task.box, dense)
    for part in parts:
        signal = replace(part.signal, source=layout_of(x))
        chosen = part.dense.plan(tape, task.name, x.dtype, task.steps, signal)
        convolve(tape, replace(task, box=part.box), part.place(out), part.dense, chosen)
    return out


@dataclass(frozen=True, eq=False)
class Part:
    """The dense convolution that one combination of phases is, the outputs from which it writes, and its whole signal.

    ``width`` neighbouring phases of the last axis, ``apart`` outputs each, may be one: their outputs lie side by side, so they
    are channels of one pixel.
    """

    dense: Dense
    box: Box
    signal: Signal
    width: int
    apart: int

    def place(self, out: View) -> View:
        """Where it writes in the layer's output."""
        corner = out.crop(self.box)
        if self.width == 1:
            return corner
        _, channels, *space = corner.shape
        (first, last), *_ = corner.box  # images of the batch have their number; the rest is counted from the corner
        sizes = (channels * self.width, *space[:-1], self.dense.axes[-1].count)
        box = Box((first, *(0 for _ in sizes)), (last, *sizes))
        strides = (*corner.strides[:-1], corner.strides[-1] * self.apart)
        return View(out.buffer, out.dtype, box, strides, corner.start)


def parts_of(
    layer: ConvTranspose,
    weights: Array,
    bias: Array | None,
    constants: Sequence[str | None],
    sizes: Sequence[int],
    outputs: Sequence[int],
    box: Box,
    side_by_side: bool,
) -> Iterator[Part]:
    """The parts that compute a box of a transposed convolution of a signal of these sizes; those without outputs left out.

    Phases of the last axis are joined if the pixels of the output lie ``side_by_side``.
    """
    space = tuple(sizes[2:])
    phases = [window.phases(hi) for window, hi in zip(layer.windows(space), box.hi[2:], strict=True)]
    forward = _swap_channels(weights, layer.groups)
    runs = _runs(phases[-1], box.lo[-1], box.hi[-1], side_by_side and layer.groups == 1)
    ends = [
        [((phase,), *phase.reached(lo, hi)) for phase in axis] for axis, (lo, hi) in zip(phases, list(box)[2:-1], strict=False)
    ]
    for combination in product(*ends, runs):
        firsts = [run[0] for run, _, _ in combination]
        axes, lo = [], list(box.lo)
        for i, (phase, (_, first, last), size) in enumerate(zip(firsts, combination, space, strict=True)):
            window = phase.window or Window(1, pad_lo=1 << 40)  # no taps: one that always meets padding
            axes.append(AxisRun(window, first, max(0, last - first), size))
            lo[2 + i] = phase.first + first * phase.step
        if any(axis.count == 0 for axis in axes):
            continue
        run = combination[-1][0]
        taps = [[phase.taps or (0,) for phase in (*firsts[:-1], each)] for each in run]
        part = np.concatenate([forward[np.ix_(*map(range, forward.shape[:2]), *each)] for each in taps])
        key = (tuple(constants), tuple(phase.first for phase in firsts), len(run))
        steps = [*(phase.step for phase in firsts[:-1]), firsts[-1].step if len(run) == 1 else 1]
        whole = tuple(phase.reached(0, size)[1] for size, phase in zip(outputs[2:], firsts, strict=True))
        signal = Signal(outputs[0], space, whole, None, Layout.CHANNELS, strict=True)
        start = None if bias is None else np.tile(bias, len(run))
        dense = Dense(axes, layer.groups, part, start, key, steps)
        yield Part(dense, Box(tuple(lo), box.hi), signal, len(run), firsts[-1].step)


def _runs(phases: Sequence[Phase], lo: int, hi: int, join: bool) -> Iterator[tuple[tuple[Phase, ...], int, int]]:
    """Neighbouring phases that read alike, with the outputs that all of them have in ``[lo, hi)``; then, one by one, others."""
    for _, alike in groupby(phases, lambda phase: (phase.window, len(phase.taps)) if join else phase):
        run = tuple(alike)
        reached = [phase.reached(lo, hi) for phase in run]
        first, last = max(a for a, _ in reached), min(b for _, b in reached)
        if len(run) > 1 and first < last:
            yield run, first, last
        else:
            first = last = reached[0][0]
        for phase, (a, b) in zip(run, reached, strict=True):
            pieces = (a, min(first, b)), (max(last, a), b)
            yield from (((phase,), lo, hi) for lo, hi in pieces if lo < hi)


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
    whole = prod(task.output.sizes[:-1])
    signal = Signal(1, (whole,), (whole,), Layout.CHANNELS, Layout.CHANNELS, strict=True)
    dense = Dense(axes, 1, kernel, bias, task.constants, (1,))
    convolve(tape, inner, flat_out, dense, dense.plan(tape, task.name, x.dtype, task.steps, signal))
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
