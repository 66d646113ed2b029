"""Depthwise transposed convolution, lanes on the outputs of a row: all phases of the row at once, stored where they lie.

For results that lie in rows. A vector of outputs spans several inputs, each of which is spread over the ``stride`` outputs that
it begins; it is multiplied by a vector of weights that holds, lane by lane, those of the output's phase. That pattern comes
again after the least common multiple of stride and lanes; a register tile is some such periods. Phases that have a tap less
than others leave it out, lane by lane. Neighbouring output rows that meet the same input rows, a stride of them or a part of
it, are one tile: what was loaded and spread serves all of them. On the axes before, each output meets its own inputs.

The order is that of all convolution kernels: bias, then taps by growing input, which is by falling place in the kernel.
Weights are packed ``[channel][outer tap][vector of the period][tap][lane]``, the taps of the axis of rows filled up to whole
strides.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from math import lcm, prod

import numpy as np
from llvmlite import ir

from atrous.engine.codelets.convolution import Packed, Register
from atrous.engine.emit import BYTES, ELEMENT, I1, I32, Emitter, Value
from atrous.engine.epilogue import Epilogue, RowWriter
from atrous.engine.sweep import Shape, Sweep, Tile, Unit, argument_names
from atrous.geometry import ceil_div
from atrous.graph.fact import Array
from atrous.target import Target

#: Lanes of the shortest load: of fewer inputs, LLVM would make single elements.
SHORTEST = 4
#: What a tile costs beside its vectors, in vectors.
START = 1.5
#: Rows of a tile, and the part of the last cache that an output may fill for it to have more than one.
MOST_ROWS, LARGE = 4, 0.5


@dataclass(frozen=True)
class Upsampling:
    """What a kernel is specialised on, the size of the signal left out.

    ``channels`` is the number of output channels, ``multiplier`` of those that read one input channel; ``phase`` is the place
    of a row's first output among the ``strides[-1]`` that its input begins.
    """

    dtype: str
    channels: int
    multiplier: int
    kernel: tuple[int, ...]
    strides: tuple[int, ...]
    phase: int
    lanes: int
    register: Register
    epilogue: Epilogue

    @property
    def period(self) -> int:
        """Vectors after which inputs and weights meet in the same pattern."""
        return lcm(self.strides[-1], self.lanes) // self.lanes

    @property
    def taps(self) -> int:
        """Inputs of a row that an output meets, at the most."""
        return ceil_div(self.kernel[-1], self.strides[-1])

    @cached_property
    def vectors(self) -> tuple[Vector, ...]:
        """The vectors of a tile."""
        return tuple(Vector.at(self, first) for first in range(0, self.register.pixels, self.lanes))

    @property
    def packed(self) -> tuple[int, ...]:
        """The outer axes of the packed weights."""
        *outer, high = (1, *self.kernel[:-1])
        return (*outer, ceil_div(high, (1, *self.strides)[-2]) * (1, *self.strides)[-2])

    @property
    def reach(self) -> int:
        """Columns from a tile's first input to behind the last that is loaded."""
        return max(vector.input + vector.loaded for vector in self.vectors)


@dataclass(frozen=True, slots=True)
class Vector:
    """One vector of outputs: its first input, counted from the tile's, each lane's from there, and each lane's phase."""

    input: int
    inputs: tuple[int, ...]
    phases: tuple[int, ...]
    loaded: int  # lanes of a load

    @classmethod
    def at(cls, c: Upsampling, first: int) -> Vector:
        """The vector that begins ``first`` outputs into a tile."""
        parted = [divmod(c.phase + first + lane, c.strides[-1]) for lane in range(c.lanes)]
        start = parted[0][0]
        inputs = tuple(place - start for place, _ in parted)
        loaded = 1 << inputs[-1].bit_length()
        return cls(start, inputs, tuple(phase for _, phase in parted), min(max(loaded, SHORTEST), c.lanes))


