"""The loop skeleton that all windowed kernels share: rows of output pixels, swept tile by tile.

A *unit* of work is one channel block of one segment of one output row; how many blocks are innermost in the order of units is
an argument, so that either the weights or the rows stay in the cache. Along the row a *tile* of a fixed number of pixels is
held in registers. Taps outside the signal on the outer axes are skipped by loop bounds; on the row axis a tile that meets
the border (or the end of the segment) takes the *edge* form, where each pixel has a pointer of its own and a tap outside the
signal points to a row of padding. Borders therefore multiply no code, and an output's operations depend on its global
coordinates alone: which tile form computes it never shows in its bits.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from llvmlite import ir

from atrous.engine.emit import I32, I64, Arguments, Count, Emitter, Value
from atrous.geometry import Window, ceil_div

#: Dilation of the row axis from which on it is worth looking which taps meet the signal at all.
FAR = 4


@dataclass(frozen=True, slots=True)
class Shape:
    """What a windowed kernel is specialised on: the windows' taps and steps, not the signal's size."""

    kernel: tuple[int, ...]
    strides: tuple[int, ...]
    dilations: tuple[int, ...]
    pitch: int  # elements between neighbouring input pixels of a row
    pixels: int  # the register tile's length along the row
    rows: int = 1  # output rows of a unit, ``apart`` from each other; several need an axis of stride or dilation 1

    @property
    def axes(self) -> int:
        return len(self.kernel)

    @property
    def apart(self) -> int:
        """The distance of a unit's output rows: that of the taps, so that they meet the same input rows."""
        return self.dilations[-2] if self.rows > 1 else 1


def argument_names(axes: int, extra: Sequence[str]) -> list[str]:
    """The words of a sweep's argument list; ``words`` fills them in the same order."""
    names = ["x", "y", "pad", "batch", "xb", "yb", "xc", "yc", "inner_lo", "inner_hi", "segment", "segments", "inner"]
    for axis in range(axes):
        names += [f"n{axis}", f"i{axis}", f"e{axis}", f"x{axis}", f"y{axis}"]
    return [*names, *extra]


@dataclass(frozen=True, slots=True)
class AxisRun:
    """One axis of a sweep over a box: ``count`` outputs from ``first``, over an input axis of true size ``extent``."""

    window: Window
    first: int
    count: int
    extent: int

    @property
    def origin(self) -> int:
        """The input coordinate of the first tap of the first output."""
        return self.window.needs(self.first, self.first + 1)[0]

    @property
    def interior(self) -> tuple[int, int]:
        """The run of outputs, counted from ``first``, whose taps all lie inside the signal."""
        lo, hi = (end - self.first for end in self.window.inside(self.extent))
        lo = max(0, lo)
        return lo, max(lo, min(hi, self.count))


#: Rows are cut into segments when there would be fewer units of work than this.
ENOUGH_UNITS = 64


