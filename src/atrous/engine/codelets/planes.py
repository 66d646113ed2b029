"""Depthwise convolution, lanes on the pixels of a row: whole rows of one channel, perhaps several at once.

For signals that lie in rows, as callers' arrays do. A register tile is some neighbouring outputs of a row, in full vectors and
perhaps one of half the width, on ``rows`` neighbouring rows of the output. An input row is loaded once, masked at the border,
and shifted inside the registers from tap to tap; what has been shifted feeds every output row that it meets. Rows of stride 2
are first parted into even and odd pixels. Long kernel rows go in blocks of taps.

The order is that of all convolution kernels: bias, then taps. Weights are packed ``[channel][tap]``.
"""

from __future__ import annotations

from math import prod

import numpy as np
from llvmlite import ir

from atrous.engine.codelets.convolution import Convolution, Cost, Packed, Register
from atrous.engine.codelets.rows import parts
from atrous.engine.emit import ELEMENT, I32, Count, Emitter, Value
from atrous.engine.epilogue import RowWriter
from atrous.engine.sweep import Shape, Sweep, Tile, Unit, argument_names
from atrous.engine.view import Layout
from atrous.geometry import ceil_div
from atrous.graph.fact import Array
from atrous.target import Target

#: The layout that is read, and the one that is written.
READS = WRITES = Layout.ROWS
#: Strides along the row that are parted in registers.
MOST_STRIDE = 2
#: Longer kernel rows go in blocks: their code grows with the taps and with the square of the rows.
FEW_TAPS = 9


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
    several = len(c.kernel) > 1 and c.strides[-2] == c.dilations[-2] == 1
    most_rows = 6 if c.kernel[-1] <= FEW_TAPS else 2
    step = lanes // 2 if lanes >= 8 else lanes
    for pixels in range(step, 6 * lanes + 1, step):
        width = len(parts(pixels, lanes))
        for rows in range(1, most_rows + 1) if several else (1,):
            if rows > 1 and rows > c.kernel[-2] + 1:
                continue
            if width * rows + c.strides[-1] * (width + 1) + rows + 1 <= target.vector_registers:
                found.append(Register(pixels, 1, rows))
    return tuple(found) or (Register(step, 1),)


