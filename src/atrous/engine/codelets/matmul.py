"""Products of two matrices that both vary: tiles of rows by vectors of columns in registers, one chain of multiply-adds each.

An element is the sum over the depth in order, from 0 on, whatever the tile: rows that a tile has too many are those of the last
row again, columns too many are masked off.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from llvmlite import ir

from atrous.engine.codelets.convolution import Register
from atrous.engine.codelets.grid import Axes
from atrous.engine.emit import ELEMENT, Arguments, Emitter, Value
from atrous.engine.maths import constant
from atrous.geometry import ceil_div
from atrous.target import Target

#: Batch axes, after merging.
OUTER = 4


@dataclass(frozen=True, slots=True)
class Product:
    """Matrices of one type; the columns of the right one and of the result are neighbours. The tile's pixels are rows."""

    dtype: str
    register: Register


def tile(rows: int, columns: int, dtype: str, target: Target) -> Register:
    """The register tile for results of this size."""
    wide = target.vector_registers >= 32
    vectors = min(3 if wide else 2, ceil_div(columns, target.lanes(dtype)))
    most = (target.vector_registers - 1 - vectors) // vectors
    return Register(min(rows, most, 9 if wide else 6), vectors)


def names() -> list[str]:
    """The words: pointers; rows, columns, depth; strides of rows and along the depth; blocks; the batch axes."""
    own = ["x", "w", "y", "rows", "columns", "depth", "xr", "xd", "wd", "yr", "row_blocks", "column_blocks"]
    return own + [f"{kind}{axis}" for axis in range(OUTER) for kind in "dxwy"]


def words(
    own: Mapping[str, object], size: tuple[int, int], batch: Axes, spec: Product, target: Target
) -> tuple[dict[str, object], int]:
    """The blocks and batch axes of (result, left, right) beside the caller's ``own`` words, and the number of units."""
    row_blocks = ceil_div(size[0], spec.register.pixels)
    column_blocks = ceil_div(size[1], spec.register.vectors * target.lanes(spec.dtype))
    made = dict(own) | {"rows": size[0], "columns": size[1], "row_blocks": row_blocks, "column_blocks": column_blocks}
    units = row_blocks * column_blocks
    assert len(batch.sizes) <= OUTER, f"{len(batch.sizes)} batch axes after merging"
    lead = OUTER - len(batch.sizes)
    for number, count in enumerate([1] * lead + list(batch.sizes)):
        steps = [0, 0, 0] if number < lead else [array[number - lead] for array in batch.strides]
        made |= {f"{kind}{number}": step for kind, step in zip("ydxw", (steps[0], count, *steps[1:]), strict=True)}
        units *= count
    return made, units


def emit(e: Emitter, spec: Product) -> None:
    _Product(e, spec).emit()


class _Product:
    def __init__(self, e: Emitter, spec: Product) -> None:
        self.e, self.register, self.element = e, spec.register, ELEMENT[spec.dtype]
        self.lanes = e.target.lanes(spec.dtype)
        self.vector = ir.VectorType(self.element, self.lanes)
        pointer, self.first, self.last = e.function.args
        self.args = Arguments(e, pointer, names())

    def emit(self) -> None:
        e, args = self.e, self.args
        sizes = [args.number(f"d{axis}") for axis in range(OUTER)]
        with e.loop(self.first, self.last) as units:
            *places, column, row = e.split(units.index, [*sizes, args.number("column_blocks"), args.number("row_blocks")])
            bases = []
            for kind in "xwy":
                base = args.pointer(kind)
                for axis, place in enumerate(places):
                    base = e.at(base, e.mul(place, args.number(f"{kind}{axis}")), self.element)
                bases.append(base)
            first = e.mul(row, self.register.pixels)
            start = e.mul(column, self.register.vectors * self.lanes)
            left = e.sub(args.number("columns"), start)
            x, w, y = bases[0], e.at(bases[1], start, self.element), e.at(bases[2], start, self.element)
            with e.choose(e.less(left, self.register.vectors * self.lanes)) as (part, full):
                with part:
                    masks = [e.first_lanes(e.sub(left, v * self.lanes), self.lanes) for v in range(self.register.vectors)]
                    self._block(x, w, y, first, masks)
                with full:
                    self._block(x, w, y, first, [None] * self.register.vectors)
        e.end()

    def _block(self, x: Value, w: Value, y: Value, first: Value, masks: Sequence[Value | None]) -> None:
        e, args, vectors = self.e, self.args, self.register.vectors
        last = e.sub(args.number("rows"), 1)
        rows = [e.min(e.add(first, i), last) for i in range(self.register.pixels)]
        lefts = [e.at(x, e.mul(row, args.number("xr")), self.element) for row in rows]
        step_x, step_w = args.number("xd"), args.number("wd")
        zero = constant(self.vector, 0.0)
        with e.loop(0, args.number("depth"), carry=[zero] * (len(rows) * vectors)) as loop:
            line = e.at(w, e.mul(loop.index, step_w), self.element)
            at = e.mul(loop.index, step_x)
            columns = [self._load(e.at(line, v * self.lanes, self.element), masks[v]) for v in range(vectors)]
            for i, start in enumerate(lefts):
                value = e.splat(e.load(e.at(start, at, self.element), self.element), self.lanes)
                for v in range(vectors):
                    slot = i * vectors + v
                    loop.next[slot] = e.fma(value, columns[v], loop.values[slot])
        for i, row in enumerate(rows):
            out = e.at(y, e.mul(row, args.number("yr")), self.element)
            for v in range(vectors):
                self._store(loop.results[i * vectors + v], e.at(out, v * self.lanes, self.element), masks[v])

    def _load(self, pointer: Value, mask: Value | None) -> Value:
        return self.e.load(pointer, self.vector) if mask is None else self.e.load_masked(pointer, self.vector, mask)

    def _store(self, value: Value, pointer: Value, mask: Value | None) -> None:
        if mask is None:
            self.e.store(value, pointer)
        else:
            self.e.store_masked(value, pointer, mask)