def segments(rows: int, count: int, pixels: int, row_bytes: int = 0, room: int = 1) -> int:
    """The length of the segments in which so many rows of ``count`` outputs are swept, in whole tiles of ``pixels``.

    Where blocks of channels share a segment one after another, its ``row_bytes`` of input stay in a cache of this ``room``.
    """
    pieces = max(1, min(ceil_div(ENOUGH_UNITS, max(1, rows)), ceil_div(count, 4 * pixels)))
    pieces = max(pieces, min(row_bytes // room, ceil_div(count, 2 * pixels)))
    return max(1, ceil_div(ceil_div(count, pieces), pixels) * pixels)


def strips(e: Emitter, count: Value, shape: Shape) -> Value:
    """How many strips of ``shape.rows`` rows so many output rows make; ``strip_count`` is the same outside of kernels."""
    each = e.ceil_div(e.ceil_div(count, shape.apart), shape.rows)
    return e.mul(each, shape.apart)


def strip_count(count: int, rows: int, dilation: int) -> int:
    """How many strips so many output rows make: each of ``rows`` rows that lie as far apart as taps do."""
    return count if rows == 1 else dilation * ceil_div(ceil_div(count, dilation), rows)


@dataclass
class Tile:
    """A tile being emitted: ``pixels`` outputs of a row from ``start``, the input row they begin in, and their number."""

    start: Value  # index of the first pixel in the row
    column: Value  # input coordinate of its first tap
    count: Value | None  # how many pixels are real, for an edge tile; None for a full, interior one


class Sweep:
    """Emits the skeleton of one windowed kernel; the codelet provides what happens in a tile."""

    def __init__(self, e: Emitter, shape: Shape, element: ir.Type, blocks: int, extra: Sequence[str]) -> None:
        self.e, self.shape, self.element, self.blocks = e, shape, element, blocks
        pointer, self.first, self.last = e.function.args
        self.args = Arguments(e, pointer, argument_names(shape.axes, extra))
        a = self.args
        self.x, self.y, self.pad = a.pointer("x"), a.pointer("y"), a.pointer("pad")
        self.batch, self.batch_x, self.batch_y = a.number("batch"), a.number("xb"), a.number("yb")
        self.channel_x, self.channel_y, self.inner = a.number("xc"), a.number("yc"), a.number("inner")
        self.inner_lo, self.inner_hi = a.number("inner_lo"), a.number("inner_hi")
        self.segment, self.segments = a.number("segment"), a.number("segments")
        axes = range(shape.axes)
        self.counts, self.origins, self.extents, self.steps_x, self.steps_y = (
            [a.number(f"{kind}{axis}") for axis in axes] for kind in "niexy"
        )

    def emit(self, tile: Callable[[Tile, Unit], None]) -> None:
        """The whole kernel: units, rows, and the tiles of a row in their two forms."""
        e = self.e
        with e.loop(self.first, self.last, carry=self._coordinates(self.first)) as units:
            units.next = self._following(units.values)
            unit = self._unit(units.values)
            lo = e.mul(unit.segment, self.segment)
            hi = e.min(e.add(lo, self.segment), self.counts[-1])
            inner_hi = e.min(self.inner_hi, hi)
            with e.loop(lo, hi, self.shape.pixels) as row:
                column = e.add(e.mul(row.index, self.shape.strides[-1]), self.origins[-1])
                inside = e.b.and_(
                    e.b.icmp_signed(">=", row.index, self.inner_lo),
                    e.b.icmp_signed("<=", e.add(row.index, self.shape.pixels), inner_hi),
                )
                with e.choose(inside) as (full, edge):
                    with full:
                        tile(Tile(row.index, column, None), unit)
                    with edge:
                        tile(Tile(row.index, column, e.min(e.sub(hi, row.index), self.shape.pixels)), unit)
        e.end()

    def _sizes(self) -> list[Count]:
        """The coordinates of units in order: how many each has, the first free; the innermost is last."""
        outer: list[Count] = list(self.counts[:-1])
        if self.shape.rows > 1:
            outer[-1] = strips(self.e, outer[-1], self.shape)
        blocks: list[Count] = [] if self.blocks == 1 else [self.inner]
        return [0, self.batch, *outer, self.segments, *blocks]

    def _coordinates(self, index: Value) -> list[Value]:
        return self.e.split(index, self._sizes()[0 if self.blocks > 1 else 1 :])

    def _following(self, coordinates: list[Value]) -> list[Value]:
        """The coordinates of the next unit, without a division: one that is full goes back to zero and moves the next."""
        e, found, carry = self.e, [], self.e.i64(1)
        sizes = self._sizes()[-len(coordinates) :]
        for place, size in zip(reversed(coordinates[1:]), reversed(sizes[1:]), strict=True):
            moved = e.add(place, carry)
            full = e.b.icmp_signed("==", moved, e.i64(size))
            found.append(e.b.select(full, e.i64(0), moved))
            carry = e.b.zext(full, I64)
        return [e.add(coordinates[0], carry), *reversed(found)]

    def _unit(self, coordinates: list[Value]) -> Unit:
        e, shape, rows = self.e, self.shape, self.shape.rows
        if self.blocks == 1:
            block = e.i64(0)
            batch, *places, segment = coordinates
        else:
            many, batch, *places, segment, few = coordinates
            block = e.add(e.mul(many, self.inner), few)
        x = e.at(self.x, e.mul(batch, self.batch_x), self.element)
        real = e.i64(1)
        if rows > 1:
            strip, phase = e.split(places[-1], [0, shape.apart]) if shape.apart > 1 else (places[-1], 0)
            places = [*places[:-1], e.add(e.mul(strip, rows * shape.apart), phase)]
            left = e.max(e.sub(self.counts[-2], places[-1]), 0)
            real = e.min(e.ceil_div(left, shape.apart), rows)
        bounds = []
        for axis, place in enumerate(places):
            origin = e.add(e.mul(place, shape.strides[axis]), self.origins[axis])
            bounds.append((origin, *self.tap_bounds(axis, origin)))
        return Unit(block, batch, places, segment, x, bounds, real)

    def tap_bounds(self, axis: int, origin: Value) -> tuple[Value, Value]:
        """The taps of an output of this origin on one axis that lie inside the signal, ``[lo, hi)``."""
        e, dilation, kernel = self.e, self.shape.dilations[axis], self.shape.kernel[axis]
        zero = e.i64(0)
        lo = e.ceil_div(e.max(e.sub(zero, origin), 0), dilation)
        hi = e.ceil_div(e.max(e.sub(self.extents[axis], origin), 0), dilation)
        return lo, e.min(hi, kernel)

    def taps(self, unit: Unit, weights: Value | None, weight_row: int, accumulators: list[Value], row: Row) -> list[Value]:
        """Nest the loops over the taps of the outer axes around ``row``, which takes (input row, weight row, accumulators).

        ``weight_row`` is the number of weights that the taps of one row take.
        """
        return self._nest(0, unit, unit.x, weights, weight_row, accumulators, row)

    def strip_taps(self, unit: Unit, weights: Value, weight_row: int, accumulators: list[Value], row: StripRow) -> list[Value]:
        """The same for units of several rows: ``row`` takes (input row, [(output row, its weight row)], accumulators).

        An input row is walked once and feeds every output row of the unit that has a tap on it; each output still meets its
        taps in order. Which output rows those are changes with the first and the last input rows only: between them one loop
        does.
        """
        rows = self.shape.rows
        if rows == 1:
            return self.taps(unit, weights, weight_row, accumulators, lambda x, w, acc: row(x, [(0, w)], acc))
        e, kernel, stride, apart = self.e, self.shape.kernel[-2], self.shape.strides[-2], self.shape.apart
        ends = sorted({first + r * stride for r in range(rows) for first in (0, kernel)})

        def plane(x: Value, w: Value | None, acc: list[Value]) -> list[Value]:
            origin, low, _ = unit.bounds[-1]
            high = e.ceil_div(e.max(e.sub(self.extents[-2], origin), 0), apart)
            high = e.min(high, e.add(e.mul(unit.rows, stride), kernel - stride))
            step = e.mul(self.steps_x[-2], apart)
            x = e.at(x, e.mul(origin, self.steps_x[-2]), self.element)
            for first, last in pairwise(ends):
                feeds = [r for r in range(rows) if r * stride <= first and last - 1 - r * stride < kernel]
                if not feeds:
                    continue
                if last == first + 1:
                    inside = e.b.and_(e.b.icmp_signed("<=", low, e.i64(first)), e.b.icmp_signed(">", high, e.i64(first)))
                    turns, index = e.unless_empty(inside, acc), first
                else:
                    turns, index = e.loop(e.max(low, first), e.min(high, last), carry=acc), None
                with turns as turn:
                    at = turn.index if index is None else index
                    feed = [(r, e.at(w, e.mul(e.sub(at, r * stride), weight_row), self.element)) for r in feeds]
                    turn.next = row(e.at(x, e.mul(step, at), self.element), feed, turn.values)
                acc = turn.results
            return acc

        return self._nest(0, unit, unit.x, weights, weight_row, accumulators, plane, self.shape.axes - 2)

    def _nest(
        self,
        axis: int,
        unit: Unit,
        x: Value,
        w: Value | None,
        weight_row: int,
        accumulators: list[Value],
        row: Row,
        until: int | None = None,
    ) -> list[Value]:
        if axis == (self.shape.axes - 1 if until is None else until):
            return row(x, w, accumulators)
        e = self.e
        origin, lo, hi = unit.bounds[axis]
        span = weight_row
        for taps in self.shape.kernel[axis + 1 : -1]:
            span *= taps
        with e.loop(lo, hi, carry=accumulators) as loop:
            place = e.add(e.mul(loop.index, self.shape.dilations[axis]), origin)
            x_row = e.at(x, e.mul(place, self.steps_x[axis]), self.element)
            w_row = None if w is None else e.at(w, e.mul(loop.index, span), self.element)
            loop.next = self._nest(axis + 1, unit, x_row, w_row, weight_row, loop.values, row, until)
        return loop.results

    def pixel_pointers(self, tile: Tile, row: Value, tap: Count, channel: Count) -> list[Value]:
        """Where each pixel of an edge tile reads its tap: the signal, or the row of padding."""
        e, pointers = self.e, []
        assert tile.count is not None
        for pixel in range(self.shape.pixels):
            shift = e.add(e.mul(tap, self.shape.dilations[-1]), pixel * self.shape.strides[-1])
            column = e.add(tile.column, shift)
            valid = e.b.icmp_unsigned("<", column, self.extents[-1])
            if pixel:
                valid = e.b.and_(valid, e.less(pixel, tile.count))
            offset = e.add(e.mul(column, self.shape.pitch), channel)
            pointers.append(e.b.select(valid, e.at(row, offset, self.element), self.pad))
        return pointers

    def limit(self, tile: Tile) -> Value:
        """The column behind the last one that an edge tile may read: of the signal, and of its last pixel's taps."""
        e, shape = self.e, self.shape
        assert tile.count is not None
        reach = (shape.kernel[-1] - 1) * shape.dilations[-1] + 1
        last = e.add(tile.column, e.mul(e.sub(tile.count, 1), shape.strides[-1]))
        return e.max(e.min(e.add(last, reach), self.extents[-1]), 0)

    @property
    def skips(self) -> bool:
        """Whether taps of the row axis that only meet padding are skipped: worth it where dilation puts taps far apart.

        A skipped tap may leave a zero with another sign than one that was multiplied, so such kernels ``settle`` theirs.
        """
        return self.shape.dilations[-1] >= FAR and self.shape.kernel[-1] > 1

    def row_taps(self, tile: Tile) -> tuple[Count, Count]:
        """The taps ``[lo, hi)`` of the row axis that meet the signal in some pixel of a tile."""
        if tile.count is None or not self.skips:
            return 0, self.shape.kernel[-1]
        last = self.e.add(tile.column, self.e.mul(self.e.sub(tile.count, 1), self.shape.strides[-1]))
        return self.tap_bounds(-1, last)[0], self.tap_bounds(-1, tile.column)[1]

    def settle(self, values: list[Value]) -> list[Value]:
        """Results with their zeros positive, where tiles may have skipped taps or not."""
        if not self.skips:
            return values
        return [self.e.b.fadd(value, ir.Constant(value.type, [0.0] * value.type.count)) for value in values]

    def row_masks(self, tile: Tile, shift: Value, pieces: Sequence[tuple[int, int]]) -> list[Value]:
        """For vectors of an edge tile's input row, the lanes inside the signal and not after what the tile's last pixel reads.

        ``pieces`` are (offset from what the first pixel reads, lanes); ``shift`` is the tap's distance from the first tap.
        """
        e = self.e
        assert tile.count is not None
        column = e.add(tile.column, shift)
        last = e.add(column, e.mul(e.sub(tile.count, 1), self.shape.strides[-1]))
        limit = e.b.trunc(e.max(e.min(e.add(last, 1), self.extents[-1]), 0), I32)
        column = e.b.trunc(column, I32)
        found = []
        for offset, n in pieces:
            lanes = ir.Constant(ir.VectorType(I32, n), [offset + lane for lane in range(n)])
            found.append(e.b.icmp_unsigned("<", e.b.add(e.splat(column, n), lanes), e.splat(limit, n)))
        return found

    def interior_pointer(self, tile: Tile, row: Value, channel: Count) -> Value:
        """Where an interior tile's first pixel reads its first tap; the others lie at fixed offsets (``interior_offset``)."""
        e = self.e
        return e.at(row, e.add(e.mul(tile.column, self.shape.pitch), channel), self.element)

    def interior_offset(self, pixel: int, tap: int) -> int:
        return (pixel * self.shape.strides[-1] + tap * self.shape.dilations[-1]) * self.shape.pitch

    def place(self, unit: Unit, base: Value, batch: Value, steps: Sequence[Value], tile: Tile, element: ir.Type) -> Value:
        """The address of the tile's first pixel in an array laid out over the output box."""
        e = self.e
        offset = e.add(e.mul(unit.batch, batch), e.mul(tile.start, steps[-1]))
        for place, step in zip(unit.places, steps[:-1], strict=True):
            offset = e.add(offset, e.mul(place, step))
        return e.at(base, offset, element)

    def below(self, place: Value, row: int, steps: Sequence[Value], element: ir.Type) -> Value:
        """The same place in another row of the unit."""
        return self.e.at(place, self.e.mul(steps[-2], row * self.shape.apart), element)

    def each_pixel(self, tile: Tile, write: Callable[[int], None]) -> None:
        """Write the pixels that are real."""
        for pixel in range(self.shape.pixels):
            if tile.count is None:
                write(pixel)
            else:
                with self.e.when(self.e.less(pixel, tile.count)):
                    write(pixel)


@dataclass
class Unit:
    """One unit of work, decoded: block, batch, output place on the outer axes, and the bounds of the outer taps."""

    block: Value
    batch: Value
    places: list[Value]
    segment: Value
    x: Value  # the virtual origin of the unit's input image
    bounds: list[tuple[Value, Value, Value]]  # per outer axis: input origin, first tap, last tap + 1
    rows: Value  # how many of the unit's rows are real


Row = Callable[[Value, Value | None, list[Value]], list[Value]]
StripRow = Callable[[Value, list[tuple[int, Value]], list[Value]], list[Value]]
