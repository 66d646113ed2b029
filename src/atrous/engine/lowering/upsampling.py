"""Depthwise transposed convolutions whose result lies in rows: all phases at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from math import prod

import numpy as np

from atrous.engine.codelets import upsampling
from atrous.engine.codelets.convolution import Packed
from atrous.engine.codelets.grid import Access
from atrous.engine.codelets.upsampling import Upsampling
from atrous.engine.epilogue import Epilogue
from atrous.engine.lowering.arranging import arranged
from atrous.engine.lowering.tape import Tape, Task
from atrous.engine.lowering.windows import row_operand, sweep_words, unit_count
from atrous.engine.sweep import AxisRun
from atrous.engine.view import Layout, View
from atrous.geometry import Window, ceil_div
from atrous.graph.fact import Array, Fact
from atrous.graph.layers.convolution import ConvTranspose
from atrous.target import Target


def upsamples(layer: ConvTranspose, x: Fact, output: Fact, target: Target) -> bool:
    """Whether each group has one input channel, and the taps of all axes are neighbours."""
    known = x.dtype in ("float32", "float64") and layer.groups == x.sizes[1] and layer.strides[-1] > 1
    plain = set(layer.dilations) == {1} and all(window.pad_lo >= 0 for window in layer.windows(x.sizes[2:]))
    return known and plain and upsampling.tile(layer.strides, output.sizes, x.dtype, target) is not None


def upsample(tape: Tape, task: Task, weights: Array, bias: Array | None) -> View | None:
    """Compute the task's box in rows; ``None`` if that is not how this layer, or this box of it, is computed."""
    layer, x, target = task.layer, task.facts[0], tape.compiler.target
    assert isinstance(layer, ConvTranspose)
    if task.layout is not Layout.ROWS or task.name in tape.planner.forced or not upsamples(layer, x, task.output, target):
        return None
    if task.box.lo[-1] % layer.strides[-1]:  # would be another kernel; the phases by themselves give the same bits
        return None
    if not tape.cached(("finite", repr(task.constants)), lambda: bool(np.isfinite(weights).all())):
        return None
    out = tape.new(task, rows=True)
    if not out.lies(Layout.ROWS):
        out = tape.schedule.array(task.box, task.output.dtype, True)
    _launch(tape, task, layer, out, weights, bias)
    return out


def _launch(tape: Tape, task: Task, layer: ConvTranspose, out: View, weights: Array, bias: Array | None) -> None:
    x, target = tape.as_rows(task.operands[0]), tape.compiler.target
    operands = [row_operand(tape, view, task.box) for view in task.extras]
    access = tuple(Access(view.dtype, 1 if view.strides[-1] == 1 else 0) for view in operands)
    sizes = task.facts[0].sizes[2:]
    windows = layer.windows(sizes)
    pads = [window.pad_lo for window in windows]
    register = upsampling.tile(layer.strides, task.output.sizes, x.dtype, target)
    assert register is not None
    phase, channels = pads[-1] % layer.strides[-1], weights.shape[0] * weights.shape[1]
    c = Upsampling(
        x.dtype, channels, weights.shape[1], layer.kernel, layer.strides, phase, target.lanes(x.dtype), register,
        Epilogue(task.steps, access, out.dtype),
    )  # fmt: skip
    packed = tape.cached(
        ("packed", repr(task.constants), upsampling.__name__, c.phase, register, c.dtype),
        lambda: _arranged(tape, upsampling.pack(c, weights, bias)),
    )
    axes = [AxisRun(Window(1), lo, hi - lo, size) for (lo, hi), size in zip(list(task.box)[2:], sizes, strict=True)]
    origins = [axis.first + pad for axis, pad in zip(axes, pads, strict=True)]
    height = (1, *task.box.shape[2:])[-2]
    if len(axes) > 1:  # strips of rows, the first and the last perhaps in part
        strips = ceil_div(origins[-2] + height, register.rows) - origins[-2] // register.rows
        axes[-2] = replace(axes[-2], count=strips)
    single = register._replace(rows=1)
    words = sweep_words(tape, x, out, axes, (1,) * len(axes), c.channels, single, 0, operands)
    words |= {f"i{axis}": origin for axis, origin in enumerate(origins)}
    for axis, (window, (lo, hi), size) in enumerate(zip(windows, list(task.box)[2:], sizes, strict=True)):
        first, last = window.needs(lo, hi)
        words |= {f"lo{axis}": max(0, first), f"e{axis}": max(0, first, min(last, size))}
    words |= _interior(c, origins[-1], words) | {"height": height, "w": packed.weights, "b": packed.bias}
    if prod(task.box.shape):
        units = unit_count(words, axes, out.shape[0], c.channels, single)
        tape.schedule.launch(tape.kernel(c, upsampling.emit), upsampling.names(c), words, units)


def _interior(c: Upsampling, origin: int, words: Mapping[str, object]) -> dict[str, object]:
    """The outputs, counted from the first, between which tiles load nothing that the box does not read."""
    stride, first, axis = c.strides[-1], origin - c.phase, len(c.kernel) - 1
    lo, hi = words[f"lo{axis}"], words[f"e{axis}"]
    assert isinstance(lo, int)
    assert isinstance(hi, int)
    return {
        "inner_lo": (lo + c.taps - 1) * stride - first,
        "inner_hi": (hi - c.reach) * stride - first + c.register.pixels,
    }


def _arranged(tape: Tape, packed: Packed) -> Packed:
    return Packed(arranged(tape, packed.weights), packed.bias)
