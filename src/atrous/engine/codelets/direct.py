"""Direct convolution, lanes on output channels.

The register tile is ``pixels`` output pixels of a row by ``vectors`` vectors of output channels. The bias starts the
accumulators; taps come in the kernel's order, the outer axes first, and within a tap the input channels: this one chain of
fused multiply-adds per output element is the order of every convolution kernel here. Weights are packed
``[group][block][taps][channel][vectors * lanes]``, so the inner loop reads them straight through, and an input element is
broadcast to all lanes.
"""

from __future__ import annotations

from collections.abc import Callable
from math import prod

import numpy as np
from llvmlite import ir

from atrous.engine.codelets.convolution import Convolution, Cost, Packed, Register
from atrous.engine.emit import ELEMENT, Emitter, Value
from atrous.engine.epilogue import Writer
from atrous.engine.sweep import Shape, Sweep, Tile, Unit, argument_names
from atrous.engine.view import Layout
from atrous.geometry import ceil_div
from atrous.graph.fact import Array
from atrous.target import Target

#: The layout that is read, and the one that is written.
READS = WRITES = Layout.CHANNELS
#: Channels per turn of the inner loop.
CHANNEL_UNROLL = 4
#: Cycles that a load takes when its line has just been driven out of the first cache.
CONFLICT = 5


def applies(c: Convolution, target: Target) -> bool:
    """Any convolution on channels-last input."""
    return c.finite and c.dtype in ("float32", "float64")


def worthwhile(c: Convolution, target: Target) -> bool:
    """Lanes hold output channels of one group: with one channel a group nearly all of them would idle."""
    return c.outputs > 1 or c.groups == 1


def candidates(c: Convolution, target: Target) -> tuple[Register, ...]:
    """Tiles that fit the registers: accumulators, one vector of weights each, and a broadcast input."""
    lanes, registers = target.lanes(c.dtype), target.vector_registers
    needed = ceil_div(c.outputs, lanes)
    found = []
    for vectors in (1, 2, 3, 4):
        if vectors > needed:
            continue
        most = (registers - 1 - vectors) // vectors
        found += [Register(pixels, vectors) for pixels in (28, 14, 12, 9, 7, 6, 4, 3, 2, 1) if pixels <= most]
    return tuple(found)


