"""Depthwise convolution, lanes on the pixels of a row: whole rows of one channel, perhaps several at once.

For signals that lie in rows, as callers' arrays do. A register tile is some neighbouring outputs of a row, in full vectors and
perhaps one of half the width, on ``rows`` rows of the output, of one channel, or of ``vectors`` channels where rows are short.
An input row is loaded once, masked at the border, and shifted inside the registers from tap to tap; what has been shifted feeds
every output row that it meets. Rows of stride 2 are first parted into even and odd pixels. Long kernel rows go in blocks.

The order is that of all convolution kernels: bias, then taps. Weights are packed ``[block][tap][channel of the block]``.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from math import prod

import numpy as np
from llvmlite import ir

from atrous.engine.codelets.convolution import Convolution, Cost, Packed, Register
from atrous.engine.codelets.rows import parts
from atrous.engine.emit import ELEMENT, I32, I64, Count, Emitter, Value, byte_size
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
#: Strides along the row that are parted in registers.
MOST_STRIDE = 2
#: Rows of a tile, and channels of one where a vector holds its row: their multiply-adds do not wait for each other.
MOST_ROWS, MOST_CHANNELS = 8, 3
#: Taps of a block, and blocks of a kernel row that are written out for several rows; more of them, or for one row, go into a
#: loop: in longer code LLVM would shift far ahead, and run out of registers.
HELD, MOST_WRITTEN = 8, 2
#: Turns of a load that crosses lines, as most do.
CROSSING = 1.6
#: Turns that parting takes for each vector, where a shift takes one, and the part of all such turns that nothing hides.
PARTING, SHARED = 1.5, 0.65
#: The part of a turn that it takes to read a weight that was spread beforehand.
READ = 0.16
#: Weights of a channel that are spread over all lanes beforehand.
MOST_SPREAD = 128
#: Multiply-adds of a tile that are written out.
MOST_CODE = 1500


def applies(c: Convolution, target: Target) -> bool:
    """Every output channel has one input channel, and the taps of a row lie within reach of a shift."""
    reach = (min(c.kernel[-1], 2) - 1) * c.dilations[-1]
    if not (c.finite and c.channels == 1 and c.dtype in ("float32", "float64") and c.spacing == 1):
        return False
    return c.strides[-1] <= MOST_STRIDE and reach <= 2 * target.lanes(c.dtype)


def worthwhile(c: Convolution, target: Target) -> bool:
    return c.outputs == 1


def candidates(c: Convolution, target: Target) -> tuple[Register, ...]:
    """Tiles that fit the registers: accumulators, the window of input, a shifted vector and a weight for each row."""
    lanes, found = target.lanes(c.dtype), []
    several = len(c.kernel) > 1 and 1 in (c.strides[-2], c.dilations[-2])
    step = lanes // 2 if lanes >= 8 else lanes
    for pixels in range(step, 7 * lanes + 1, step):
        width = len(parts(pixels, lanes))
        window = ceil_div((pixels - 1) * c.strides[-1] + (held(c, lanes) - 1) * c.dilations[-1] + 1, lanes)
        for rows in range(1, MOST_ROWS + 1) if several else (1,):
            code = width * c.kernel[-1] * min(rows, c.kernel[-2]) * (rows + c.kernel[-2]) if rows > 1 else 0
            for channels in range(1, MOST_CHANNELS + 1) if width == 1 and rows > 2 else (1,):
                used = channels * (width * rows + window) + min(rows, 4) + 1
                if channels * code <= MOST_CODE and used <= target.vector_registers:
                    found.append(Register(pixels, channels, rows))
    return tuple(found) or (Register(step, 1),)


def held(c: Convolution, lanes: int) -> int:
    """Taps of a row in one block: blocks of equal length, none wider than the shifts of two vectors."""
    most = max(2, 1 + 2 * lanes * c.strides[-1] // c.dilations[-1])
    return ceil_div(c.kernel[-1], ceil_div(c.kernel[-1], min(most, HELD)))


def cost(c: Convolution, register: Register, row: int, target: Target) -> Cost:
    """Cycles per useful multiply-add of a row of this length: arithmetic with its shifts, loads that cross lines, the start."""
    lanes, rows, stride, rates = target.lanes(c.dtype), register.rows, c.strides[-1], target.rates
    widths, channels = parts(register.pixels, lanes), register.vectors
    vectors = len(widths) - 1 + (1.0 if widths[-1] == lanes else 0.55)
    taps, depth = c.kernel[-1], prod(c.kernel[:-1])
    high = c.kernel[-2] if rows > 1 else 1
    walked = depth * (1 + (rows - 1) * c.strides[-2] / high if rows > 1 else 1.0)
    spread = spreads(c, register, lanes)
    weights = depth * rows * taps * (1.0 if len(widths) > 1 else 0.5)
    loads = CROSSING * walked * (stride * vectors + 0.5) * ceil_div(taps, held(c, lanes)) + weights
    # Shifts, and weights that are spread as they are loaded, take turns of units that multiply, of which some are free.
    shifts = walked * vectors * (taps - 1)
    turns = walked * (stride - 1) * PARTING * (2 * vectors + 1) + (0 if spread or len(widths) == 1 else weights)
    multiply = depth * taps * max(rows * vectors / rates.fmas, rates.latency / channels)
    if len(widths) == 1:  # few chains are in the processor's sight at once
        multiply *= 1 + 0.25 / (channels * min(rows, high / c.strides[-2] if rows > 1 else 1))
    loaded = shifts / 2 if rows == stride == 1 else 0.0  # by tiles inside the signal
    inside, edge = (SHARED * max(0.0, (turns + n) / rates.fmas - multiply / 2) for n in (shifts - loaded, shifts))
    multiply += READ * weights if spread else 0.0
    arithmetic, loads = multiply + inside, loads + CROSSING * loaded
    overhead = (12 if rows > 1 else 6) / channels + 0.8 * walked + rows * (3.2 + 1.4 * len(widths))
    count = c.groups * c.outputs
    each = ceil_div(row, register.pixels) * ceil_div(count, channels) * channels / (row * rows * depth * taps * count)
    return Cost(each * arithmetic, each * loads / rates.loads, each * overhead, each * (edge - inside))


def spreads(c: Convolution, register: Register, lanes: int) -> bool:
    """Whether weights are spread beforehand: each is read by several rows, for several vectors, and they are few."""
    return register.rows > 1 and register.pixels > lanes and prod(c.kernel) <= MOST_SPREAD


def names(c: Convolution) -> list[str]:
    return argument_names(len(c.kernel), ["w", "b", *c.epilogue.names(len(c.kernel))])


def pack(c: Convolution, register: Register, weights: Array, bias: Array | None, target: Target) -> Packed:
    """Weights ``(K, 1, *kernel)`` and bias ``(K,)`` as they are, or tap by tap for the channels of a block."""
    outputs, width = c.groups * c.outputs, register.vectors
    count = ceil_div(outputs, width)
    padded, start = np.zeros((count * width, prod(c.kernel)), c.dtype), np.zeros(count * width, c.dtype)
    padded[:outputs] = weights.reshape(outputs, -1)
    if bias is not None:
        start[:outputs] = bias
    return Packed(np.ascontiguousarray(padded.reshape(count, width, -1).transpose(0, 2, 1)), start)


def blocks(c: Convolution, register: Register, target: Target) -> int:
    return ceil_div(c.groups * c.outputs, register.vectors)


def emit(e: Emitter, c: Convolution, register: Register) -> None:
    _Planes(e, c, register).emit()


class _Planes:
    def __init__(self, e: Emitter, c: Convolution, register: Register) -> None:
        self.e, self.c, self.register = e, c, register
        self.element = ELEMENT[c.dtype]
        self.lanes = e.target.lanes(c.dtype)
        self.parts = parts(register.pixels, self.lanes)
        self.held = held(c, self.lanes)
        self.written = c.kernel[-1] // self.held <= (MOST_WRITTEN if register.rows > 1 else 1)
        self.channels = register.vectors
        #: Elements that the weights of one tap take.
        self.width = self.lanes if spreads(c, register, self.lanes) else self.channels
        shape = Shape(c.kernel, c.strides, c.dilations, 1, register.pixels, register.rows)
        extra = ["w", "b", *c.epilogue.names(shape.axes)]
        self.sweep = Sweep(e, shape, self.element, blocks(c, register, e.target), extra)
        self.weights, self.bias = self.sweep.args.pointer("w"), self.sweep.args.pointer("b")
        self.spread = _Spread(self) if spreads(c, register, self.lanes) else None

    def emit(self) -> None:
        self.sweep.emit(self.tile)

    def tile(self, tile: Tile, unit: Unit) -> None:
        e, c, sweep = self.e, self.c, self.sweep
        channel = e.mul(unit.block, self.channels)
        weights = e.at(self.weights, e.mul(channel, prod(c.kernel)), self.element)
        if self.spread is not None:
            weights = self.spread.of(unit.block, weights)
        starts, planes = [], []
        for k in range(self.channels):
            bias = e.load(e.at(self.bias, e.add(channel, k), self.element), self.element)
            starts += [e.splat(bias, n) for n in self.parts] * self.register.rows
            planes.append(e.mul(self.source(channel, k), sweep.channel_x))
        border = None if tile.count is None else _Border(self, tile)

        def row(x: Value, feed: list[tuple[int, Value]], acc: list[Value]) -> list[Value]:
            return self.row([sweep.interior_pointer(tile, x, plane) for plane in planes], border, feed, acc)

        results = sweep.strip_taps(unit, weights, c.kernel[-1] * self.width, starts, row)
        self.write(tile, unit, channel, results)

    def source(self, channel: Value, k: int) -> Value:
        """The input channel of one channel of the block; of the last there is, where the block has more."""
        e, c = self.e, self.c
        real = c.groups * c.outputs
        channel = e.add(channel, k) if real % self.channels == 0 else e.min(e.add(channel, k), real - 1)
        return channel if c.outputs == 1 else e.b.udiv(channel, e.i64(c.outputs))

    def write(self, tile: Tile, unit: Unit, channel: Value, results: list[Value]) -> None:
        """Store the channels and rows of the tile that are real."""
        e, count, apart, real = self.e, len(self.parts), self.sweep.shape.apart, self.c.groups * self.c.outputs
        first = RowWriter(self.sweep, unit, tile, self.c.epilogue, self.c.dtype, channel)
        places = [sum(self.parts[:i]) for i in range(count)]
        for place, n in zip(places, self.parts, strict=True):
            first.mask(place, n, n)  # for all rows

        def store(k: int, r: int) -> None:
            writer, slot = first.below(r), (k * self.register.rows + r) * count
            for place, value in zip(places, results[slot : slot + count], strict=True):
                writer.write(k, place, value)

        def rows(k: int) -> None:
            for r in range(self.register.rows):
                if r == 0 and apart == 1:
                    store(k, r)
                    continue
                with e.when(e.less(r, unit.rows)):
                    store(k, r)

        for k in range(self.channels):
            if k == 0 or real % self.channels == 0:
                rows(k)
                continue
            with e.when(e.less(e.add(channel, k), real)):
                rows(k)

    def row(self, starts: list[Value], border: _Border | None, feed: list[tuple[int, Value]], acc: list[Value]) -> list[Value]:
        """One input row of each channel: its taps in blocks, the last perhaps shorter."""
        e, taps, held = self.e, self.c.kernel[-1], self.held
        whole = taps // held
        if self.written:
            for first in range(0, whole * held, held):
                acc = self.block(starts, border, feed, acc, first, held)
        else:
            with e.loop(0, whole * held, held, carry=acc, nonempty=True) as loop:
                loop.next = self.block(starts, border, feed, loop.values, loop.index, held)
            acc = loop.results
        return self.block(starts, border, feed, acc, whole * held, taps % held) if taps % held else acc

    def block(
        self,
        starts: list[Value],
        border: _Border | None,
        feed: list[tuple[int, Value]],
        acc: list[Value],
        first: Count,
        taps: int,
    ) -> list[Value]:
        """So many taps from ``first`` on: the window is loaded once and shifted from tap to tap."""
        e, acc, count = self.e, list(acc), len(self.parts)
        shift = e.mul(first, self.c.dilations[-1])
        masks = None if border is None else border.masks(first, taps)
        windows = [_Window(self, e.at(start, shift, self.element), masks, taps) for start in starts]
        rows = [(r, e.at(w, e.mul(first, self.width), self.element)) for r, w in feed]
        for tap, (k, window) in product(range(taps), enumerate(windows)):
            weights = [(r, self.weight(w, tap * self.width + k)) for r, w in rows]
            for i, n in enumerate(self.parts):
                value = window.at(i * self.lanes, tap, n)
                for r, weight in weights:
                    slot = (k * self.register.rows + r) * count + i
                    acc[slot] = e.fma(weight(n), value, acc[slot])
        return acc

    def weight(self, row: Value, offset: int) -> Callable[[int], Value]:
        """A weight in so many lanes."""
        e, place = self.e, self.e.at(row, offset, self.element)
        if self.spread is None:
            scalar = e.load(place, self.element)
            return lambda lanes: e.splat(scalar, lanes)
        whole = e.load(place, ir.VectorType(self.element, self.lanes), 64)
        return lambda lanes: whole if lanes == self.lanes else e.b.shuffle_vector(whole, whole, _indices(range(lanes)))

    def columns(self, taps: int) -> int:
        """Columns of the window that so many taps of a tile need."""
        return (self.register.pixels - 1) * self.c.strides[-1] + (taps - 1) * self.c.dilations[-1] + 1


class _Spread:
    """The weights of one channel in all lanes of vectors, on the stack: made when a unit has another channel.

    CPUs that multiply and shuffle with the same units shuffle to spread an element that they load.
    """

    def __init__(self, planes: _Planes) -> None:
        e = self.e = planes.e
        self.lanes, self.element, self.taps = planes.lanes, planes.element, prod(planes.c.kernel)
        self.place, self.channel = e.scratch(self.taps * self.lanes, self.element), e.scratch(1, I64)
        e.store(e.i64(-1), self.channel)

    def of(self, channel: Value, weights: Value) -> Value:
        """Where the weights of a channel are spread."""
        e = self.e
        with e.when(e.b.icmp_signed("!=", e.load(self.channel, I64), channel)):
            e.store(channel, self.channel)
            with e.loop(0, self.taps, nonempty=True) as loop:
                one = e.load(e.at(weights, loop.index, self.element), self.element)
                e.store(e.splat(one, self.lanes), e.at(self.place, e.mul(loop.index, self.lanes), self.element), 64)
        return self.place


class _Border:
    """What an edge tile may read of an input row: a mask for each vector of a window, made once for all rows."""

    def __init__(self, planes: _Planes, tile: Tile) -> None:
        self.planes = planes
        e, lanes = planes.e, planes.lanes
        self.column = e.splat(e.b.trunc(tile.column, I32), lanes)
        self.limit = e.splat(e.b.trunc(planes.sweep.limit(tile), I32), lanes)
        taps, held = planes.c.kernel[-1], planes.held
        self.kept: dict[tuple[int, int], list[Value]] = {}
        if planes.written:
            for first in range(0, taps, held):
                self.kept[first, min(held, taps - first)] = self._masks(first, min(held, taps - first))

    def masks(self, first: Count, taps: int) -> list[Value]:
        """The masks of the window of these taps."""
        found = self.kept.get((first, taps)) if isinstance(first, int) else None
        return found or self._masks(first, taps)

    def _masks(self, first: Count, taps: int) -> list[Value]:
        e, lanes = self.planes.e, self.planes.lanes
        shift, step = self.planes.c.dilations[-1], ir.VectorType(I32, lanes)
        column = self.column
        if not isinstance(first, int):
            column, first = e.b.add(column, e.splat(e.b.trunc(e.mul(first, shift), I32), lanes)), 0
        found = []
        for place in range(first * shift, first * shift + self.planes.columns(taps), lanes):
            index = e.b.add(column, ir.Constant(step, [place + lane for lane in range(lanes)]))
            found.append(e.b.icmp_unsigned("<", index, self.limit))
        return found


class _Window:
    """A piece of an input row in registers: full vectors from its first column on, loaded when they are first needed."""

    def __init__(self, planes: _Planes, start: Value, masks: list[Value] | None, taps: int) -> None:
        self.e, self.lanes, self.element = planes.e, planes.lanes, planes.element
        self.start, self.masks, self.taps = start, masks, taps
        self.stride, self.dilation = planes.c.strides[-1], planes.c.dilations[-1]
        #: Columns that an interior tile needs: it reads none behind them.
        self.columns = planes.columns(taps)
        # As integers: LLVM moves them with one instruction, floating-point numbers with a slower one.
        self.kind = ir.VectorType(ir.IntType(8 * byte_size(self.element)), self.lanes)
        self.loaded: dict[int, Value] = {}
        self.parted: dict[tuple[int, int], Value] = {}

    def at(self, pixel: int, tap: int, lanes: int) -> Value:
        """The inputs that a tap has for so many pixels from ``pixel`` on.

        Loads that are not aligned cross lines, and take two turns of the unit that loads; shifts take a turn of one that
        also multiplies. Where no mask is needed they share the work.
        """
        offset = tap * self.dilation
        if self.masks is None and self.stride == 1 and tap % 2 and tap < self.taps - 1 + (self.taps == 2):
            return self.e.load(self.e.at(self.start, pixel + offset, self.element), ir.VectorType(self.element, lanes))
        return self.shifted(pixel, offset, lanes)

    def shifted(self, pixel: int, offset: int, lanes: int) -> Value:
        """The inputs of so many pixels from ``pixel`` on, ``offset`` columns to the right."""
        phase, place = offset % self.stride, pixel + offset // self.stride
        number, shift = divmod(place, self.lanes)
        if shift == 0 and lanes == self.lanes:
            return self.e.b.bitcast(self.part(phase, number), ir.VectorType(self.element, lanes))
        low = self.part(phase, number)
        high = self.part(phase, number + 1) if shift + lanes > self.lanes else low
        found = self.e.b.shuffle_vector(low, high, _indices(range(shift, shift + lanes)))
        return self.e.b.bitcast(found, ir.VectorType(self.element, lanes))

    def part(self, phase: int, number: int) -> Value:
        """A vector of every ``stride``-th column from ``phase`` on."""
        if self.stride == 1:
            return self.load(number)
        found = self.parted.get((phase, number))
        if found is None:
            pair = self.load(self.stride * number), self.load(self.stride * number + 1)
            found = self.e.b.shuffle_vector(*pair, _indices(range(phase, phase + 2 * self.lanes, 2)))
            self.parted[phase, number] = found
        return found

    def load(self, number: int) -> Value:
        """Full vector ``number`` of the window; zeros where no pixel looks, or beyond the border."""
        found = self.loaded.get(number)
        if found is None:
            found = self.loaded[number] = self._load(number)
        return found

    def _load(self, number: int) -> Value:
        e, left = self.e, self.columns - number * self.lanes
        if left <= 0:
            return ir.Constant(self.kind, None)
        place = e.at(self.start, number * self.lanes, self.element)
        if self.masks is not None:
            return e.load_masked(place, self.kind, self.masks[number])
        if left >= self.lanes:
            return e.load(place, self.kind)
        return e.load_masked(place, self.kind, e.first_lanes(left, self.lanes))


def _indices(lanes: range) -> ir.Constant:
    return ir.Constant(ir.VectorType(I32, len(lanes)), list(lanes))