def held(c: Convolution, lanes: int) -> int:
    """Taps of a row in one block: as many as one vector's width of shifts."""
    most = max(2, 1 + (lanes * c.strides[-1]) // c.dilations[-1]) if c.dilations[-1] > 1 else lanes
    return ceil_div(c.kernel[-1], ceil_div(c.kernel[-1], most))


def cost(c: Convolution, register: Register, row: int, target: Target) -> Cost:
    """Cycles per useful multiply-add of a row of this length: loads that cross lines, shifts, arithmetic, and the start."""
    lanes, rows, stride, rates = target.lanes(c.dtype), register.rows, c.strides[-1], target.rates
    widths = parts(register.pixels, lanes)
    vectors = len(widths) - 1 + (1.0 if widths[-1] == lanes else 0.6)
    taps, block = c.kernel[-1], held(c, lanes)
    depth = prod(c.kernel[:-1])
    walked = depth * ((c.kernel[-2] + rows - 1) / c.kernel[-2] if rows > 1 else 1.0)
    windows = walked * 1.5 * stride * (vectors + 0.5) * ceil_div(taps, block)
    loads = windows / rates.loads + depth * rows * taps / rates.broadcasts
    shifts = walked * (vectors * (taps - 1) + (stride - 1) * 2 * vectors)
    arithmetic = depth * taps * max(rows * vectors / rates.fmas, rates.latency)
    arithmetic += shifts / rates.fmas  # they take turns of the units that multiply
    overhead = 3 * walked + 3 * len(widths) * rows + 30
    each = ceil_div(row, register.pixels) / (row * rows * depth * taps)
    return Cost(each * arithmetic, each * loads, each * overhead)


def names(c: Convolution) -> list[str]:
    return argument_names(len(c.kernel), ["w", "b", *c.epilogue.names(len(c.kernel))])


def pack(c: Convolution, register: Register, weights: Array, bias: Array | None, target: Target) -> Packed:
    """Weights ``(K, 1, *kernel)`` and bias ``(K,)`` as they are."""
    count = c.groups * c.outputs
    packed = np.ascontiguousarray(weights.reshape(count, prod(c.kernel)), c.dtype)
    return Packed(packed, np.zeros(count, c.dtype) if bias is None else np.ascontiguousarray(bias, c.dtype))


def blocks(c: Convolution, register: Register, target: Target) -> int:
    return c.groups * c.outputs


def emit(e: Emitter, c: Convolution, register: Register) -> None:
    _Planes(e, c, register).emit()


class _Planes:
    def __init__(self, e: Emitter, c: Convolution, register: Register) -> None:
        self.e, self.c, self.register = e, c, register
        self.element = ELEMENT[c.dtype]
        self.lanes = e.target.lanes(c.dtype)
        self.parts = parts(register.pixels, self.lanes)
        self.held = held(c, self.lanes)
        shape = Shape(c.kernel, c.strides, c.dilations, 1, register.pixels, register.rows)
        extra = ["w", "b", *c.epilogue.names(shape.axes)]
        self.sweep = Sweep(e, shape, self.element, c.groups * c.outputs, extra)
        self.weights, self.bias = self.sweep.args.pointer("w"), self.sweep.args.pointer("b")

    def emit(self) -> None:
        self.sweep.emit(self.tile)

    def tile(self, tile: Tile, unit: Unit) -> None:
        e, c, sweep = self.e, self.c, self.sweep
        weights = e.at(self.weights, e.mul(unit.block, prod(c.kernel)), self.element)
        bias = e.load(e.at(self.bias, unit.block, self.element), self.element)
        source = unit.block if c.outputs == 1 else e.b.udiv(unit.block, e.i64(c.outputs))
        plane = e.mul(source, sweep.channel_x)
        starts = [e.splat(bias, n) for n in self.parts] * self.register.rows
        limit = None if tile.count is None else sweep.limit(tile)
        results = sweep.strip_taps(
            unit,
            weights,
            c.kernel[-1],
            starts,
            lambda x, feed, acc: self.row(tile, limit, e.at(x, plane, self.element), feed, acc),
        )
        self.write(tile, unit, results)

    def write(self, tile: Tile, unit: Unit, results: list[Value]) -> None:
        """Store the rows of the tile that are real."""
        e, count = self.e, len(self.parts)
        for r in range(self.register.rows):
            writer = RowWriter(self.sweep, unit.below(e, r), tile, self.c.epilogue, self.c.dtype, unit.block)

            def store(r: int = r, writer: RowWriter = writer) -> None:
                for i, value in enumerate(results[r * count : (r + 1) * count]):
                    writer.write(0, sum(self.parts[:i]), value)

            if r == 0:
                store()
                continue
            with e.when(e.less(r, unit.rows)):
                store()

    def row(self, tile: Tile, limit: Value | None, x: Value, feed: list[tuple[int, Value]], acc: list[Value]) -> list[Value]:
        """One input row: its taps in blocks, the last perhaps shorter."""
        e, taps, held = self.e, self.c.kernel[-1], self.held
        start = self.sweep.interior_pointer(tile, x, e.i64(0))
        whole = taps // held
        if whole == 1:
            acc = self.block(tile, limit, start, feed, acc, 0, held)
        else:
            with e.loop(0, whole * held, held, carry=acc, nonempty=True) as loop:
                loop.next = self.block(tile, limit, start, feed, loop.values, loop.index, held)
            acc = loop.results
        return self.block(tile, limit, start, feed, acc, whole * held, taps % held) if taps % held else acc

    def block(
        self,
        tile: Tile,
        limit: Value | None,
        start: Value,
        feed: list[tuple[int, Value]],
        acc: list[Value],
        first: Count,
        taps: int,
    ) -> list[Value]:
        """So many taps from ``first`` on: the window is loaded once and shifted from tap to tap."""
        e, acc, count = self.e, list(acc), len(self.parts)
        shift = e.mul(first, self.c.dilations[-1])
        column = None if limit is None else e.add(tile.column, shift)
        window = _Window(self, e.at(start, shift, self.element), column, limit, taps)
        for tap in range(taps):
            scalars = [e.load(e.at(e.at(w, first, self.element), tap, self.element), self.element) for _, w in feed]
            for i, n in enumerate(self.parts):
                value = window.at(i * self.lanes, tap, n)
                for (r, _), scalar in zip(feed, scalars, strict=True):
                    acc[r * count + i] = e.fma(e.splat(scalar, n), value, acc[r * count + i])
        return acc


class _Window:
    """A piece of an input row in registers: full vectors from its first column on, loaded when they are first needed."""

    def __init__(self, planes: _Planes, start: Value, column: Value | None, limit: Value | None, taps: int) -> None:
        self.e, self.lanes, self.element = planes.e, planes.lanes, planes.element
        self.start, self.column, self.limit = start, column, limit
        self.stride, self.dilation, self.rows = planes.c.strides[-1], planes.c.dilations[-1], planes.register.rows
        #: Columns of the window that an interior tile needs: it reads none behind them.
        self.columns = (planes.register.pixels - 1) * self.stride + (taps - 1) * planes.c.dilations[-1] + 1
        self.kind = ir.VectorType(self.element, self.lanes)
        self.loaded: dict[int, Value] = {}
        self.parted: dict[tuple[int, int], Value] = {}

    def at(self, pixel: int, tap: int, lanes: int) -> Value:
        """The inputs that a tap has for so many pixels from ``pixel`` on.

        Loads that are not aligned cross lines, and take two turns of the unit that loads; shifts take a turn of one that
        multiplies. Tiles of several rows multiply more than they load; with one row they share the work.
        """
        offset = tap * self.dilation
        if self.column is None and self.stride == 1 and (self.rows > 1 or tap % 2):
            return self.e.load(self.e.at(self.start, pixel + offset, self.element), ir.VectorType(self.element, lanes))
        return self.shifted(pixel, offset, lanes)

    def shifted(self, pixel: int, offset: int, lanes: int) -> Value:
        """The inputs of so many pixels from ``pixel`` on, ``offset`` columns to the right."""
        phase, place = offset % self.stride, pixel + offset // self.stride
        number, shift = divmod(place, self.lanes)
        if shift == 0 and lanes == self.lanes:
            return self.part(phase, number)
        low = self.part(phase, number)
        high = self.part(phase, number + 1) if shift + lanes > self.lanes else low
        return self.e.b.shuffle_vector(low, high, _indices(range(shift, shift + lanes)))

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
            found = self.loaded[number] = self._load(number * self.lanes)
        return found

    def _load(self, first: int) -> Value:
        e, left = self.e, self.columns - first
        if left <= 0:
            return ir.Constant(self.kind, None)
        place = e.at(self.start, first, self.element)
        if self.column is None:
            return (
                e.load(place, self.kind)
                if left >= self.lanes
                else e.load_masked(place, self.kind, e.first_lanes(left, self.lanes))
            )
        kind = ir.VectorType(I32, self.lanes)
        index = e.b.add(
            e.splat(e.b.trunc(self.column, I32), self.lanes), ir.Constant(kind, [first + n for n in range(self.lanes)])
        )
        mask = e.b.icmp_unsigned("<", index, e.splat(e.b.trunc(self.limit, I32), self.lanes))
        return e.load_masked(place, self.kind, mask)


def _indices(lanes: range) -> ir.Constant:
    return ir.Constant(ir.VectorType(I32, len(lanes)), list(lanes))
