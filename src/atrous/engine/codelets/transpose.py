"""Copies between layouts whose neighbours differ: square blocks, transposed in registers.

The source has neighbours along one axis (``p``), the output along another (``q``). A block of as many rows as a vector has
lanes is loaded along ``p``, transposed by shuffles in log2(lanes) stages, and stored along ``q``: both sides move whole
cache lines.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod

from llvmlite import ir

from atrous.engine.codelets.grid import Axes
from atrous.engine.emit import ELEMENT, I32, Arguments, Count, Emitter, Value
from atrous.target import Target

#: Axes of the copy that are neither ``p`` nor ``q``.
OUTER = 4
#: Elements of each of the two axes in one unit of work, at the most and at the least.
CHUNK, LEAST = 512, 64
#: Units that balance threads.
ENOUGH_UNITS = 16


@dataclass(frozen=True, slots=True)
class Turn:
    """A copy of elements of one type."""

    dtype: str


def find(axes: Axes) -> tuple[int, int] | None:
    """The places of ``p`` and ``q`` in the merged axes of (output, source), if this kernel is the one for the copy."""
    out, source = axes.strides
    q = len(axes.sizes) - 1
    if out[q] != 1 or source[q] in (0, 1) or len(axes.sizes) - 2 > OUTER:
        return None
    found = [p for p in range(q) if source[p] == 1 and axes.sizes[p] > 1]
    return (found[0], q) if found and min(axes.sizes[found[0]], axes.sizes[q]) >= 4 else None


def names() -> list[str]:
    """The words: both pointers; sizes of ``p`` and ``q`` and what of them is one unit; strides; the outer axes."""
    own = ["x", "y", "np", "nq", "chunk_p", "chunk_q", "chunks_p", "chunks_q", "xq", "yp"]
    return own + [f"{kind}{axis}" for axis in range(OUTER) for kind in "dxy"]


def words(axes: Axes, places: tuple[int, int], x: object, y: object) -> tuple[dict[str, object], int]:
    """Values of those words, and the number of units."""
    p, q = places
    out, source = axes.strides
    outer = [axis for axis in range(len(axes.sizes)) if axis not in places]
    sizes = {"p": axes.sizes[p], "q": axes.sizes[q]}
    made: dict[str, object] = {"x": x, "y": y, "np": sizes["p"], "nq": sizes["q"], "xq": source[q], "yp": out[p]}
    units = prod(axes.sizes[axis] for axis in outer)
    chunks = _chunks(sizes, units)
    for axis, size in sizes.items():
        made |= {f"chunk_{axis}": chunks[axis], f"chunks_{axis}": -(-size // chunks[axis])}
        units *= -(-size // chunks[axis])
    for number in range(OUTER):
        at = number - (OUTER - len(outer))
        size, step_x, step_y = (axes.sizes[outer[at]], source[outer[at]], out[outer[at]]) if at >= 0 else (1, 0, 0)
        made |= {f"d{number}": size, f"x{number}": step_x, f"y{number}": step_y}
    return made, units


def _chunks(sizes: Mapping[str, int], others: int) -> dict[str, int]:
    """What of each axis is one unit: as much as leaves enough units for threads to share evenly."""
    chunks = dict.fromkeys(sizes, CHUNK)
    while others * prod(-(-size // chunks[axis]) for axis, size in sizes.items()) < ENOUGH_UNITS:
        axis = max(sizes, key=lambda axis: min(sizes[axis], chunks[axis]))
        if min(sizes[axis], chunks[axis]) <= LEAST:
            break
        chunks[axis] //= 2
    return chunks


def emit(e: Emitter, spec: Turn) -> None:
    _Turn(e, spec).emit()


def lanes(target: Target, dtype: str) -> int:
    return target.lanes(dtype)


class _Turn:
    def __init__(self, e: Emitter, spec: Turn) -> None:
        self.e, self.element = e, ELEMENT[spec.dtype]
        self.lanes = lanes(e.target, spec.dtype)
        self.vector = ir.VectorType(self.element, self.lanes)
        pointer, self.first, self.last = e.function.args
        self.args = Arguments(e, pointer, names())
        self.step_x, self.step_y = self.args.number("xq"), self.args.number("yp")

    def emit(self) -> None:
        e, args = self.e, self.args
        outer = [args.number(f"d{axis}") for axis in range(OUTER)]
        with e.loop(self.first, self.last) as units:
            *places, part_p, part_q = e.split(units.index, [*outer, args.number("chunks_p"), args.number("chunks_q")])
            x, y = args.pointer("x"), args.pointer("y")
            for axis, place in enumerate(places):
                x = e.at(x, e.mul(place, args.number(f"x{axis}")), self.element)
                y = e.at(y, e.mul(place, args.number(f"y{axis}")), self.element)
            lo_p, hi_p = self._range("p", part_p)
            lo_q, hi_q = self._range("q", part_q)
            with e.loop(lo_q, hi_q, self.lanes) as rows, e.loop(lo_p, hi_p, self.lanes) as columns:
                self._block(x, y, rows.index, columns.index, e.sub(hi_q, rows.index), e.sub(hi_p, columns.index))
        e.end()

    def _range(self, axis: str, part: Value) -> tuple[Value, Value]:
        lo = self.e.mul(part, self.args.number(f"chunk_{axis}"))
        return lo, self.e.min(self.e.add(lo, self.args.number(f"chunk_{axis}")), self.args.number(f"n{axis}"))

    def _block(self, x: Value, y: Value, q: Value, p: Value, left_q: Value, left_p: Value) -> None:
        e, lanes = self.e, self.lanes
        x = e.at(x, e.add(e.mul(q, self.step_x), p), self.element)
        y = e.at(y, e.add(e.mul(p, self.step_y), q), self.element)
        whole = e.b.icmp_signed(">=", e.min(left_q, left_p), e.i64(lanes))
        with e.choose(whole) as (full, part):
            with full:
                rows = [e.load(self._row(x, i, self.step_x), self.vector) for i in range(lanes)]
                for j, column in enumerate(transposed(e, rows)):
                    e.store(column, self._row(y, j, self.step_y))
            with part:
                mask_p, mask_q = e.first_lanes(left_p, lanes), e.first_lanes(left_q, lanes)
                rows = []
                for i in range(lanes):
                    row = e.b.select(e.less(i, left_q), self._row(x, i, self.step_x), x)
                    rows.append(e.load_masked(row, self.vector, mask_p))
                for j, column in enumerate(transposed(e, rows)):
                    with e.when(e.less(j, left_p)):
                        e.store_masked(column, self._row(y, j, self.step_y), mask_q)

    def _row(self, start: Value, number: int, step: Count) -> Value:
        return self.e.at(start, self.e.mul(step, number), self.element)


def transposed(e: Emitter, rows: Sequence[Value]) -> list[Value]:
    """The columns of a square block of vectors: at each stage, rows ``d`` apart exchange halves of their runs of ``2d``."""
    rows, distance = list(rows), 1
    while distance < len(rows):
        low = [lane if not lane & distance else len(rows) + lane - distance for lane in range(len(rows))]
        high = [lane + distance if not lane & distance else len(rows) + lane for lane in range(len(rows))]
        for i in range(len(rows)):
            if not i & distance:
                a, b = rows[i], rows[i + distance]
                rows[i] = _shuffle(e, a, b, low)
                rows[i + distance] = _shuffle(e, a, b, high)
        distance *= 2
    return rows


def _shuffle(e: Emitter, a: Value, b: Value, places: Sequence[int]) -> Value:
    return e.b.shuffle_vector(a, b, ir.Constant(ir.VectorType(I32, len(places)), list(places)))
