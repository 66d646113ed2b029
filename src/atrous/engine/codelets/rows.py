"""Direct convolution, lanes on the pixels of a row.

For signals that lie in rows, as callers' arrays do, and wherever output channels are too few to fill a vector: 1, 3 or 21 of
them, or the few of a small group. The register tile is ``pixels`` neighbouring outputs of a row, in full vectors and perhaps
one of half the width, by ``vectors`` output channels. A tap is a load of neighbours from the row, shifted by the tap, and a
weight that is broadcast to all lanes. At the border the loads are masked: what is masked off is the padding's zero.

Every element has the order of all convolution kernels: bias, taps, channels innermost. Weights are packed
``[group][block][taps][channel][vectors]``.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from math import prod

import numpy as np
from llvmlite import ir

from atrous.engine.codelets.convolution import Convolution, Cost, Packed, Register
from atrous.engine.emit import ELEMENT, I32, Emitter, Value
from atrous.engine.epilogue import RowWriter
from atrous.engine.sweep import Shape, Sweep, Tile, Unit, argument_names
from atrous.engine.view import Layout
from atrous.geometry import ceil_div
from atrous.graph.fact import Array
from atrous.target import Target

#: The layout that is read, and the one that is written.
READS = WRITES = Layout.ROWS
#: Every output is a sum of its own.
GRID = 1
#: Steps of the reduction in one turn of the inner loop.
UNROLL = 2
#: Channels of large maps lie on pages of their own. So many can be read in turn; with more, each takes so many cycles longer.
PAGES, PAGE_CYCLES = 128, 3.0
#: Strides along the row that shuffles can undo: one load for each pixel skipped.
MOST_STRIDE = 8
#: Cycles that a shuffle of two loads takes, and the load of its places.
SHUFFLE = 2


def applies(c: Convolution, target: Target) -> bool:
    """Rows whose pixels are neighbours in the output, and within reach of each other in the input."""
    return c.finite and c.dtype in ("float32", "float64") and c.spacing == 1 and c.strides[-1] <= MOST_STRIDE


def worthwhile(c: Convolution, target: Target) -> bool:
    return True


def candidates(c: Convolution, target: Target) -> tuple[Register, ...]:
    """Tiles that fit the registers: accumulators, a vector of input for each part of the row, and a broadcast weight."""
    lanes, registers, found = target.lanes(c.dtype), target.vector_registers, []
    step = lanes // 2 if lanes >= 8 else lanes
    for pixels in range(step, 6 * lanes + 1, step):
        width = len(parts(pixels, lanes))
        # Where no instruction multiplies by an element in memory, LLVM needs some registers to spare.
        spare = 1 if target.vector_bytes == 64 else 3
        most = max(1, min(c.outputs, (registers - spare - width) // width))
        # Channels in blocks of equal size, and the largest block.
        found += [
            Register(pixels, n) for n in sorted({ceil_div(c.outputs, ceil_div(c.outputs, m)) for m in range(1, most + 1)})
        ]
    return tuple(found)


@cache
def parts(pixels: int, lanes: int) -> tuple[int, ...]:
    """The vectors of a tile, in lanes: full ones, then one of half the width where that is still a vector of 16 bytes."""
    half = (lanes // 2,) if pixels % lanes and lanes >= 8 else ()
    return (lanes,) * (pixels // lanes) + half if pixels >= lanes or half else (lanes,)


def cost(c: Convolution, register: Register, row: int, target: Target) -> Cost:
    """Cycles per useful multiply-add of a row of this length, from the fill of tile and blocks and the loads."""
    lanes = target.lanes(c.dtype)
    widths = parts(register.pixels, lanes)
    tiles, blocks = ceil_div(row, register.pixels), ceil_div(c.outputs, register.vectors)
    # A vector of half the width costs a little more than half; a load that is not aligned crosses into a second line.
    vectors = len(widths) - 1 + (1.0 if widths[-1] == lanes else 0.7)
    rates = target.rates
    arithmetic = max(vectors * register.vectors / rates.fmas, rates.latency)
    loads = vectors * (1.5 * c.strides[-1]) / rates.loads + register.vectors / rates.broadcasts
    taps = prod(c.kernel)
    overhead = 2 * taps + 1.5 * len(widths) * register.vectors
    depth = taps * c.channels
    overhead += SHUFFLE * vectors * (c.strides[-1] - 1) * depth
    if c.channels > PAGES and row > 2 * lanes:
        overhead += PAGE_CYCLES * depth
    each = tiles * blocks / (row * c.outputs)
    # At an edge the loads of a tap are masked.
    return Cost(each * arithmetic, each * loads, each * overhead / depth, each * (6 + 4 * len(widths)) / c.channels)


def names(c: Convolution) -> list[str]:
    return argument_names(len(c.kernel), ["w", "b", *c.epilogue.names(len(c.kernel))])


def pack(c: Convolution, register: Register, weights: Array, bias: Array | None, target: Target) -> Packed:
    """Weights ``(K, C/G, *kernel)`` and bias ``(K,)`` in the order in which the kernel reads them."""
    width = register.vectors
    count = ceil_div(c.outputs, width)
    padded = np.zeros((c.groups, count * width, c.channels, prod(c.kernel)), c.dtype)
    padded[:, : c.outputs] = weights.reshape(c.groups, c.outputs, c.channels, prod(c.kernel))
    packed = padded.reshape(c.groups, count, width, c.channels, -1).transpose(0, 1, 4, 3, 2)
    start = np.zeros((c.groups, count * width), c.dtype)
    if bias is not None:
        start[:, : c.outputs] = bias.reshape(c.groups, c.outputs)
    return Packed(np.ascontiguousarray(packed), start)


def blocks(c: Convolution, register: Register, target: Target) -> int:
    return c.groups * ceil_div(c.outputs, register.vectors)


def emit(e: Emitter, c: Convolution, register: Register) -> None:
    _Rows(e, c, register).emit()


class _Rows:
    def __init__(self, e: Emitter, c: Convolution, register: Register) -> None:
        self.e, self.c, self.width = e, c, register.vectors
        self.element = ELEMENT[c.dtype]
        self.lanes = parts(register.pixels, e.target.lanes(c.dtype))
        self.starts = [sum(self.lanes[:i]) for i in range(len(self.lanes))]
        self.group_blocks = ceil_div(c.outputs, self.width)
        shape = Shape(c.kernel, c.strides, c.dilations, 1, register.pixels)
        extra = ["w", "b", *c.epilogue.names(shape.axes)]
        self.sweep = Sweep(e, shape, self.element, c.groups * self.group_blocks, extra)
        self.weights, self.bias = self.sweep.args.pointer("w"), self.sweep.args.pointer("b")

    def emit(self) -> None:
        self.sweep.emit(self.tile)

    def tile(self, tile: Tile, unit: Unit) -> None:
        e, c, sweep = self.e, self.c, self.sweep
        group, block = (unit.block, e.i64(0)) if self.group_blocks == 1 else e.split(unit.block, [0, self.group_blocks])
        depth = prod(c.kernel) * c.channels * self.width
        weights = e.at(self.weights, e.mul(unit.block, depth), self.element)
        bias = e.at(self.bias, e.mul(unit.block, self.width), self.element)
        first = e.mul(e.mul(group, c.channels), sweep.channel_x)
        starts = []
        for k in range(self.width):
            start = e.load(e.at(bias, k, self.element), self.element)
            starts += [e.splat(start, n) for n in self.lanes]
        results = sweep.taps(
            unit,
            weights,
            c.kernel[-1] * c.channels * self.width,
            starts,
            lambda x, w, acc: self.row(tile, e.at(x, first, self.element), w, acc),
        )
        self.write(tile, unit, group, block, sweep.settle(results))

    def write(self, tile: Tile, unit: Unit, group: Value, block: Value, results: list[Value]) -> None:
        """Store the tile channel by channel; channels of the last block that there are not are left out."""
        e, c, count = self.e, self.c, len(self.lanes)
        within = e.mul(block, self.width)
        writer = RowWriter(self.sweep, unit, tile, c.epilogue, c.dtype, e.add(e.mul(group, c.outputs), within))
        always = self.width if c.outputs % self.width == 0 else c.outputs % self.width

        def store(k: int) -> None:
            for start, value in zip(self.starts, results[k * count : (k + 1) * count], strict=True):
                writer.write(k, start, value)

        for k in range(always):
            store(k)
        for k in range(always, self.width):
            with e.when(e.less(e.add(within, k), c.outputs)):
                store(k)

    def row(self, tile: Tile, x: Value, w: Value | None, acc: list[Value]) -> list[Value]:
        """The taps of a row, one turn of a loop each, and in each the channels."""
        assert w is not None
        e, c = self.e, self.c
        start = self.sweep.interior_pointer(tile, x, e.i64(0))
        bounds = self.sweep.row_taps(tile)
        with e.loop(*bounds, carry=acc, nonempty=isinstance(bounds[0], int)) as loop:
            shift = e.mul(loop.index, c.dilations[-1])
            weights = e.at(w, e.mul(loop.index, c.channels * self.width), self.element)
            masks = self.masks(tile, shift)
            loop.next = self.channels(e.at(start, shift, self.element), weights, masks, loop.values)
        return loop.results

    def channels(self, x: Value, w: Value, masks: list[Value] | None, acc: list[Value]) -> list[Value]:
        """The reduction over the channels of one tap: a loop of unrolled turns, then what is left."""
        e, channels = self.e, self.c.channels
        turns = channels - channels % UNROLL
        if turns > UNROLL:
            with e.loop(0, turns, UNROLL, carry=[x, w, *acc], nonempty=True) as loop:
                loop.next = self.steps(UNROLL, loop.values[0], loop.values[1], masks, loop.values[2:])
            x, w, *acc = loop.results
            channels -= turns
        return self.steps(channels, x, w, masks, acc)[2:]

    def steps(self, count: int, x: Value, w: Value, masks: list[Value] | None, acc: Sequence[Value]) -> list[Value]:
        """So many channels, written out; returns the pointers behind them, and the accumulators."""
        e, acc = self.e, list(acc)
        for _ in range(count):
            row = self.load(x, masks)
            for k in range(self.width):
                weight = e.load(e.at(w, k, self.element), self.element)
                for i, n in enumerate(self.lanes):
                    slot = k * len(self.lanes) + i
                    acc[slot] = e.fma(e.splat(weight, n), row[i], acc[slot])
            x, w = e.at(x, self.sweep.channel_x, self.element), e.at(w, self.width, self.element)
        return [x, w, *acc]

    # -- the input row --------------------------------------------------------------------------------------------
    def offsets(self, part: int) -> list[int]:
        """Where the loads begin that a vector is made of, counted from the tile's first pixel: none reads past the last."""
        n, stride = self.lanes[part], self.c.strides[-1]
        first = self.starts[part] * stride
        return [first + j * n for j in range(stride - 1)] + [first + (stride - 1) * (n - 1)]

    def masks(self, tile: Tile, shift: Value) -> list[Value] | None:
        """For each load of an edge tile, the lanes inside the signal and before the tile's last pixel."""
        if tile.count is None:
            return None
        pieces = [(offset, n) for part, n in enumerate(self.lanes) for offset in self.offsets(part)]
        return self.sweep.row_masks(tile, shift, pieces)

    def load(self, x: Value, masks: list[Value] | None) -> list[Value]:
        """The vectors of one channel of the input row."""
        e, stride = self.e, self.c.strides[-1]
        vectors = []
        for part, n in enumerate(self.lanes):
            kind, loads = ir.VectorType(self.element, n), []
            for j, offset in enumerate(self.offsets(part)):
                place = e.at(x, offset, self.element)
                mask = None if masks is None else masks[part * stride + j]
                loads.append(e.load(place, kind) if mask is None else e.load_masked(place, kind, mask))
            vectors.append(self.every(loads, part))
        return vectors

    def every(self, loads: list[Value], part: int) -> Value:
        """Every ``stride``-th element of what was loaded."""
        n, stride, offsets = self.lanes[part], self.c.strides[-1], self.offsets(part)
        value = loads[0]
        for j in range(1, stride):
            places = []
            for lane in range(n):
                at = lane * stride  # lies in load number at // n
                taken = at if j == 1 else lane
                places.append(n + offsets[0] + at - offsets[j] if at // n == j else taken % n)
            value = self.e.b.shuffle_vector(value, loads[j], ir.Constant(ir.VectorType(I32, n), places))
        return value
