"""Pooling, lanes on channels: each column of a tile is combined once, then columns make windows.

Windows of neighbouring pixels share columns of the input. A tile first combines every column it needs over the taps of the
outer axes, then the columns of each window in the order of the taps: this order is that of every output element, at borders
too. The skeleton and the borders are those of ``sweep``.
"""

from __future__ import annotations

from llvmlite import ir

from atrous.engine.codelets.channelwise import Channelwise, window_blocks
from atrous.engine.codelets.convolution import Register
from atrous.engine.emit import ELEMENT, Emitter, Value
from atrous.engine.epilogue import Writer
from atrous.engine.sweep import Shape, Sweep, Tile, Unit
from atrous.geometry import ceil_div
from atrous.target import Target


def applies(c: Channelwise) -> bool:
    """Whether this is the kernel: windows without weights, whose columns are few enough for the registers."""
    return "w" not in c.rule.words and c.kernel[-1] <= 7


def tiles(c: Channelwise, target: Target) -> tuple[Register, ...]:
    """Register tiles whose columns fit the registers."""
    lanes = target.lanes(c.dtype)
    found = []
    for vectors in (4, 2, 1):
        if vectors > 1 and c.channels % (vectors * lanes):
            continue
        for pixels in (8, 4, 2, 1):
            if len(columns(c, pixels)) * vectors + 2 <= target.vector_registers or (pixels, vectors) == (1, 1):
                found.append(Register(pixels, vectors))
    return tuple(found)


def cost(c: Channelwise, register: Register, row: int) -> float:
    """Relative cost of a row, for each vector of channels: columns combined, and a start for each tile."""
    rows = ceil_div(row, register.pixels)
    return rows * (len(columns(c, register.pixels)) + 1 + 4 / register.vectors) / row


def columns(c: Channelwise, pixels: int) -> dict[int, int]:
    """The input columns of a tile, counted from its first, and their places in the list of accumulators."""
    found = {pixel * c.strides[-1] + tap * c.dilations[-1] for pixel in range(pixels) for tap in range(c.kernel[-1])}
    return {column: place for place, column in enumerate(sorted(found))}


def emit(e: Emitter, c: Channelwise, register: Register) -> None:
    _Pool(e, c, register).emit()


class _Pool:
    def __init__(self, e: Emitter, c: Channelwise, register: Register) -> None:
        self.e, self.c, self.register = e, c, register
        self.lanes = e.target.lanes(c.dtype)
        self.element = ELEMENT[c.dtype]
        self.vector = ir.VectorType(self.element, self.lanes)
        self.columns = columns(c, register.pixels)
        shape = Shape(c.kernel, c.strides, c.dilations, c.pitch, register.pixels)
        extra = [*c.rule.words, *c.epilogue.names(shape.axes)]
        self.sweep = Sweep(e, shape, self.element, window_blocks(c, register, e.target), extra)

    def emit(self) -> None:
        self.sweep.emit(self._tile)

    def _tile(self, tile: Tile, unit: Unit) -> None:
        e, c, vectors = self.e, self.c, self.register.vectors
        channel = e.mul(unit.block, vectors * self.lanes)
        start = c.rule.start(e, self.vector)
        masks = self._masks(channel)
        found = self.sweep.taps(
            unit, None, 0, [start] * (len(self.columns) * vectors), lambda x, _, acc: self._row(tile, x, channel, masks, acc)
        )
        writer = Writer(self.sweep, unit, tile, c.epilogue, c.dtype, channel)

        def write(pixel: int) -> None:
            for v in range(vectors):
                value = self._window(found, pixel, v)
                value = c.rule.finish(self.sweep, unit, tile, pixel, value)
                writer.write(pixel, v * self.lanes, value, masks[v])

        self.sweep.each_pixel(tile, write)

    def _window(self, found: list[Value], pixel: int, v: int) -> Value:
        """The columns of a pixel's window as one."""
        first = pixel * self.c.strides[-1]
        places = [self.columns[first + tap * self.c.dilations[-1]] for tap in range(self.c.kernel[-1])]
        total, *others = [found[place * self.register.vectors + v] for place in places]
        for other in others:
            total = self.c.rule.combine(self.e, total, other)
        return total

    def _masks(self, channel: Value) -> list[Value | None]:
        vectors = self.register.vectors
        if self.c.channels % (vectors * self.lanes) == 0:
            return [None] * vectors
        rest = self.e.sub(self.e.i64(self.c.channels), channel)
        return [self.e.first_lanes(self.e.sub(rest, v * self.lanes), self.lanes) for v in range(vectors)]

    def _row(self, tile: Tile, x: Value, channel: Value, masks: list[Value | None], acc: list[Value]) -> list[Value]:
        """Every column with one more row of the input."""
        e, vectors, acc = self.e, self.register.vectors, list(acc)
        start = self.sweep.interior_pointer(tile, x, channel)
        for column, place in self.columns.items():
            pointer = e.at(start, column * self.c.pitch, self.element)
            if tile.count is not None:
                pointer = self._checked(tile, x, channel, column)
            for v in range(vectors):
                at, mask = e.at(pointer, v * self.lanes, self.element), masks[v]
                value = e.load(at, self.vector) if mask is None else e.load_masked(at, self.vector, mask)
                slot = place * vectors + v
                acc[slot] = self.c.rule.combine(e, acc[slot], value)
        return acc

    def _checked(self, tile: Tile, x: Value, channel: Value, column: int) -> Value:
        """Where an edge tile reads a column: the signal, or the row of padding; what no real pixel needs may not be there."""
        e, sweep, c = self.e, self.sweep, self.c
        at = e.add(tile.column, column)
        inside = e.b.icmp_unsigned("<", at, sweep.extents[-1])
        taps = range(c.kernel[-1])
        first = min(p for p in range(self.register.pixels) if column - p * c.strides[-1] in [t * c.dilations[-1] for t in taps])
        if first:
            inside = e.b.and_(inside, e.less(first, tile.count))
        return e.b.select(inside, e.at(x, e.add(e.mul(at, c.pitch), channel), self.element), sweep.pad)
