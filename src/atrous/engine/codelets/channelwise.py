"""Windows that keep channels apart, without weights, lanes on channels: pooling.

Input and output have channels as neighbours, so a tap is one vector load of the input for each pixel. What happens to it is
the *rule*: maximum, or sum.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field

from llvmlite import ir

from atrous.engine.codelets.convolution import Register
from atrous.engine.emit import ELEMENT, Emitter, Value
from atrous.engine.epilogue import Epilogue, Writer
from atrous.engine.maths import Num, VectorMaths, constant
from atrous.engine.sweep import Shape, Sweep, Tile, Unit, argument_names
from atrous.engine.view import Layout
from atrous.geometry import ceil_div
from atrous.target import Target

#: The layout that is read, and the one that is written.
READS = WRITES = Layout.CHANNELS
#: Taps of a row that are written out; longer rows of taps go into a loop.
UNROLLED = 9


class Rule(ABC):
    """How the taps of one window become one output."""

    #: Words that the rule adds to the argument list.
    words: tuple[str, ...] = ()

    @abstractmethod
    def start(self, e: Emitter, kind: ir.VectorType) -> Value:
        """The accumulator before the first tap."""

    @abstractmethod
    def combine(self, e: Emitter, accumulator: Value, x: Value) -> Value:
        """The accumulator after one more tap."""

    def finish(self, sweep: Sweep, unit: Unit, tile: Tile, pixel: int, value: Value) -> Value:
        """The output from the last accumulator."""
        return value


@dataclass(frozen=True, slots=True)
class Largest(Rule):
    """Max-pooling; its padding is minus infinity, and NaN wins."""

    def start(self, e: Emitter, kind: ir.VectorType) -> Value:
        return constant(kind, float("-inf"))

    def combine(self, e: Emitter, accumulator: Value, x: Value) -> Value:
        return VectorMaths(e).maximum(Num(e, accumulator), Num(e, x)).value


@dataclass(frozen=True, slots=True)
class Total(Rule):
    """The sum over the window."""

    def start(self, e: Emitter, kind: ir.VectorType) -> Value:
        return constant(kind, 0.0)

    def combine(self, e: Emitter, accumulator: Value, x: Value) -> Value:
        return e.b.fadd(accumulator, x)


@dataclass(frozen=True, slots=True)
class Average(Rule):
    """Average pooling: the sum over the window, divided by how many taps count, a product of one table for each axis."""

    axes: int

    @property
    def words(self) -> tuple[str, ...]:  # type: ignore[override]
        return tuple(f"c{axis}" for axis in range(self.axes))

    def start(self, e: Emitter, kind: ir.VectorType) -> Value:
        return constant(kind, 0.0)

    def combine(self, e: Emitter, accumulator: Value, x: Value) -> Value:
        return e.b.fadd(accumulator, x)

    def finish(self, sweep: Sweep, unit: Unit, tile: Tile, pixel: int, value: Value) -> Value:
        e, element = sweep.e, value.type.element
        counts = None
        for axis, place in enumerate([*unit.places, e.add(tile.start, pixel)]):
            count = e.load(e.at(sweep.args.pointer(f"c{axis}"), place, element), element)
            counts = count if counts is None else e.b.fmul(counts, count)
        return e.b.fdiv(value, e.splat(counts, value.type.count))


@dataclass(frozen=True, slots=True)
class Channelwise:
    """A window over each channel by itself, without the signal's size."""

    dtype: str
    channels: int
    kernel: tuple[int, ...]
    strides: tuple[int, ...]
    dilations: tuple[int, ...]
    pitch: int
    rule: Rule
    epilogue: Epilogue = field(default_factory=Epilogue)


def tiles(channels: int, lanes: int, target: Target) -> tuple[Register, ...]:
    """Register tiles for windows over these channels: a block is whole where the channels allow it."""
    vectors = 2 if channels % (2 * lanes) == 0 else 1
    most = (target.vector_registers - 2) // (2 * vectors)
    return tuple(Register(pixels, vectors) for pixels in (14, 7, 4, 1) if pixels <= most)