def tile(strides: tuple[int, ...], outputs: Sequence[int], dtype: str, target: Target) -> Register | None:
    """The register tile for an output of these sizes ``(N, K, *space)``; ``None`` if a period does not fit the registers.

    Where the output leaves the caches, one row after another is written, which memory takes best.
    """
    lanes = target.lanes(dtype)
    period, most = lcm(strides[-1], lanes) // lanes, 3 * target.vector_registers // 4
    if lanes < 2 or 2 * period > most:
        return None
    high = (1, *strides)[-2]
    large = prod(outputs) * BYTES[dtype] > LARGE * (target.caches.l3 or target.caches.l2)
    rows = max(n for n in range(1, (1 if large else MOST_ROWS) + 1) if high % n == 0 and n * period <= most)
    row = outputs[-1]
    whole = ceil_div(row, period * lanes) * period
    sizes = range(period, min(most // max(2, rows), whole) + 1, period)
    return Register(lanes * min(sizes, key=lambda n: ceil_div(row, n * lanes) * (n + START)), 1, rows)


def extra_names(c: Upsampling) -> list[str]:
    """Words beside those of every sweep: the output rows of the box, and the first place of each axis that is read."""
    axes = len(c.kernel)
    return ["height", *(f"lo{axis}" for axis in range(axes)), "w", "b", *c.epilogue.names(axes)]


def names(c: Upsampling) -> list[str]:
    """The words of the kernel's argument list; the extents of axes end behind the last place that is read."""
    return argument_names(len(c.kernel), extra_names(c))


def pack(c: Upsampling, weights: Array, bias: Array | None) -> Packed:
    """Weights ``(C, K/C, *kernel)`` and bias ``(K,)`` in the order in which the kernel reads them; absent taps are zeros."""
    *outer, high = (1, *c.kernel[:-1])
    rows = weights.reshape(c.channels, prod(outer), high, c.kernel[-1])
    packed = np.zeros((c.channels, prod(outer), c.packed[-1], c.period, c.taps, c.lanes), c.dtype)
    for number, vector in enumerate(c.vectors[: c.period]):
        for tap in range(c.taps):
            places = np.array(vector.phases) + tap * c.strides[-1]
            real = places < c.kernel[-1]
            packed[:, :, :high, number, tap, real] = rows[..., places[real]]
    return Packed(packed, np.zeros(c.channels, c.dtype) if bias is None else np.ascontiguousarray(bias))


def emit(e: Emitter, c: Upsampling) -> None:
    """The kernel of one specialisation."""
    _Upsampling(e, c).emit()


class _Upsampling:
    def __init__(self, e: Emitter, c: Upsampling) -> None:
        self.e, self.c = e, c
        self.element = ELEMENT[c.dtype]
        ones = (1,) * len(c.kernel)
        self.sweep = Sweep(e, Shape(c.kernel, ones, ones, 1, c.register.pixels), self.element, c.channels, extra_names(c))
        self.lows = [self.sweep.args.number(f"lo{axis}") for axis in range(len(c.kernel))]
        self.weights, self.bias = self.sweep.args.pointer("w"), self.sweep.args.pointer("b")
        self.tap_weights = c.period * c.taps * c.lanes

    def emit(self) -> None:
        self.sweep.emit(self.tile)

    def tile(self, tile: Tile, unit: Unit) -> None:
        e, c, sweep, channel = self.e, self.c, self.sweep, unit.block
        weights = e.at(self.weights, e.mul(channel, prod(c.packed) * self.tap_weights), self.element)
        start = e.splat(e.load(e.at(self.bias, channel, self.element), self.element), c.lanes)
        plane = channel if c.multiplier == 1 else e.b.udiv(channel, e.i64(c.multiplier))
        column = e.b.udiv(tile.column, e.i64(c.strides[-1]))
        x = e.at(unit.x, e.add(e.mul(plane, sweep.channel_x), column), self.element)
        masks = {} if tile.count is None else self.masks(column)
        places = [e.add(place, origin) for place, origin in zip(unit.places, sweep.origins, strict=False)]
        if places:  # the units of this axis are strips of rows, which begin where whole strips do
            rows, origin = c.register.rows, sweep.origins[-2]
            places[-1] = e.mul(e.add(unit.places[-1], e.b.udiv(origin, e.i64(rows))), rows)
            unit = replace(unit, places=[*unit.places[:-1], e.sub(places[-1], origin)])
        results = self.outer(0, places, x, weights, masks, [start] * (len(c.vectors) * c.register.rows))
        self.write(tile, unit, results)

    def write(self, tile: Tile, unit: Unit, results: list[Value]) -> None:
        """Store the rows of the strip that the box has."""
        e, c, count = self.e, self.c, len(self.c.vectors)
        first = RowWriter(self.sweep, unit, tile, c.epilogue, c.dtype, unit.block)
        for number in range(count):
            first.mask(number * c.lanes, c.lanes, c.lanes)  # for all rows

        def store(r: int) -> None:
            writer = first.below(r)
            for number, value in enumerate(results[r * count : (r + 1) * count]):
                writer.write(0, number * c.lanes, value)

        for r in range(c.register.rows):
            if c.register.rows == 1:
                store(r)
                continue
            with e.when(e.b.icmp_unsigned("<", e.add(unit.places[-1], r), self.sweep.args.number("height"))):
                store(r)

    def loads(self) -> list[tuple[int, int]]:
        """What a tile loads of an input row: (column, counted from its first input, lanes)."""
        c = self.c
        return sorted({(vector.input - tap, vector.loaded) for vector in c.vectors for tap in range(c.taps)})

    def masks(self, column: Value) -> dict[tuple[int, int], Value]:
        """For each load of an edge tile, the lanes that the box reads inside the signal."""
        e, found, low = self.e, {}, self.lows[-1]
        narrow, extent = e.b.trunc(e.sub(column, low), I32), e.b.trunc(e.sub(self.sweep.extents[-1], low), I32)
        for offset, n in self.loads():
            lanes = ir.Constant(ir.VectorType(I32, n), [offset + lane for lane in range(n)])
            found[offset, n] = e.b.icmp_unsigned("<", e.b.add(e.splat(narrow, n), lanes), e.splat(extent, n))
        return found

    def outer(
        self, axis: int, places: list[Value], x: Value, w: Value, masks: dict[tuple[int, int], Value], acc: list[Value]
    ) -> list[Value]:
        """The inputs that outputs at these places, counted from the first that any input begins, meet on the outer axes."""
        e, c, sweep = self.e, self.c, self.sweep
        if axis == len(places):
            return self.row(x, [(0, w, None)], masks, acc)
        kernel, stride, place = c.kernel[axis], c.strides[axis], places[axis]
        lo = e.max(e.ceil_div(e.max(e.sub(place, kernel - 1), 0), stride), self.lows[axis])
        hi = e.min(e.add(e.b.udiv(place, e.i64(stride)), 1), sweep.extents[axis])
        span = prod(c.packed[axis + 2 :]) * self.tap_weights

        def inner(index: Value, acc: list[Value], rows: int) -> list[Value]:
            tap = e.sub(place, e.mul(index, stride))
            here = e.at(x, e.mul(index, sweep.steps_x[axis]), self.element)
            weights = e.at(w, e.mul(tap, span), self.element)
            if axis < len(places) - 1:
                return self.outer(axis + 1, places, here, weights, masks, acc)
            feed = []
            for r in range(rows):
                real = e.less(e.add(tap, r), kernel) if kernel % stride and c.register.rows != stride and r else None
                feed.append((r, e.at(weights, r * span, self.element), real))
            return self.row(here, feed, masks, acc)

        high = axis == len(places) - 1
        rows = c.register.rows if high else 1
        if high and rows == stride and kernel % stride:  # the first input has taps for some rows only
            first = e.sub(e.b.udiv(place, e.i64(stride)), kernel // stride)
            inside = e.b.and_(e.b.icmp_signed(">=", first, self.lows[axis]), e.less(first, hi))
            with e.unless_empty(inside, acc) as turn:
                turn.next = inner(first, turn.values, kernel % stride)
            acc, lo = turn.results, e.max(e.add(first, 1), self.lows[axis])
        with e.loop(lo, hi, carry=acc) as loop:
            loop.next = inner(loop.index, loop.values, rows)
        return loop.results

    def row(
        self, x: Value, feed: list[tuple[int, Value, Value | None]], masks: dict[tuple[int, int], Value], acc: list[Value]
    ) -> list[Value]:
        """One input row: tap by tap, each vector's inputs spread over its lanes, for every output row that it feeds.

        Those are (number, weights, whether they have a tap here if that is in question).
        """
        e, c, acc, count = self.e, self.c, list(acc), len(self.c.vectors)
        loaded = {place: self.load(x, place, masks) for place in self.loads()}
        whole = ir.VectorType(self.element, c.lanes)
        for tap in reversed(range(c.taps)):
            for number, vector in enumerate(c.vectors):
                source = loaded[vector.input - tap, vector.loaded]
                value = e.b.shuffle_vector(source, source, ir.Constant(ir.VectorType(I32, c.lanes), vector.inputs))
                place = (number % c.period * c.taps + tap) * c.lanes
                lanes = [phase + tap * c.strides[-1] < c.kernel[-1] for phase in vector.phases]
                for r, w, real in feed:
                    slot = r * count + number
                    found = e.fma(e.load(e.at(w, place, self.element), whole), value, acc[slot])
                    if not all(lanes):
                        kept = ir.Constant(ir.VectorType(I1, c.lanes), [int(lane) for lane in lanes])
                        found = e.b.select(kept, found, acc[slot])
                    acc[slot] = found if real is None else e.b.select(real, found, acc[slot])
        return acc

    def load(self, x: Value, place: tuple[int, int], masks: dict[tuple[int, int], Value]) -> Value:
        """A vector of the input row, zeros for what is outside the signal."""
        e, (offset, n) = self.e, place
        kind, at = ir.VectorType(self.element, n), e.at(x, offset, self.element)
        return e.load_masked(at, kind, masks[place]) if masks else e.load(at, kind)
