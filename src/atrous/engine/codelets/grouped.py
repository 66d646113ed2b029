"""Convolution in small groups, lanes on channels: a vector of output channels spans several groups, or sixteen of one each.

Depthwise convolution is the case of one channel a group. What can be saved are loads: a vector of input is loaded once for all
taps of a kernel row and all rows of the tile that it meets, while the weights of these taps stay in registers. Where groups
have more than one input channel, it is spread in the register, once for each of them, so that every lane finds that channel of
its own group; what is spread serves the same taps and rows. Long kernel rows go in blocks of taps. An edge tile has one pointer
for each vector that it loads, to the signal or to padding, which costs no more than the multiply-adds hide.

The order is that of all convolution kernels: bias, then taps, channels innermost. Weights are packed
``[block][tap][channel of the group][output channel of the block]``.
"""

from __future__ import annotations

from itertools import product
from math import prod

import numpy as np
from llvmlite import ir

from atrous.engine.codelets.convolution import Convolution, Cost, Packed, Register
from atrous.engine.emit import ELEMENT, I32, Count, Emitter, Value
from atrous.engine.epilogue import Writer
from atrous.engine.sweep import Shape, Sweep, Tile, Unit, argument_names
from atrous.engine.view import Layout
from atrous.geometry import ceil_div
from atrous.graph.fact import Array
from atrous.target import Target

#: The layout that is read, and the one that is written.
READS = WRITES = Layout.CHANNELS
#: Every output is a sum of its own.
GRID = 1
#: Vectors of weights that are held at once for one row: of so many taps, by the channels of a group.
HELD = 8
MOST_HELD = 12
#: Multiply-adds that are written out in one piece where weights are not held.
MOST_CODE = 256


def applies(c: Convolution, target: Target) -> bool:
    """Output channels of whole groups fill a vector, and their input channels at most two."""
    lanes = target.lanes(c.dtype) if c.dtype in ("float32", "float64") else 0
    return c.finite and lanes % c.outputs == 0 and lanes >= 1 and c.channels <= 2 * c.outputs


def worthwhile(c: Convolution, target: Target) -> bool:
    return c.groups > 1 and c.outputs < target.lanes(c.dtype)


def inputs(c: Convolution, lanes: int) -> int:
    """Input channels that a vector of output channels reads."""
    return lanes // c.outputs * c.channels


