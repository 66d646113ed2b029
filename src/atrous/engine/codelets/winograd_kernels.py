"""The two kernels of ``winograd``: inputs to points, and products to outputs."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import product
from math import prod
from typing import Any

from llvmlite import ir

from atrous.engine.codelets.convolution import Convolution, Register
from atrous.engine.codelets.toomcook import transform
from atrous.engine.codelets.winograd import CHANNEL_UNROLL, Minimal
from atrous.engine.emit import ELEMENT, Arguments, Count, Emitter, Value
from atrous.engine.epilogue import finished
from atrous.engine.maths import operand
from atrous.geometry import ceil_div


def input_names(axes: int) -> list[str]:
    return ["x", "v", "pad", "xb", "tiles", "base", "room", "leap", "slab"] + [
        f"{word}{axis}" for axis in range(axes) for word in ("x", "e", "p", "f", "t")
    ]


def product_names(c: Convolution) -> list[str]:
    axes = range(len(c.kernel))
    own = [
        "v",
        "w",
        "b",
        "y",
        "yb",
        "tiles",
        "blocks",
        "base",
        "room",
        "leap",
        "slab",
        "inner",
        "groups",
        "planes",
        "plane",
        "extent",
        "origin",
    ]
    own += [f"{word}{axis}" for axis in axes for word in ("y", "l", "n", "f", "t")]
    for j in range(len(c.epilogue.operands)):
        own += [f"r{j}", f"r{j}b", *(f"r{j}.{axis}" for axis in axes)]
    return own


class _Vectors:
    """Transforms on vectors."""

    def __init__(self, e: Emitter, kind: ir.VectorType) -> None:
        self.e, self.kind = e, kind

    def _constant(self, number: Fraction) -> Value:
        one = ir.Constant(self.kind.element, float(number))
        return ir.Constant(self.kind, [one] * self.kind.count)

    def times(self, number: Fraction, value: Value) -> Value:
        return self.e.b.fmul(self._constant(number), value)

    def plus(self, number: Fraction, value: Value, rest: Value) -> Value:
        if abs(number) == 1:
            return self.e.b.fadd(rest, value) if number == 1 else self.e.b.fsub(rest, value)
        return self.e.fma(self._constant(number), value, rest)


def _along(m: Any, matrices: Sequence[Any], values: dict[tuple[int, ...], Value]) -> dict[tuple[int, ...], Value]:
    """A tile of values through one matrix for each axis, axis by axis."""
    for axis, matrix in enumerate(matrices):
        if len(matrix) == 1 and len(matrix[0]) == 1:
            continue
        rest = dict.fromkeys((*place[:axis], *place[axis + 1 :]) for place in values)
        made: dict[tuple[int, ...], Value] = {}
        for place in rest:
            line = [values[(*place[:axis], k, *place[axis:])] for k in range(len(matrix[0]))]
            for k, value in enumerate(transform(m, matrix, line)):
                made[(*place[:axis], k, *place[axis:])] = value
        values = made
    return values


class _Kernel:
    """What both kernels share."""

    def __init__(self, e: Emitter, spec: Minimal, names: Sequence[str]) -> None:
        self.e, self.spec, self.c = e, spec, spec.c
        self.axes = range(len(spec.c.kernel))
        self.lanes = e.target.lanes(spec.c.dtype)
        self.element = ELEMENT[spec.c.dtype]
        self.vector = ir.VectorType(self.element, self.lanes)
        self.pitch = spec.pitch(e.target)
        pointer, self.first, self.last = e.function.args
        self.args = Arguments(e, pointer, names)

    def start(self, axis: int, tile: Value) -> Value:
        """The first output of a tile of an axis."""
        e, m, d = self.e, self.spec.outputs[axis], self.c.dilations[axis]
        if d == 1 or m == 1:
            return e.mul(tile, m)
        q, r = e.split(tile, [0, d])
        return e.add(e.mul(q, m * d), r)

    def apart(self) -> Value:
        """How far the inputs of a tile at one point are from those at the next."""
        return self.e.mul(self.args.number("room"), self.pitch)

    def _all(self, real: Sequence[Sequence[Value]], place: tuple[int, ...]) -> Value:
        """Whether a place of a tile is real on every axis."""
        there = real[0][place[0]]
        for axis in self.axes[1:]:
            there = self.e.b.and_(there, real[axis][place[axis]])
        return there


def emit_inputs(e: Emitter, spec: Minimal) -> None:
    """The kernel that transforms inputs: a unit is a tile."""
    _Inputs(e, spec, input_names(len(spec.c.kernel))).emit()


class _Inputs(_Kernel):
    def emit(self) -> None:
        e, args, spec = self.e, self.args, self.spec
        sizes = [f.points for f in spec.filters]
        with e.loop(self.first, self.last) as units:
            number = e.add(units.index, args.number("base"))
            image, *tile = e.split(number, [0, *(args.number(f"t{axis}") for axis in self.axes)])
            starts, inside = [], ir.Constant(ir.IntType(1), 1)
            for axis in self.axes:
                at = e.sub(self.start(axis, e.add(tile[axis], args.number(f"f{axis}"))), args.number(f"p{axis}"))
                end = e.add(at, (sizes[axis] - 1) * self.c.dilations[axis])
                low, high = e.b.icmp_signed(">=", at, e.i64(0)), e.less(end, args.number(f"e{axis}"))
                inside = e.b.and_(inside, e.b.and_(low, high))
                starts.append(at)
            source = e.at(args.pointer("x"), e.mul(image, args.number("xb")), self.element)
            for axis in self.axes:
                source = e.at(source, e.mul(starts[axis], args.number(f"x{axis}")), self.element)
            plane, rest = e.split(units.index, [0, args.number("tiles")])
            block, place = e.split(rest, [0, spec.block])
            to = e.at(args.pointer("v"), e.mul(plane, args.number("slab")), self.element)
            to = e.at(to, e.add(e.mul(block, args.number("leap")), e.mul(place, self.lanes)), self.element)
            with e.choose(inside) as (interior, edge):
                with interior:
                    self._tile(source, to, None)
                with edge:
                    self._tile(source, to, starts)
        e.end()

    def _tile(self, source: Value, to: Value, starts: list[Value] | None) -> None:
        e, spec = self.e, self.spec
        sizes = [f.points for f in spec.filters]
        steps: list[Count] = [e.mul(self.args.number(f"x{axis}"), self.c.dilations[axis]) for axis in self.axes]
        steps[-1] = self.c.pitch * self.c.dilations[-1]
        real = None if starts is None else [self._real(axis, starts[axis], sizes[axis]) for axis in self.axes]
        pad = self.args.pointer("pad")
        with e.loop(0, self.c.channels, self.lanes, nonempty=True) as loop:
            here = e.at(source, loop.index, self.element)
            mask = None
            if self.c.channels % self.lanes:
                mask = e.first_lanes(e.sub(e.i64(self.c.channels), loop.index), self.lanes)
            values = {}
            for place in product(*map(range, sizes)):
                at = here
                for axis, k in enumerate(place):
                    at = e.at(at, e.mul(steps[axis], k), self.element)
                if real is not None:
                    at = e.b.select(self._all(real, place), at, pad)
                values[place] = e.load(at, self.vector) if mask is None else e.load_masked(at, self.vector, mask)
            made = _along(_Vectors(e, self.vector), [f.bt for f in spec.filters], values)
            there, apart = e.at(to, e.mul(loop.index, self.args.number("room")), self.element), self.apart()
            for place in product(*map(range, sizes)):
                e.store(made[place], there)
                there = e.at(there, apart, self.element)

    def _real(self, axis: int, start: Value, size: int) -> list[Value]:
        """Which inputs of a tile lie on the signal."""
        e, extent = self.e, self.args.number(f"e{axis}")
        places = [e.add(start, k * self.c.dilations[axis]) for k in range(size)]
        return [e.b.icmp_unsigned("<", place, extent) for place in places]


def emit_tiles(grid: int, e: Emitter, c: Convolution, register: Register) -> None:
    """The kernel of products for tiles of so many outputs."""
    emit_products(e, Minimal(c, grid, register))


def emit_products(e: Emitter, spec: Minimal) -> None:
    """The kernel that multiplies and transforms to outputs: a unit is a block of tiles and ``inner`` blocks of channels."""
    _Products(e, spec, product_names(spec.c)).emit()


class _Products(_Kernel):
    def emit(self) -> None:
        e, args, spec = self.e, self.args, self.spec
        self.width = spec.width(e.target)
        self.blocks = ceil_div(self.c.outputs, self.width)
        self.depth = ceil_div(self.c.channels, CHANNEL_UNROLL) * CHANNEL_UNROLL
        self.products = e.scratch(spec.points * spec.block * self.width, self.element)
        with e.loop(self.first, self.last) as units:
            outer, block, group = e.split(units.index, [0, args.number("blocks"), args.number("groups")])
            place = e.split(outer, [0, args.number("t0")]) if spec.summed else []
            taps = self._summed_taps(*place) if spec.summed else (e.i64(0), e.i64(1), e.i64(0))
            v = e.at(args.pointer("v"), e.mul(block, args.number("leap")), self.element)
            first = e.mul(group, args.number("inner"))
            with e.loop(first, e.min(e.add(first, args.number("inner")), self.blocks)) as outputs:
                self._multiply(v, taps, outputs.index)
                tile = e.add(e.mul(block, spec.block), args.number("base"))
                self._write(place, tile, e.mul(outputs.index, self.width))
        e.end()

    def _summed_taps(self, image: Value, output: Value) -> tuple[Value, Value, Value]:
        """The taps of the depth that meet the signal, and which of the transformed planes tap 0 would read."""
        e, args, c = self.e, self.args, self.c
        start = e.sub(e.mul(e.add(output, args.number("f0")), c.strides[0]), args.number("origin"))
        first = e.ceil_div(e.max(e.sub(e.i64(0), start), 0), c.dilations[0])
        last = e.ceil_div(e.max(e.sub(args.number("extent"), start), 0), c.dilations[0])
        plane = e.add(e.mul(image, args.number("planes")), e.sub(start, args.number("plane")))
        return e.min(first, c.kernel[0]), e.min(last, c.kernel[0]), plane

    def _multiply(self, v: Value, taps: tuple[Value, Value, Value], outputs: Value) -> None:
        """The products of a block at all points, with one block of output channels."""
        e, spec, pixels, vectors = self.e, self.spec, self.register.pixels, self.register.vectors
        depth, pieces = self.depth * self.width, prod(spec.pieces)
        weights = e.at(self.args.pointer("w"), e.mul(outputs, spec.points * spec.sums * depth), self.element)
        zero, (first, last, plane) = ir.Constant(self.vector, None), taps
        with e.loop(0, spec.points, nonempty=True) as point:
            at_point = e.at(weights, e.mul(point.index, spec.sums * depth), self.element)
            with e.loop(0, spec.register.rows, nonempty=True) as part:
                row = e.add(e.mul(point.index, spec.block), e.mul(part.index, pixels))
                line = e.at(v, e.mul(point.index, self.apart()), self.element)
                line = e.at(line, e.mul(part.index, pixels * self.lanes), self.element)
                with e.loop(first, last, carry=[zero] * (pixels * vectors), nonempty=not spec.summed) as tap:
                    read = e.add(plane, e.mul(tap.index, self.c.dilations[0])) if spec.summed else e.i64(0)
                    x = e.at(line, e.mul(read, self.args.number("slab")), self.element)
                    w = e.at(at_point, e.mul(tap.index, pieces * depth), self.element)
                    tap.next = self._pieces(x, w, tap.values)
                to = e.at(self.products, e.mul(row, self.width), self.element)
                for i, value in enumerate(tap.results):
                    e.store(value, e.at(to, i * self.lanes, self.element))

    def _pieces(self, x: Value, w: Value, start: list[Value]) -> list[Value]:
        """A register tile of products with all pieces of the taps of one plane more: each reads tiles farther on."""
        e, spec = self.e, self.spec
        if prod(spec.pieces) == 1:
            return self._sum(x, w, start)
        own = range(spec.summed, len(spec.pieces))
        with e.loop(0, prod(spec.pieces), carry=start, nonempty=True) as piece:
            shift: Count = 0
            for axis, number in zip(own, e.split(piece.index, [spec.pieces[axis] for axis in own]), strict=True):
                shift = e.add(e.mul(shift, self.args.number(f"t{axis}")), e.mul(number, self.c.dilations[axis]))
            here = e.at(x, e.mul(shift, self.lanes), self.element)
            piece.next = self._sum(here, e.at(w, e.mul(piece.index, self.depth * self.width), self.element), piece.values)
        return piece.results

    def _sum(self, x: Value, w: Value, start: list[Value]) -> list[Value]:
        """A register tile of products with all channels of one plane and piece more."""
        e, lanes = self.e, self.lanes
        with e.loop(0, self.depth, lanes, carry=start, nonempty=True) as group:
            xs, ws = e.at(x, e.mul(group.index, self.args.number("room")), self.element), e.mul(group.index, self.width)
            count = e.min(e.sub(e.i64(self.depth), group.index), lanes)
            with e.loop(0, count, CHANNEL_UNROLL, carry=group.values, nonempty=True) as turn:
                at = e.at(w, e.add(ws, e.mul(turn.index, self.width)), self.element)
                turn.next = self._turn(e.at(xs, turn.index, self.element), at, turn.values)
            group.next = turn.results
        return group.results

    def _turn(self, x: Value, w: Value, start: list[Value]) -> list[Value]:
        """A register tile of products with a few channels more."""
        e, pixels, vectors, acc = self.e, self.register.pixels, self.register.vectors, list(start)
        for k in range(CHANNEL_UNROLL):
            places = [k * self.width + u * self.lanes for u in range(vectors)]
            line = [e.load(e.at(w, place, self.element), self.vector) for place in places]
            for i in range(pixels):
                value = e.splat(e.load(e.at(x, i * self.lanes + k, self.element), self.element), self.lanes)
                for u in range(vectors):
                    acc[i * vectors + u] = e.fma(value, line[u], acc[i * vectors + u])
        return acc

    @property
    def register(self) -> Register:
        return self.spec.register

    def _write(self, outer: Sequence[Value], first: Value, channel: Value) -> None:
        """The outputs of a block's tiles, for one block of channels; ``outer`` is the image and place of a summed axis."""
        e, args, spec = self.e, self.args, self.spec
        count = e.min(e.i64(spec.block), e.sub(args.number("tiles"), first))
        with e.loop(0, count) as tiles:
            own = self.axes[2:] if spec.summed else self.axes
            split = e.split(e.add(first, tiles.index), [0, *(args.number(f"t{axis}") for axis in own)])
            image, *tile = [*outer, *split]
            inside, starts = ir.Constant(ir.IntType(1), 1), []
            for axis in self.axes:
                at = self.start(axis, e.add(tile[axis], args.number(f"f{axis}")))
                end = e.add(at, (spec.outputs[axis] - 1) * self.c.dilations[axis])
                whole = e.b.and_(e.b.icmp_signed(">=", at, args.number(f"l{axis}")), e.less(end, args.number(f"n{axis}")))
                inside = e.b.and_(inside, whole)
                starts.append(at)
            if self.c.outputs % self.width:
                inside = e.b.and_(inside, e.b.icmp_signed("<=", e.add(channel, self.width), e.i64(self.c.outputs)))
            m = e.at(self.products, e.mul(tiles.index, self.width), self.element)
            with e.choose(inside) as (interior, edge):
                with interior:
                    self._outputs(m, image, starts, channel, False)
                with edge:
                    self._outputs(m, image, starts, channel, True)

    def _outputs(self, m: Value, image: Value, starts: list[Value], channel: Value, edge: bool) -> None:
        """The outputs of one tile; at an edge, each is stored only if it is asked for."""
        e, spec = self.e, self.spec
        places = self._places(image, starts, channel)
        real = [self._wanted(axis, starts[axis]) for axis in self.axes] if edge else None
        with e.loop(0, self.width, self.lanes, nonempty=True) as vectors:
            first = vectors.index
            bias = e.load(e.at(e.at(self.args.pointer("b"), channel, self.element), first, self.element), self.vector)
            here = e.at(m, first, self.element)
            values = {
                place: e.load(e.at(here, number * spec.block * self.width, self.element), self.vector)
                for number, place in enumerate(product(*(range(f.points) for f in spec.filters)))
            }
            made = _along(_Vectors(e, self.vector), [f.at for f in spec.filters], values)
            lanes = e.first_lanes(e.sub(e.i64(self.c.outputs), e.add(channel, first)), self.lanes) if edge else None
            for place, value in made.items():
                mask = None if real is None else e.b.and_(lanes, e.splat(self._all(real, place), self.lanes))
                self._store(places, place, first, e.b.fadd(value, bias), mask)

    def _places(self, image: Value, starts: list[Value], channel: Value) -> list[tuple[str, Value, str]]:
        """Where a tile begins, in the output and in the operands of the epilogue: what steps there are named, and the type."""
        epilogue = self.c.epilogue
        found = []
        for name, dtype in [("y", epilogue.stored), *((f"r{j}", a.dtype) for j, a in enumerate(epilogue.operands))]:
            e, kind, prefix = self.e, ELEMENT[dtype], "y" if name == "y" else f"{name}."
            at = e.at(self.args.pointer(name), e.add(e.mul(image, self.args.number(f"{name}b")), channel), kind)
            for axis in self.axes:
                at = e.at(at, e.mul(starts[axis], self.args.number(f"{prefix}{axis}")), kind)
            found.append((prefix, at, dtype))
        return found

    def _store(
        self, places: Sequence[tuple[str, Value, str]], place: tuple[int, ...], first: Value, value: Value, mask: Value | None
    ) -> None:
        """One vector of an output, from channel ``first`` of the block on, after the epilogue."""
        e, ((prefix, y, stored), *operands) = self.e, places
        extra = []
        for step, start, dtype in operands:
            at, kind = (
                e.at(self._step(step, start, place, dtype), first, ELEMENT[dtype]),
                ir.VectorType(ELEMENT[dtype], self.lanes),
            )
            extra.append(operand(e, e.load(at, kind) if mask is None else e.load_masked(at, kind, mask), dtype))
        result = finished(e, self.c.epilogue, value, self.c.dtype, extra)
        to = e.at(self._step(prefix, y, place, stored), first, ELEMENT[stored])
        if mask is None:
            e.store(result, to)
        else:
            e.store_masked(result, to, mask)

    def _step(self, prefix: str, pointer: Value, place: tuple[int, ...], dtype: str) -> Value:
        """An output of a tile from its first one on."""
        e = self.e
        for axis, k in enumerate(place):
            if k:
                step = e.mul(self.args.number(f"{prefix}{axis}"), k * self.c.dilations[axis])
                pointer = e.at(pointer, step, ELEMENT[dtype])
        return pointer

    def _wanted(self, axis: int, start: Value) -> list[Value]:
        """Which outputs of a tile are asked for."""
        e, found = self.e, []
        low, high = self.args.number(f"l{axis}"), self.args.number(f"n{axis}")
        for k in range(self.spec.outputs[axis]):
            at = e.add(start, k * self.c.dilations[axis])
            found.append(e.b.and_(e.b.icmp_signed(">=", at, low), e.less(at, high)))
        return found
