"""Depthwise convolution, lanes on channels: one vector of channels, some pixels of a row, perhaps on several rows at once.

Every output takes its own taps and shares no weight with its neighbours along the lanes, so what can be saved are loads: a
vector of input is loaded once for all taps of a kernel row and all rows of the tile that it meets, while the weights of these
taps stay in registers. Long kernel rows go in blocks of taps. An edge tile has one pointer for each vector that it loads, to
the signal or to padding, which costs no more than the multiply-adds hide.

The order is that of all convolution kernels: bias, then taps. Weights are packed ``[block][tap][channel of the block]``.
"""

from __future__ import annotations

from math import prod

import numpy as np
from llvmlite import ir

from atrous.engine.codelets.convolution import Convolution, Cost, Packed, Register
from atrous.engine.emit import ELEMENT, Count, Emitter, Value
from atrous.engine.epilogue import Writer
from atrous.engine.sweep import Shape, Sweep, Tile, Unit, argument_names
from atrous.engine.view import Layout
from atrous.geometry import ceil_div
from atrous.graph.fact import Array
from atrous.target import Target

#: The layout that is read, and the one that is written.
READS = WRITES = Layout.CHANNELS
#: Taps of a kernel row whose weights are held at once.
HELD = 8


def applies(c: Convolution, target: Target) -> bool:
    """Every channel has one kernel of its own."""
    return c.finite and c.channels == 1 and c.outputs == 1 and c.dtype in ("float32", "float64")


def worthwhile(c: Convolution, target: Target) -> bool:
    return c.groups > 1


def candidates(c: Convolution, target: Target) -> tuple[Register, ...]:
    """Tiles that fit the registers: accumulators, the weights of a block of taps for each row, and a vector of input."""
    several = len(c.kernel) > 1 and c.strides[-2] == c.dilations[-2] == 1
    found = []
    for rows in (1, 2) if several else (1,):
        if rows > 1 and c.kernel[-2] < rows:
            continue
        most = (target.vector_registers - 1 - rows * min(taps_held(c), c.kernel[-1])) // rows
        found += [Register(pixels, 1, rows) for pixels in range(1, min(most, 16) + 1)]
    return tuple(found) or (Register(1, 1),)


def taps_held(c: Convolution) -> int:
    """Taps of a row in one block: blocks of equal length, as far as that goes."""
    return ceil_div(c.kernel[-1], ceil_div(c.kernel[-1], HELD))


def cost(c: Convolution, register: Register, row: int, target: Target) -> Cost:
    """Cycles per multiply-add: of loads or arithmetic the more, and what a tile costs before and after its taps."""
    lanes, taps, rates = target.lanes(c.dtype), prod(c.kernel), target.rates
    pixels, rows = register.pixels, register.rows
    held, stride, dilation = taps_held(c), c.strides[-1], c.dilations[-1]
    blocks = ceil_div(c.kernel[-1], held)
    loaded = len({pixel * stride + tap * dilation for pixel in range(pixels) for tap in range(held)})
    walked = (c.kernel[-2] + rows - 1) / c.kernel[-2] if rows > 1 else 1.0
    loads = blocks * (loaded * walked + held * rows) / rates.loads
    arithmetic = c.kernel[-1] * max(pixels * rows / rates.fmas, rates.latency)
    depth = prod(c.kernel[:-1])
    # Part of the input comes from the second cache, and not all of that time is hidden.
    overhead = (2 + 0.3 * loaded * blocks) * depth * walked + pixels * rows
    each = ceil_div(row, pixels) * ceil_div(c.groups, lanes) / (row * rows * c.groups * taps)
    return Cost(each * depth * arithmetic, each * depth * loads, each * overhead)


def names(c: Convolution) -> list[str]:
    return argument_names(len(c.kernel), ["w", "b", *c.epilogue.names(len(c.kernel))])


def pack(c: Convolution, register: Register, weights: Array, bias: Array | None, target: Target) -> Packed:
    """Weights ``(K, 1, *kernel)`` and bias ``(K,)`` in the order in which the kernel reads them."""
    lanes = target.lanes(c.dtype)
    count, taps = ceil_div(c.groups, lanes), prod(c.kernel)
    padded = np.zeros((count * lanes, taps), c.dtype)
    padded[: c.groups] = weights.reshape(c.groups, taps)
    start = np.zeros(count * lanes, c.dtype)
    if bias is not None:
        start[: c.groups] = bias
    return Packed(np.ascontiguousarray(padded.reshape(count, lanes, taps).transpose(0, 2, 1)), start)


def blocks(c: Convolution, register: Register, target: Target) -> int:
    return ceil_div(c.groups, target.lanes(c.dtype))


