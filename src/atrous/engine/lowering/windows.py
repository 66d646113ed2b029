"""What lowering shares for windowed kernels: their words, their operands, and the launch of channelwise ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import prod

import numpy as np

from atrous.engine.codelets import channelwise, pool
from atrous.engine.codelets.convolution import Register
from atrous.engine.lowering.tape import Tape, spread
from atrous.engine.sweep import AxisRun, segments, strip_count
from atrous.engine.view import View
from atrous.geometry import Box, ceil_div
from atrous.graph.fact import Array


def row_operand(tape: Tape, view: View, box: Box) -> View:
    """An epilogue operand over the output box, the pixels of its rows neighbours or one for all."""
    full = spread(view, box)
    if full.strides[-1] in (0, 1) or box.shape[-1] == 1:
        return full
    return tape.copy(full, tape.schedule.array(box, view.dtype, rows=True))


def channel_operand(tape: Tape, view: View, box: Box) -> View:
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


def padding_row(tape: Tape, dtype: str, elements: int, number: float) -> Array:
    def make() -> Array:
        return np.full(elements, number, dtype)

    row: Array = tape.cached(("padding", dtype, elements, number), make)
    return row


def sweep_words(
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
    inner: int = 1,
) -> dict[str, object]:
    """The words of a sweep (``sweep.argument_names``) over these axes, ``inner`` blocks innermost in the order of units."""
    target = tape.compiler.target
    origin = (out.box.lo[0], x.box.lo[1], *(0 for _ in axes))
    pad = padding_row(tape, x.dtype, row_channels + 4 * target.lanes(x.dtype) * register.vectors, padding)
    lo, hi = axes[-1].interior
    count = axes[-1].count
    rows = out.shape[0] * outer_units(axes, register) * blocks
    shared = count * x.strides[-1] * x.item if inner > 1 else 0
    segment = segments(rows, count, register.pixels, shared, 2 * target.caches.l1)
    words: dict[str, object] = {
        "x": x.place(origin),
        "y": out.place(),
        "pad": pad,
        "batch": out.shape[0],
        "xb": x.strides[0],
        "yb": out.strides[0],
        "xc": x.strides[1],
        "yc": out.strides[1],
        "inner_lo": lo,
        "inner_hi": hi,
        "segment": segment,
        "segments": ceil_div(count, segment),
        "inner": inner,
    }
    for number, axis in enumerate(axes):
        words |= {f"n{number}": axis.count, f"i{number}": axis.origin, f"e{number}": axis.extent}
    return words | _place_words(x, out, steps, operands)


def _place_words(x: View, out: View, steps: Sequence[int], operands: Sequence[View]) -> dict[str, object]:
    """Where neighbouring places of each axis lie, in the input, the output and the epilogue's operands."""
    words: dict[str, object] = {}
    for number, step in enumerate(steps):
        words |= {f"x{number}": x.strides[2 + number], f"y{number}": out.strides[2 + number] * step}
    for j, view in enumerate(operands):
        words |= {f"r{j}": view.place(out.box.lo), f"r{j}b": view.strides[0], f"r{j}c": view.strides[1]}
        words |= {f"r{j}.{number}": view.strides[2 + number] * step for number, step in enumerate(steps)}
    return words


def outer_units(axes: Sequence[AxisRun], register: Register) -> int:
    """Into how many units the outer axes fall: single rows, or strips of as many as the register tile has."""
    if len(axes) == 1:
        return 1
    *outer, strip = axes[:-1]
    return prod(axis.count for axis in outer) * strip_count(strip.count, register.rows, strip.window.dilation)


def unit_count(words: dict[str, object], axes: Sequence[AxisRun], batch: int, blocks: int, register: Register) -> int:
    segments = words["segments"]
    assert isinstance(segments, int)
    return blocks * batch * outer_units(axes, register) * segments if axes[-1].count else 0


def window_launch(
    tape: Tape,
    c: channelwise.Channelwise,
    x: View,
    out: View,
    axes: Sequence[AxisRun],
    row: int,
    operands: Sequence[View] = (),
    extra: Mapping[str, object] | None = None,
    padding: float = 0.0,
) -> None:
    """Launch a channelwise kernel over a box; ``row`` is the length of the whole signal's output rows."""
    target = tape.compiler.target
    if pool.applies(c):
        register = min(pool.tiles(c, target), key=lambda tile: pool.cost(c, tile, row))
        emit: Callable[..., None] = pool.emit
    else:
        tiles = channelwise.tiles(c.channels, target.lanes(c.dtype), target)
        register = min(tiles, key=lambda tile: channelwise.tile_cost(tile, row))
        emit = channelwise.emit_window
    blocks = channelwise.window_blocks(c, register, target)
    words = sweep_words(tape, x, out, axes, (1,) * len(axes), blocks, register, 0, operands, padding, blocks)
    words |= extra or {}
    kernel = tape.compiler.kernel(repr((emit.__module__, c, register)), lambda e: emit(e, c, register))
    tape.schedule.launch(kernel, channelwise.window_names(c), words, unit_count(words, axes, out.shape[0], blocks, register))