def cost(c: Convolution, register: Register, row: int, target: Target) -> Cost:
    """Cycles per useful multiply-add of a row of this length, from the fill of tile, lanes and units."""
    lanes = target.lanes(c.dtype)
    pixels, vectors = register.pixels, register.vectors
    blocks = ceil_div(ceil_div(c.outputs, lanes), vectors)
    tiles = ceil_div(row, pixels)
    # A step of the reduction issues pixels*vectors multiply-adds, and loads a vector of weights for each and an input for
    # each pixel; too few chains of dependent multiply-adds leave the units waiting.
    rates = target.rates
    arithmetic = max(pixels * vectors / rates.fmas, rates.latency)
    loads = pixels / rates.broadcasts + vectors / rates.loads
    # Where no instruction multiplies by an element in memory, it takes a register; with the last one LLVM begins to spill.
    used = pixels * vectors + vectors + (target.vector_bytes < 64)
    if used >= target.vector_registers - 1:
        arithmetic *= 1.5
    # Pixels whose lines fall on the same few places of the first cache drive each other out of it.
    lost = max(0, pixels - target.lines(c.strides[-1] * c.pitch * target.vector_bytes // lanes)) / pixels
    loads += CONFLICT * lost * pixels
    overhead = 8 * prod(c.kernel[:-1]) + 2 * pixels * vectors
    depth = prod(c.kernel) * c.channels
    each = blocks * tiles / (row * c.outputs)
    # At an edge each pixel has a pointer of its own, chosen at every tap.
    return Cost(each * arithmetic, each * loads, each * overhead / depth, each * 2 * pixels / c.channels)


def names(c: Convolution) -> list[str]:
    return argument_names(len(c.kernel), ["w", "b", *c.epilogue.names(len(c.kernel))])


def pack(c: Convolution, register: Register, weights: Array, bias: Array | None, target: Target) -> Packed:
    """Weights ``(K, C/G, *kernel)`` and bias ``(K,)`` in the order in which the kernel reads them."""
    width = register.vectors * target.lanes(c.dtype)
    blocks = ceil_div(c.outputs, width)
    padded = np.zeros((c.groups, blocks * width, c.channels, prod(c.kernel)), c.dtype)
    padded[:, : c.outputs] = weights.reshape(c.groups, c.outputs, c.channels, prod(c.kernel))
    packed = padded.reshape(c.groups, blocks, width, c.channels, -1).transpose(0, 1, 4, 3, 2)
    start = np.zeros((c.groups, blocks * width), c.dtype)
    if bias is not None:
        start[:, : c.outputs] = bias.reshape(c.groups, c.outputs)
    return Packed(np.ascontiguousarray(packed), start)


def blocks(c: Convolution, register: Register, target: Target) -> int:
    return c.groups * ceil_div(c.outputs, register.vectors * target.lanes(c.dtype))


def emit(e: Emitter, c: Convolution, register: Register) -> None:
    _Direct(e, c, register).emit()


class _Direct:
    def __init__(self, e: Emitter, c: Convolution, register: Register) -> None:
        self.e, self.c, self.register = e, c, register
        self.lanes = e.target.lanes(c.dtype)
        self.width = register.vectors * self.lanes
        self.group_blocks = ceil_div(c.outputs, self.width)
        self.element = ELEMENT[c.dtype]
        self.vector = ir.VectorType(self.element, self.lanes)
        shape = Shape(c.kernel, c.strides, c.dilations, c.pitch, register.pixels)
        self.row_weights = c.kernel[-1] * c.channels * self.width
        extra = ["w", "b", *c.epilogue.names(shape.axes)]
        self.sweep = Sweep(e, shape, self.element, c.groups * self.group_blocks, extra)
        self.weights, self.bias = self.sweep.args.pointer("w"), self.sweep.args.pointer("b")

    def emit(self) -> None:
        self.sweep.emit(self.tile)

    def tile(self, tile: Tile, unit: Unit) -> None:
        e, c, sweep = self.e, self.c, self.sweep
        if self.group_blocks == 1:
            group, block = unit.block, e.i64(0)
        else:
            group, block = e.split(unit.block, [c.groups, self.group_blocks])
        depth = prod(c.kernel) * c.channels * self.width
        weights = e.at(self.weights, e.mul(unit.block, depth), self.element)
        bias = e.at(self.bias, e.mul(unit.block, self.width), self.element)
        starts = [e.load(e.at(bias, v * self.lanes, self.element), self.vector) for v in range(self.register.vectors)]
        accumulators = starts * self.register.pixels
        first_channel = e.mul(group, c.channels)
        row = self.edge_row if tile.count is not None else self.interior_row
        results = sweep.taps(
            unit, weights, self.row_weights, accumulators, lambda x, w, acc: row(tile, x, w, first_channel, acc)
        )
        channel = e.add(e.mul(group, c.outputs), e.mul(block, self.width))
        writer = Writer(sweep, unit, tile, c.epilogue, c.dtype, channel)
        masks = self.masks(block)
        vectors = self.register.vectors

        def write(pixel: int) -> None:
            for v in range(vectors):
                writer.write(pixel, v * self.lanes, results[pixel * vectors + v], masks[v])

        sweep.each_pixel(tile, write)

    def masks(self, block: Value) -> list[Value | None]:
        """For each vector of the block, the lanes that are channels; ``None`` where all are."""
        e, outputs, vectors = self.e, self.c.outputs, self.register.vectors
        if outputs % self.width == 0:
            return [None] * vectors
        if self.group_blocks == 1:
            left = [outputs - v * self.lanes for v in range(vectors)]
            return [None if n >= self.lanes else e.first_lanes(n, self.lanes) for n in left]
        rest = e.sub(e.i64(outputs), e.mul(block, self.width))
        return [e.first_lanes(e.sub(rest, v * self.lanes), self.lanes) for v in range(vectors)]

    def interior_row(self, tile: Tile, x: Value, w: Value | None, channel: Value, acc: list[Value]) -> list[Value]:
        assert w is not None
        sweep = self.sweep
        start = sweep.interior_pointer(tile, x, channel)
        offsets = [sweep.interior_offset(pixel, 0) for pixel in range(self.register.pixels)]

        def pointers(tap: Value) -> list[tuple[Value, int]]:
            first = self.e.at(start, self.e.mul(tap, sweep.interior_offset(0, 1)), self.element)
            return [(first, offset) for offset in offsets]

        return self.taps(w, acc, pointers)

    def edge_row(self, tile: Tile, x: Value, w: Value | None, channel: Value, acc: list[Value]) -> list[Value]:
        assert w is not None
        return self.taps(w, acc, lambda tap: [(p, 0) for p in self.sweep.pixel_pointers(tile, x, tap, channel)])

    def taps(self, w: Value, acc: list[Value], pointers: Callable[[Value], list[tuple[Value, int]]]) -> list[Value]:
        """The taps of a row, one turn of a loop each.

        Written out one after another they would be one block, where LLVM loads what two taps share only once and keeps it in
        a register for so long that accumulators are spilled.
        """
        e, span = self.e, self.c.channels * self.width
        with e.loop(0, self.c.kernel[-1], carry=acc, nonempty=True) as loop:
            weights = e.at(w, e.mul(loop.index, span), self.element)
            loop.next = self.channels(pointers(loop.index), weights, loop.values)
        return loop.results

    def channels(self, pointers: list[tuple[Value, int]], weights: Value, acc: list[Value]) -> list[Value]:
        """The reduction over the channels of one tap: a loop of unrolled turns, then what is left."""
        e, channels = self.e, self.c.channels
        turns = channels - channels % CHANNEL_UNROLL
        if turns:
            with e.loop(0, turns, CHANNEL_UNROLL, carry=acc, nonempty=True) as loop:
                at_channel = [e.at(e.at(p, loop.index, self.element), offset, self.element) for p, offset in pointers]
                w = e.at(weights, e.mul(loop.index, self.width), self.element)
                loop.next = self.steps(at_channel, w, 0, CHANNEL_UNROLL, loop.values)
            acc = loop.results
        starts = [e.at(p, offset, self.element) for p, offset in pointers]
        return self.steps(starts, weights, turns, channels, acc)

    def steps(self, pointers: list[Value], weights: Value, lo: int, hi: int, acc: list[Value]) -> list[Value]:
        """Channels ``[lo, hi)`` of one tap, written out."""
        e, vectors, acc = self.e, self.register.vectors, list(acc)
        for channel in range(lo, hi):
            columns = [
                e.load(e.at(weights, channel * self.width + v * self.lanes, self.element), self.vector) for v in range(vectors)
            ]
            for pixel, pointer in enumerate(pointers):
                x = e.splat(e.load(e.at(pointer, channel, self.element), self.element), self.lanes)
                for v in range(vectors):
                    acc[pixel * vectors + v] = e.fma(columns[v], x, acc[pixel * vectors + v])
        return acc