def tile_cost(register: Register, row: int) -> float:
    """Relative cost of a row: pixels computed, and a start for each tile."""
    return ceil_div(row, register.pixels) * (register.pixels + 2) / row


def window_names(c: Channelwise) -> list[str]:
    return argument_names(len(c.kernel), [*c.rule.words, *c.epilogue.names(len(c.kernel))])


def window_blocks(c: Channelwise, register: Register, target: Target) -> int:
    return ceil_div(c.channels, register.vectors * target.lanes(c.dtype))


def emit_window(e: Emitter, c: Channelwise, register: Register) -> None:
    _Channelwise(e, c, register).emit()


class _Channelwise:
    def __init__(self, e: Emitter, c: Channelwise, register: Register) -> None:
        self.e, self.c, self.register = e, c, register
        self.lanes = e.target.lanes(c.dtype)
        self.width = register.vectors * self.lanes
        self.element = ELEMENT[c.dtype]
        self.vector = ir.VectorType(self.element, self.lanes)
        shape = Shape(c.kernel, c.strides, c.dilations, c.pitch, register.pixels)
        extra = [*c.rule.words, *c.epilogue.names(shape.axes)]
        blocks = window_blocks(c, register, e.target)
        self.sweep = Sweep(e, shape, self.element, blocks, extra)

    def emit(self) -> None:
        self.sweep.emit(self.tile)

    def tile(self, tile: Tile, unit: Unit) -> None:
        e, c, sweep, vectors = self.e, self.c, self.sweep, self.register.vectors
        channel = e.mul(unit.block, self.width)
        starts = [c.rule.start(e, self.vector)] * vectors
        masks = self.masks(channel)
        results = sweep.taps(
            unit,
            None,
            0,
            starts * self.register.pixels,
            lambda x, _, acc: self.row(tile, x, channel, masks, acc),
        )
        writer = Writer(sweep, unit, tile, c.epilogue, c.dtype, channel)

        def write(pixel: int) -> None:
            for v in range(vectors):
                value = c.rule.finish(sweep, unit, tile, pixel, results[pixel * vectors + v])
                writer.write(pixel, v * self.lanes, value, masks[v])

        sweep.each_pixel(tile, write)

    def masks(self, channel: Value) -> list[Value | None]:
        if self.c.channels % self.width == 0:
            return [None] * self.register.vectors
        rest = self.e.sub(self.e.i64(self.c.channels), channel)
        return [self.e.first_lanes(self.e.sub(rest, v * self.lanes), self.lanes) for v in range(self.register.vectors)]

    def row(self, tile: Tile, x: Value, channel: Value, masks: list[Value | None], acc: list[Value]) -> list[Value]:
        e, taps = self.e, self.c.kernel[-1]
        if taps <= UNROLLED:
            for tap in range(taps):
                acc = self.tap(tile, x, channel, masks, acc, tap)
            return acc
        with e.loop(0, taps, carry=acc, nonempty=True) as loop:
            loop.next = self.tap(tile, x, channel, masks, loop.values, loop.index)
        return loop.results

    def tap(
        self,
        tile: Tile,
        x: Value,
        channel: Value,
        masks: list[Value | None],
        acc: list[Value],
        tap: int | Value,
    ) -> list[Value]:
        e, sweep, vectors, acc = self.e, self.sweep, self.register.vectors, list(acc)
        if tile.count is not None:
            pointers = sweep.pixel_pointers(tile, x, tap, channel)
        else:
            start = sweep.interior_pointer(tile, x, channel)
            shift = e.mul(tap, sweep.interior_offset(0, 1))
            start = e.at(start, shift, self.element)
            pointers = [e.at(start, sweep.interior_offset(pixel, 0), self.element) for pixel in range(self.register.pixels)]
        for v in range(vectors):
            for pixel, pointer in enumerate(pointers):
                place = e.at(pointer, v * self.lanes, self.element)
                mask = masks[v]
                value = e.load(place, self.vector) if mask is None else e.load_masked(place, self.vector, mask)
                slot = pixel * vectors + v
                acc[slot] = self.c.rule.combine(e, acc[slot], value)
        return acc
