"""Direct convolution, lanes on output channels.

The register tile is ``pixels`` output pixels of a row by ``vectors`` vectors of output channels. The bias starts the
accumulators; taps come in the kernel's order, the outer axes first, and within a tap the input channels: this one chain of
fused multiply-adds per output element is the order of every convolution kernel here. Weights are packed
``[group][block][taps][channel][vectors * lanes]``, so the inner loop reads them straight through, and an input element is
broadcast to all lanes.

The input may lie with its channels as neighbours or in rows, and so may the output, whose tiles are then transposed in
registers before they are stored: each combination is a codelet (a row of the planner's table) of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from math import prod

import numpy as np
from llvmlite import ir

from atrous.engine.codelets.convolution import Convolution, Cost, Packed, Register
from atrous.engine.codelets.transpose import transposed
from atrous.engine.emit import ELEMENT, Count, Emitter, Value
from atrous.engine.epilogue import RowWriter, Writer
from atrous.engine.sweep import Shape, Sweep, Tile, Unit, argument_names
from atrous.engine.view import Layout
from atrous.geometry import ceil_div
from atrous.graph.fact import Array
from atrous.target import Target

#: The layout that is read, and the one that is written.
READS = WRITES = Layout.CHANNELS
#: Every output is a sum of its own.
GRID = 1
#: Channels per turn of the inner loop.
CHANNEL_UNROLL = 4
#: Cycles that a load takes when its line has just been driven out of the first cache.
CONFLICT = 5
#: Cycles that transposing takes for each row of a square of lanes.
SHUFFLES = 3
#: Cycles that each full store of a square takes longer where tiles are no squares: it begins anywhere in a line, and meets two.
PARTIAL = 1.5


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
    # Any length fills rows best; where no instruction multiplies by an element in memory, LLVM spills with some of them.
    lengths = (28, *range(14, 0, -1)) if target.vector_bytes == 64 else (28, 14, 12, 9, 7, 6, 5, 4, 3, 2, 1)
    found = []
    for vectors in (1, 2, 3, 4):
        if vectors > needed:
            continue
        most = (registers - 1 - vectors) // vectors
        found += [Register(pixels, vectors) for pixels in lengths if pixels <= most]
    return tuple(found)


def cost(c: Convolution, register: Register, row: int, target: Target) -> Cost:
    """Cycles per useful multiply-add of a row of this length, from the fill of tile, lanes and units."""
    return tile_cost(c, c.pitch, register, row, target)


def tile_cost(c: Convolution, pitch: int, register: Register, row: int, target: Target) -> Cost:
    """``cost`` for an input whose neighbouring pixels lie ``pitch`` elements apart."""
    lanes = target.lanes(c.dtype)
    pixels, vectors, _ = register
    blocks = ceil_div(ceil_div(c.outputs, lanes), vectors)
    tiles = ceil_div(row, pixels)
    # A step of the reduction issues pixels*vectors multiply-adds, and loads a vector of weights for each and an input for
    # each pixel; too few chains of dependent multiply-adds leave the units waiting.
    rates = target.rates
    arithmetic = max(pixels * vectors / rates.fmas, rates.latency)
    loads = pixels / rates.broadcasts + vectors / rates.loads
    # An input that is used but once is multiplied from memory, which the units take a little longer for.
    arithmetic *= 1 + 0.12 / vectors**2
    # Where no instruction multiplies by an element in memory, it takes a register; with the last ones LLVM begins to spill.
    used = pixels * vectors + vectors + 2 * (target.vector_bytes < 64)
    if used > target.vector_registers - 2 * (target.vector_bytes < 64):
        arithmetic *= 1.5
    # Pixels whose lines fall on the same few places of the first cache drive each other out of it.
    loads += CONFLICT * max(0, pixels - target.lines(c.strides[-1] * pitch * target.vector_bytes // lanes))
    overhead = 8 * prod(c.kernel[:-1]) + 2 * pixels * vectors
    depth = prod(c.kernel) * c.channels
    each = blocks * tiles / (row * c.outputs)
    # At an edge each pixel has a pointer of its own, chosen at every tap.
    return Cost(each * arithmetic, each * loads, each * overhead / depth, each * 2 * pixels / c.channels)


def transposed_cost(c: Convolution, register: Register, row: int, target: Target, cost: Cost) -> Cost:
    """``cost`` and the transposing of the tiles in registers: a shuffle for each vector and stage, and the stores."""
    lanes, depth = target.lanes(c.dtype), prod(c.kernel) * c.channels
    squares = ceil_div(register.pixels, lanes) * register.vectors
    tiles, blocks = ceil_div(row, register.pixels), ceil_div(ceil_div(c.outputs, lanes), register.vectors)
    partial = register.vectors * register.pixels / lanes * PARTIAL if register.pixels % lanes else 0
    shuffles = tiles * blocks * lanes * (squares * SHUFFLES + partial) / (row * c.outputs * depth)
    return Cost(cost.arithmetic, cost.loads, cost.overhead + shuffles, cost.edge)


def row_cost(c: Convolution, register: Register, row: int, cost: Cost) -> Cost:
    """``cost`` for an input in rows: its channels come from as many places, and tiles at the border copy theirs."""
    tiles = ceil_div(row, register.pixels)
    edges = min(tiles, 2 if c.kernel[-1] > 1 else 1 if row % register.pixels else 0)
    factor = 1 + 0.03 / register.vectors + 0.03 * edges / tiles
    return Cost(cost.arithmetic * factor, cost.loads * factor, cost.overhead, cost.edge)


def names(c: Convolution) -> list[str]:
    return argument_names(len(c.kernel), ["w", "b", *c.epilogue.names(len(c.kernel))])


def pack(c: Convolution, register: Register, weights: Array, bias: Array | None, target: Target) -> Packed:
    """Weights ``(K, C/G, *kernel)`` and bias ``(K,)`` in the order in which the kernel reads them."""
    width = register.vectors * target.lanes(c.dtype)
    blocks = ceil_div(c.outputs, width)
    padded = weights.reshape(c.groups, c.outputs, c.channels, prod(c.kernel))
    if c.outputs % width:
        padded = np.zeros((c.groups, blocks * width, c.channels, prod(c.kernel)), c.dtype)
        padded[:, : c.outputs] = weights.reshape(c.groups, c.outputs, c.channels, prod(c.kernel))
    packed = padded.reshape(c.groups, blocks, width, c.channels, -1).transpose(0, 1, 4, 3, 2)
    start = np.zeros((c.groups, blocks * width), c.dtype)
    if bias is not None:
        start[:, : c.outputs] = bias.reshape(c.groups, c.outputs)
    return Packed(packed, start)


def blocks(c: Convolution, register: Register, target: Target) -> int:
    return c.groups * ceil_div(c.outputs, register.vectors * target.lanes(c.dtype))


def emit(e: Emitter, c: Convolution, register: Register) -> None:
    emit_direct(e, c, register, READS, WRITES)


def emit_direct(e: Emitter, c: Convolution, register: Register, reads: Layout, writes: Layout) -> None:
    """The kernel for an input and an output in these layouts."""
    _Direct(e, c, register, reads, writes).emit()


class _Direct:
    def __init__(self, e: Emitter, c: Convolution, register: Register, reads: Layout, writes: Layout) -> None:
        self.e, self.c, self.register, self.writes = e, c, register, writes
        self.lanes = e.target.lanes(c.dtype)
        self.width = register.vectors * self.lanes
        self.group_blocks = ceil_div(c.outputs, self.width)
        self.element = ELEMENT[c.dtype]
        self.vector = ir.VectorType(self.element, self.lanes)
        shape = Shape(c.kernel, c.strides, c.dilations, 1 if reads is Layout.ROWS else c.pitch, register.pixels)
        self.row_weights = c.kernel[-1] * c.channels * self.width
        extra = ["w", "b", *c.epilogue.names(shape.axes)]
        self.sweep = Sweep(e, shape, self.element, c.groups * self.group_blocks, extra)
        self.weights, self.bias = self.sweep.args.pointer("w"), self.sweep.args.pointer("b")
        if writes is Layout.ROWS:
            self.parked = e.scratch(register.pixels * self.width, self.element)
        self.channel_step: Count = 1
        self.edge = self.edge_row
        if reads is Layout.ROWS:
            self.channel_step, self.edge = self.sweep.channel_x, self.edge_row_in_rows
            span = (register.pixels - 1) * c.strides[-1] + 1
            self.pieces = range(0, span, self.lanes)
            self.row_copy = e.scratch(CHANNEL_UNROLL * len(self.pieces) * self.lanes, self.element)

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
        first_channel = e.mul(e.mul(group, c.channels), self.channel_step)
        row = self.edge if tile.count is not None else self.interior_row
        results = sweep.taps(
            unit, weights, self.row_weights, accumulators, lambda x, w, acc: row(tile, x, w, first_channel, acc)
        )
        results = sweep.settle(results)
        channel = e.add(e.mul(group, c.outputs), e.mul(block, self.width))
        if self.writes is Layout.ROWS:
            self.write_rows(tile, unit, channel, block, results)
        else:
            self.write_channels(tile, unit, channel, block, results)

    def write_channels(self, tile: Tile, unit: Unit, channel: Value, block: Value, results: list[Value]) -> None:
        writer = Writer(self.sweep, unit, tile, self.c.epilogue, self.c.dtype, channel)
        masks, vectors = self.masks(block), self.register.vectors

        def write(pixel: int) -> None:
            for v in range(vectors):
                writer.write(pixel, v * self.lanes, results[pixel * vectors + v], masks[v])

        self.sweep.each_pixel(tile, write)

    def write_rows(self, tile: Tile, unit: Unit, channel: Value, block: Value, results: list[Value]) -> None:
        """Transpose the tile in registers, as many pixels at a time as a vector has lanes, and store channel by channel."""
        e, c, vectors, pixels = self.e, self.c, self.register.vectors, self.register.pixels
        writer = RowWriter(self.sweep, unit, tile, c.epilogue, c.dtype, channel)
        nothing = ir.Constant(self.vector, ir.Undefined)
        results = self.moved(results)
        for v in range(vectors):
            for first in range(0, pixels, self.lanes):
                square = results[first * vectors + v : (first + self.lanes) * vectors : vectors]
                columns = transposed(e, [*square, *[nothing] * (self.lanes - len(square))])
                for k, column in enumerate(columns):
                    place = v * self.lanes + k
                    if (self.group_blocks - 1) * self.width + place < c.outputs:
                        writer.write(place, first, column, len(square))
                    elif place < c.outputs:  # a channel that the last block does not have
                        with e.when(e.less(e.add(e.mul(block, self.width), place), c.outputs)):
                            writer.write(place, first, column, len(square))

    def moved(self, values: list[Value]) -> list[Value]:
        """The same values, by way of the stack: LLVM would else fit the registers of the inner loop to the shuffles' needs."""
        e = self.e
        for i, value in enumerate(values):
            e.store(value, e.at(self.parked, i * self.lanes, self.element))
        after = e.function.append_basic_block("moved")
        e.b.branch(after)
        e.b.position_at_end(after)
        return [e.load(e.at(self.parked, i * self.lanes, self.element), self.vector) for i in range(len(values))]

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

        return self.taps(tile, w, acc, pointers)

    def edge_row(self, tile: Tile, x: Value, w: Value | None, channel: Value, acc: list[Value]) -> list[Value]:
        assert w is not None
        return self.taps(tile, w, acc, lambda tap: [(p, 0) for p in self.sweep.pixel_pointers(tile, x, tap, channel)])

    def edge_row_in_rows(self, tile: Tile, x: Value, w: Value | None, channel: Value, acc: list[Value]) -> list[Value]:
        """The taps of a row that meets the border: what they read is copied to the stack, with zeros for the padding."""
        assert w is not None
        e, c = self.e, self.c
        start = self.sweep.interior_pointer(tile, x, channel)
        with e.loop(*self.sweep.row_taps(tile), carry=acc) as loop:
            shift = e.mul(loop.index, c.dilations[-1])
            masks = self.sweep.row_masks(tile, shift, [(offset, self.lanes) for offset in self.pieces])
            weights = e.at(w, e.mul(loop.index, c.channels * self.width), self.element)
            first = e.at(start, shift, self.element)
            turns, carried = c.channels - c.channels % CHANNEL_UNROLL, [first, weights, *loop.values]
            if turns:
                with e.loop(0, turns, CHANNEL_UNROLL, carry=carried, nonempty=True) as channels:
                    channels.next = self.edge_steps(CHANNEL_UNROLL, masks, channels.values)
                carried = channels.results
            loop.next = self.edge_steps(c.channels - turns, masks, carried)[2:]
        return loop.results

    def edge_steps(self, count: int, masks: list[Value], carried: list[Value]) -> list[Value]:
        """So many channels of a tap, of which the rows are copied first; carries the places in row and weights along."""
        e, (place, weights, *acc) = self.e, carried
        span = len(self.pieces) * self.lanes
        for channel in range(count):
            for offset, mask in zip(self.pieces, masks, strict=True):
                piece = e.load_masked(e.at(place, offset, self.element), self.vector, mask)
                e.store(piece, e.at(self.row_copy, channel * span + offset, self.element))
            place = e.at(place, self.channel_step, self.element)
        for channel in range(count):
            copied = [(self.row_copy, channel * span + pixel * self.c.strides[-1]) for pixel in range(self.register.pixels)]
            acc = self.steps(copied, weights, 0, 1, acc)
            weights = e.at(weights, self.width, self.element)
        return [place, weights, *acc]

    def taps(self, tile: Tile, w: Value, acc: list[Value], pointers: Callable[[Value], list[tuple[Value, int]]]) -> list[Value]:
        """The taps of a row, one turn of a loop each.

        Written out one after another they would be one block, where LLVM loads what two taps share only once and keeps it in
        a register for so long that accumulators are spilled.
        """
        e, span = self.e, self.c.channels * self.width
        bounds = self.sweep.row_taps(tile)
        with e.loop(*bounds, carry=acc, nonempty=isinstance(bounds[0], int)) as loop:
            weights = e.at(w, e.mul(loop.index, span), self.element)
            loop.next = self.channels(pointers(loop.index), weights, loop.values)
        return loop.results

    def channels(self, pointers: list[tuple[Value, int]], weights: Value, acc: list[Value]) -> list[Value]:
        """The reduction over the channels of one tap: a loop of unrolled turns, then what is left."""
        e, channels = self.e, self.c.channels
        turns = channels - channels % CHANNEL_UNROLL
        if turns:
            with e.loop(0, turns, CHANNEL_UNROLL, carry=acc, nonempty=True) as loop:
                first = e.mul(loop.index, self.channel_step)
                at_channel = [(e.at(p, first, self.element), offset) for p, offset in pointers]
                w = e.at(weights, e.mul(loop.index, self.width), self.element)
                loop.next = self.steps(at_channel, w, 0, CHANNEL_UNROLL, loop.values)
            acc = loop.results
        return self.steps(pointers, weights, turns, channels, acc)

    def steps(self, pointers: list[tuple[Value, int]], weights: Value, lo: int, hi: int, acc: list[Value]) -> list[Value]:
        """Channels ``[lo, hi)`` of one tap, written out."""
        e, vectors, acc = self.e, self.register.vectors, list(acc)
        for channel in range(lo, hi):
            columns = [
                e.load(e.at(weights, channel * self.width + v * self.lanes, self.element), self.vector) for v in range(vectors)
            ]
            for pixel, (pointer, offset) in enumerate(pointers):
                place = self.element_of(pointer, offset, channel)
                x = e.splat(e.load(place, self.element), self.lanes)
                for v in range(vectors):
                    acc[pixel * vectors + v] = e.fma(columns[v], x, acc[pixel * vectors + v])
        return acc

    def element_of(self, pointer: Value, offset: int, channel: int) -> Value:
        """The address of a channel, ``offset`` elements from a pointer to the first channel."""
        e = self.e
        if isinstance(self.channel_step, int):
            return e.at(e.at(pointer, offset, self.element), channel, self.element)
        return e.at(e.at(pointer, e.mul(self.channel_step, channel), self.element), offset, self.element)