def emit(e: Emitter, c: Convolution, register: Register) -> None:
    _Depthwise(e, c, register).emit()


class _Depthwise:
    def __init__(self, e: Emitter, c: Convolution, register: Register) -> None:
        self.e, self.c, self.register = e, c, register
        self.lanes = e.target.lanes(c.dtype)
        self.element = ELEMENT[c.dtype]
        self.vector = ir.VectorType(self.element, self.lanes)
        self.held = taps_held(c)
        shape = Shape(c.kernel, c.strides, c.dilations, c.pitch, register.pixels, register.rows)
        extra = ["w", "b", *c.epilogue.names(shape.axes)]
        self.sweep = Sweep(e, shape, self.element, blocks(c, register, e.target), extra)
        self.weights, self.bias = self.sweep.args.pointer("w"), self.sweep.args.pointer("b")

    def emit(self) -> None:
        self.sweep.emit(self.tile)

    def tile(self, tile: Tile, unit: Unit) -> None:
        e, c, sweep, lanes = self.e, self.c, self.sweep, self.lanes
        channel = e.mul(unit.block, lanes)
        weights = e.at(self.weights, e.mul(channel, prod(c.kernel)), self.element)
        start = e.load(e.at(self.bias, channel, self.element), self.vector)
        mask = None if c.groups % lanes == 0 else e.first_lanes(e.sub(e.i64(c.groups), channel), lanes)
        width = self.register.pixels * self.register.rows
        span = c.kernel[-1] * lanes
        results = sweep.strip_taps(
            unit, weights, span, [start] * width, lambda x, feed, acc: self.row(tile, x, feed, channel, mask, acc)
        )
        self.write(tile, unit, channel, mask, results)

    def write(self, tile: Tile, unit: Unit, channel: Value, mask: Value | None, results: list[Value]) -> None:
        """Store the rows of the tile that are real, and of each the pixels that are."""
        e, pixels = self.e, self.register.pixels
        for r in range(self.register.rows):
            writer = Writer(self.sweep, unit.below(e, r), tile, self.c.epilogue, self.c.dtype, channel)

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
        channel: Value,
        mask: Value | None,
        acc: list[Value],
    ) -> list[Value]:
        """One input row: its taps in blocks, the last perhaps shorter."""
        e, taps, held = self.e, self.c.kernel[-1], self.held
        if taps == held:
            return self.block(tile, x, feed, channel, mask, acc, 0, taps)
        whole = taps // held
        lo, hi = self.bounds(tile)
        first = e.b.udiv(lo, e.i64(held))
        with e.loop(first, e.min(e.ceil_div(hi, held), whole), carry=acc) as loop:
            loop.next = self.block(tile, x, feed, channel, mask, loop.values, e.mul(loop.index, held), held)
        acc = loop.results
        if taps % held:
            with e.loop(whole, e.min(e.ceil_div(hi, held), whole + 1), carry=acc) as loop:
                loop.next = self.block(tile, x, feed, channel, mask, loop.values, whole * held, taps % held)
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
        channel: Value,
        mask: Value | None,
        acc: list[Value],
        first: Count,
        taps: int,
    ) -> list[Value]:
        """So many taps from ``first`` on: their weights are loaded, then each input in turn feeds all that it meets."""
        e, c, pixels, acc = self.e, self.c, self.register.pixels, list(acc)
        stride, dilation = c.strides[-1], c.dilations[-1]
        held = {
            (r, tap): e.load(e.at(e.at(w, e.mul(first, self.lanes), self.element), tap * self.lanes, self.element), self.vector)
            for r, w in feed
            for tap in range(taps)
        }
        column = e.add(tile.column, e.mul(first, dilation))
        start = e.at(x, e.add(e.mul(column, c.pitch), channel), self.element)
        limit = None if tile.count is None else self.sweep.limit(tile)
        meets: dict[int, list[tuple[int, int]]] = {}
        for pixel in range(pixels):
            for tap in range(taps):
                meets.setdefault(pixel * stride + tap * dilation, []).append((pixel, tap))
        for offset, pairs in sorted(meets.items()):
            place = e.at(start, offset * c.pitch, self.element)
            if tile.count is not None:
                inside = e.b.icmp_unsigned("<", e.add(column, offset), limit)
                place = e.b.select(inside, place, self.sweep.pad)
            value = e.load(place, self.vector) if mask is None else e.load_masked(place, self.vector, mask)
            for pixel, tap in pairs:
                for r, _ in feed:
                    slot = r * pixels + pixel
                    acc[slot] = e.fma(held[r, tap], value, acc[slot])
        return acc