def candidates(c: Convolution, target: Target) -> tuple[Register, ...]:
    """Tiles that fit the registers: accumulators, the weights of a block of taps for each row, and the input, also spread."""
    several = len(c.kernel) > 1 and c.strides[-2] == c.dilations[-2] == 1
    loaded = ceil_div(inputs(c, target.lanes(c.dtype)), target.lanes(c.dtype)) + (c.channels > 1)
    found = []
    for rows in (1, 2) if several else (1,):
        if rows > 1 and c.kernel[-2] < rows:
            continue
        weights = rows * min(taps_held(c), c.kernel[-1]) * c.channels if holds(c) else 1
        most = (target.vector_registers - loaded - weights) // rows
        if not holds(c):
            most = min(most, MOST_CODE // (rows * min(taps_held(c), c.kernel[-1]) * c.channels))
        found += [Register(pixels, 1, rows) for pixels in range(1, min(most, 16) + 1)]
    return tuple(found) or (Register(1, 1),)


def taps_held(c: Convolution) -> int:
    """Taps of a row in one block: blocks of equal length, as far as that goes."""
    return ceil_div(c.kernel[-1], ceil_div(c.kernel[-1], HELD))


def holds(c: Convolution) -> bool:
    """Whether the weights of a block of taps stay in registers; more of them are read where they are used."""
    return taps_held(c) * c.channels <= MOST_HELD


def cost(c: Convolution, register: Register, row: int, target: Target) -> Cost:
    """Cycles per multiply-add: of loads or arithmetic the more, and what a tile costs before and after its taps."""
    lanes, rates = target.lanes(c.dtype), target.rates
    pixels, rows = register.pixels, register.rows
    held, stride, dilation = taps_held(c), c.strides[-1], c.dilations[-1]
    blocks = ceil_div(c.kernel[-1], held)
    loaded = len({pixel * stride + tap * dilation for pixel in range(pixels) for tap in range(held)})
    vectors = ceil_div(inputs(c, lanes), lanes)
    walked = (c.kernel[-2] + rows - 1) / c.kernel[-2] if rows > 1 else 1.0
    weights = held * rows * c.channels * (1 if holds(c) else pixels)
    loads = blocks * (loaded * vectors * walked + weights) / rates.loads
    arithmetic = c.kernel[-1] * c.channels * max(pixels * rows / rates.fmas, rates.latency)
    if c.channels > 1:  # spreading takes turns of the units that multiply
        arithmetic += blocks * loaded * walked * c.channels / rates.fmas
    depth, steps = prod(c.kernel[:-1]), prod(c.kernel) * c.channels
    # Part of the input comes from the second cache, and not all of that time is hidden.
    overhead = (2 + 0.3 * loaded * blocks * vectors) * depth * walked + pixels * rows
    each = ceil_div(row, pixels) * ceil_div(c.groups * c.outputs, lanes) / (row * rows * c.groups * c.outputs * steps)
    return Cost(each * depth * arithmetic, each * depth * loads, each * overhead)


def names(c: Convolution) -> list[str]:
    return argument_names(len(c.kernel), ["w", "b", *c.epilogue.names(len(c.kernel))])


def pack(c: Convolution, register: Register, weights: Array, bias: Array | None, target: Target) -> Packed:
    """Weights ``(K, C/G, *kernel)`` and bias ``(K,)`` in the order in which the kernel reads them."""
    lanes, outputs = target.lanes(c.dtype), c.groups * c.outputs
    count, taps = ceil_div(outputs, lanes), prod(c.kernel)
    padded = np.zeros((count * lanes, c.channels, taps), c.dtype)
    padded[:outputs] = weights.reshape(outputs, c.channels, taps)
    start = np.zeros(count * lanes, c.dtype)
    if bias is not None:
        start[:outputs] = bias
    return Packed(np.ascontiguousarray(padded.reshape(count, lanes, c.channels, taps).transpose(0, 3, 2, 1)), start)


def blocks(c: Convolution, register: Register, target: Target) -> int:
    return ceil_div(c.groups * c.outputs, target.lanes(c.dtype))


def emit(e: Emitter, c: Convolution, register: Register) -> None:
    _Grouped(e, c, register).emit()


class _Grouped:
    def __init__(self, e: Emitter, c: Convolution, register: Register) -> None:
        self.e, self.c, self.register = e, c, register
        self.lanes = e.target.lanes(c.dtype)
        self.element = ELEMENT[c.dtype]
        self.vector = ir.VectorType(self.element, self.lanes)
        self.held = taps_held(c)
        self.tap_weights = c.channels * self.lanes
        self.inputs = inputs(c, self.lanes)
        shape = Shape(c.kernel, c.strides, c.dilations, c.pitch, register.pixels, register.rows)
        extra = ["w", "b", *c.epilogue.names(shape.axes)]
        self.sweep = Sweep(e, shape, self.element, blocks(c, register, e.target), extra)
        self.weights, self.bias = self.sweep.args.pointer("w"), self.sweep.args.pointer("b")

    def emit(self) -> None:
        self.sweep.emit(self.tile)

    def tile(self, tile: Tile, unit: Unit) -> None:
        e, c, sweep, lanes = self.e, self.c, self.sweep, self.lanes
        channel = e.mul(unit.block, lanes)
        weights = e.at(self.weights, e.mul(channel, prod(c.kernel) * c.channels), self.element)
        start = e.load(e.at(self.bias, channel, self.element), self.vector)
        outputs = c.groups * c.outputs
        mask = None if outputs % lanes == 0 else e.first_lanes(e.sub(e.i64(outputs), channel), lanes)
        source = _Source(self, e.mul(unit.block, self.inputs))
        width = self.register.pixels * self.register.rows
        span = c.kernel[-1] * self.tap_weights
        results = sweep.strip_taps(
            unit, weights, span, [start] * width, lambda x, feed, acc: self.row(tile, x, feed, source, acc)
        )
        self.write(tile, unit, channel, mask, results)

    def write(self, tile: Tile, unit: Unit, channel: Value, mask: Value | None, results: list[Value]) -> None:
        """Store the rows of the tile that are real, and of each the pixels that are."""
        e, pixels = self.e, self.register.pixels
        first = Writer(self.sweep, unit, tile, self.c.epilogue, self.c.dtype, channel)
        for r in range(self.register.rows):
            writer = first.below(r)

            def write(pixel: int, r: int = r, writer: Writer = writer) -> None:
                writer.write(pixel, 0, results[r * pixels + pixel], mask)

            if r == 0:
                self.sweep.each_pixel(tile, write)
                continue
            with e.when(e.less(r, unit.rows)):
                self.sweep.each_pixel(tile, write)

    def row(
        self,
        tile: Tile,
        x: Value,
        feed: list[tuple[int, Value]],
        source: _Source,
        acc: list[Value],
    ) -> list[Value]:
        """One input row: its taps in blocks, the last perhaps shorter."""
        e, taps, held = self.e, self.c.kernel[-1], self.held
        if taps == held:
            return self.block(tile, x, feed, source, acc, 0, taps)
        whole = taps // held
        lo, hi = self.bounds(tile)
        first = e.b.udiv(lo, e.i64(held))
        with e.loop(first, e.min(e.ceil_div(hi, held), whole), carry=acc) as loop:
            loop.next = self.block(tile, x, feed, source, loop.values, e.mul(loop.index, held), held)
        acc = loop.results
        if taps % held:
            with e.loop(whole, e.min(e.ceil_div(hi, held), whole + 1), carry=acc) as loop:
                loop.next = self.block(tile, x, feed, source, loop.values, whole * held, taps % held)
            acc = loop.results
        return acc

    def bounds(self, tile: Tile) -> tuple[Value, Value]:
        """The taps, ``[lo, hi)``, with which a pixel of the tile meets the signal."""
        e, c = self.e, self.c
        if tile.count is None:
            return e.i64(0), e.i64(c.kernel[-1])
        last = e.add(tile.column, (self.register.pixels - 1) * c.strides[-1])
        lo = e.ceil_div(e.max(e.sub(e.i64(0), last), 0), c.dilations[-1])
        hi = e.ceil_div(e.max(e.sub(self.sweep.extents[-1], tile.column), 0), c.dilations[-1])
        return e.min(lo, c.kernel[-1]), e.min(hi, c.kernel[-1])

    def block(
        self,
        tile: Tile,
        x: Value,
        feed: list[tuple[int, Value]],
        source: _Source,
        acc: list[Value],
        first: Count,
        taps: int,
    ) -> list[Value]:
        """So many taps from ``first`` on: each input in turn feeds all that it meets, their weights held if they are few."""
        e, c, pixels, acc = self.e, self.c, self.register.pixels, list(acc)
        stride, dilation = c.strides[-1], c.dilations[-1]
        rows = {r: e.at(w, e.mul(first, self.tap_weights), self.element) for r, w in feed}

        def weight(r: int, tap: int, channel: int) -> Value:
            return e.load(e.at(rows[r], tap * self.tap_weights + channel * self.lanes, self.element), self.vector)

        places = product(rows, range(taps), range(c.channels)) if holds(c) else ()
        held = {place: weight(*place) for place in places}
        column = e.add(tile.column, e.mul(first, dilation))
        start = e.at(x, e.add(e.mul(column, c.pitch), source.channel), self.element)
        limit = None if tile.count is None else self.sweep.limit(tile)
        meets: dict[int, list[tuple[int, int]]] = {}
        for pixel, tap in product(range(pixels), range(taps)):
            meets.setdefault(pixel * stride + tap * dilation, []).append((pixel, tap))
        for offset, pairs in sorted(meets.items()):
            place = e.at(start, offset * c.pitch, self.element)
            if limit is not None:
                inside = e.b.icmp_unsigned("<", e.add(column, offset), limit)
                place = e.b.select(inside, place, self.sweep.pad)
            loaded = source.load(place)
            for channel in range(c.channels):
                value = source.spread(loaded, channel)
                for (pixel, tap), r in product(pairs, rows):
                    weights = held.get((r, tap, channel)) or weight(r, tap, channel)
                    slot = r * pixels + pixel
                    acc[slot] = e.fma(weights, value, acc[slot])
        return acc


class _Source:
    """The input channels of one block: how they are loaded, and spread over the lanes."""

    def __init__(self, grouped: _Grouped, channel: Value) -> None:
        self.e, self.c, self.lanes, self.inputs = grouped.e, grouped.c, grouped.lanes, grouped.inputs
        self.vector, self.element, self.channel = grouped.vector, grouped.element, channel
        total, lanes = self.c.channels * self.c.groups, self.lanes
        self.masks: list[Value | None] = []
        for first in range(0, self.inputs, lanes):
            left: Count = min(lanes, self.inputs - first)
            if total % self.inputs:
                left = self.e.min(self.e.sub(self.e.sub(self.e.i64(total), channel), first), left)
            self.masks.append(None if left == lanes else self.e.first_lanes(left, lanes))

    def load(self, place: Value) -> list[Value]:
        """The vectors that hold the channels of one pixel, one of padding if that is where ``place`` is."""
        e, found = self.e, []
        for i, mask in enumerate(self.masks):
            at = e.at(place, i * self.lanes, self.element)
            found.append(e.load(at, self.vector) if mask is None else e.load_masked(at, self.vector, mask))
        return found

    def spread(self, loaded: list[Value], channel: int) -> Value:
        """In every lane, one channel of its group."""
        c = self.c
        if c.channels == c.outputs == 1:
            return loaded[0]
        places = [lane // c.outputs * c.channels + channel for lane in range(self.lanes)]
        return self.e.b.shuffle_vector(loaded[0], loaded[-1], ir.Constant(ir.VectorType(I32, self.lanes), places))
