"""The loop skeleton of kernels over whole arrays with any strides: outer axes, and one inner axis in vectors.

Sizes and strides are arguments; only the number of operands, their element types and how each walks the inner axis are
specialised on. The caller merges axes first (``merge``), so five outer ones are plenty.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import prod

from llvmlite import ir

from atrous.engine.emit import BYTES, ELEMENT, Arguments, Emitter, Value
from atrous.target import Target

#: Outer axes of a grid kernel.
OUTER = 5
#: Elements of the inner axis in one unit of work, at the most.
CHUNK = 8192
#: And at the least: two cache lines of the widest elements.
LEAST = 16


@dataclass(frozen=True, slots=True)
class Access:
    """How an operand is read or written along the inner axis: neighbours, one element for all, or any stride."""

    dtype: str
    step: int | None  # 1, 0, or None for a stride that is an argument


@dataclass(frozen=True, slots=True)
class Axes:
    """Merged axes of some arrays: sizes, and for each array its strides, the last axis innermost."""

    sizes: tuple[int, ...]
    strides: tuple[tuple[int, ...], ...]


def merge(sizes: Sequence[int], strides: Sequence[Sequence[int]]) -> Axes:
    """Order the axes by the first array's strides, drop those of size 1, and join those that every array walks as one."""
    order = sorted((i for i, n in enumerate(sizes) if n != 1), key=lambda i: -strides[0][i])
    joined: list[tuple[int, list[int]]] = []
    for axis in order:
        steps = [array[axis] for array in strides]
        if joined and all(outer == step * sizes[axis] for outer, step in zip(joined[-1][1], steps, strict=True)):
            joined[-1] = (joined[-1][0] * sizes[axis], steps)
        else:
            joined.append((sizes[axis], steps))
    if not joined:
        joined = [(1, [1] * len(strides))]
    return Axes(tuple(n for n, _ in joined), tuple(tuple(steps[k] for _, steps in joined) for k in range(len(strides))))


def accesses(axes: Axes, dtypes: Sequence[str]) -> tuple[Access, ...]:
    """How each array walks the inner axis of merged axes."""
    return tuple(
        Access(dtype, steps[-1] if steps[-1] in (0, 1) else None) for dtype, steps in zip(dtypes, axes.strides, strict=True)
    )


def grid_names(arrays: int, extra: Sequence[str] = ()) -> list[str]:
    """The words of a grid kernel: the inner axis and its chunks, the outer sizes, and each array's pointer and strides."""
    names = ["inner", "chunk", "chunks", "rows", "blocks", *(f"d{axis}" for axis in range(OUTER))]
    for k in range(arrays):
        names += [f"p{k}", *(f"s{k}.{axis}" for axis in range(OUTER + 1))]
    return [*names, *extra]


def grid_words(axes: Axes, pointers: Sequence[object], work: int = 1) -> tuple[dict[str, object], int]:
    """Values of those words for merged axes, and the number of units; ``work`` is how much an element of the inner axis is."""
    *outer, inner = axes.sizes
    chunk = max(LEAST, CHUNK // work // LEAST * LEAST)
    assert len(outer) <= OUTER, f"{len(outer)} outer axes after merging"
    sizes = [1] * (OUTER - len(outer)) + outer
    chunks = -(-inner // chunk)
    rows = max(1, min(sizes[-1], CHUNK // (work * inner)))
    blocks = -(-sizes[-1] // rows)
    words: dict[str, object] = {"inner": inner, "chunk": chunk, "chunks": chunks, "rows": rows, "blocks": blocks}
    words |= {f"d{axis}": size for axis, size in enumerate(sizes)}
    for k, (pointer, steps) in enumerate(zip(pointers, axes.strides, strict=True)):
        padded = [0] * (OUTER + 1 - len(steps)) + list(steps)
        words |= {f"p{k}": pointer} | {f"s{k}.{axis}": step for axis, step in enumerate(padded)}
    return words, prod(sizes[:-1]) * blocks * chunks


#: What a codelet does with each array's row address, the place on the inner axis, a mask, and the outer coordinates.
Body = Callable[[list[Value], Value, Value | None, list[Value]], None]


#: What a codelet does before the inner axis is walked: given each array's row address and the outer coordinates, it returns the
#: addresses that the body gets.
Prepare = Callable[[list[Value], list[Value]], list[Value]]


class Grid:
    """Emits the skeleton; the codelet provides what happens to one vector of the inner axis.

    ``lanes`` fixes the vectors' length; ``widest`` is an element type that the codelet computes in beside those of the arrays.
    """

    def __init__(
        self,
        e: Emitter,
        arrays: Sequence[Access],
        extra: Sequence[str] = (),
        lanes: int | None = None,
        widest: str | None = None,
    ) -> None:
        self.e, self.arrays = e, arrays
        pointer, self.first, self.last = e.function.args
        self.args = Arguments(e, pointer, grid_names(len(arrays), extra))
        self.pointers = [self.args.pointer(f"p{k}") for k in range(len(arrays))]
        self.strides = [[self.args.number(f"s{k}.{axis}") for axis in range(OUTER + 1)] for k in range(len(arrays))]
        self.lanes = lanes or lanes_of(e.target, arrays, widest)

    def emit(self, body: Body, prepare: Prepare | None = None, turn: int = 1) -> None:
        """``body`` gets each array's row address, the place on the inner axis, a mask, and the outer coordinates.

        It is emitted for ``turn`` vectors as one long one, which LLVM takes apart instruction by instruction: while one waits
        for a result, another works. What is left of a row goes vector by vector, under a mask; ``lanes`` says how
        many are emitted.
        """
        e, args = self.e, self.args
        chunk, chunks, rows, blocks = (args.number(word) for word in ("chunk", "chunks", "rows", "blocks"))
        outer = [args.number(f"d{axis}") for axis in range(OUTER)]
        with e.loop(self.first, self.last) as units:
            *places, block, part = e.split(units.index, [*outer[:-1], blocks, chunks])
            starts = []
            for k, array in enumerate(self.arrays):
                offset = e.i64(0)
                for place, step in zip(places, self.strides[k][:-2], strict=True):
                    offset = e.add(offset, e.mul(place, step))
                starts.append(e.at(self.pointers[k], offset, ELEMENT[array.dtype]))
            lo = e.mul(part, chunk)
            hi = e.min(e.add(lo, chunk), args.number("inner"))
            first = e.mul(block, rows)
            with e.loop(first, e.min(e.add(first, rows), outer[-1])) as row:
                rows_at = self._rows(prepare, starts, [*places, row.index])
                self._row(body, rows_at, [*places, row.index], (lo, hi), turn)
        e.end()

    def _rows(self, prepare: Prepare | None, starts: Sequence[Value], places: list[Value]) -> list[Value]:
        """The addresses that the body gets."""
        e = self.e
        rows = [
            e.at(start, e.mul(places[-1], steps[-2]), ELEMENT[array.dtype])
            for start, steps, array in zip(starts, self.strides, self.arrays, strict=True)
        ]
        return rows if prepare is None else prepare(rows, places)

    def _row(self, body: Body, rows: list[Value], places: list[Value], run: tuple[Value, Value], turn: int) -> None:
        """The inner axis over ``run``: several vectors a turn, then what is left."""
        e, (lo, hi), lanes = self.e, run, self.lanes
        self.lanes = lanes * turn
        whole = e.add(lo, e.mul(e.b.udiv(e.sub(hi, lo), e.i64(self.lanes)), self.lanes))
        with e.loop(lo, whole, self.lanes) as loop:
            body(rows, loop.index, None, places)
        self.lanes = lanes
        if lanes * turn > 1:
            with e.loop(whole, hi, lanes) as loop:
                body(rows, loop.index, e.first_lanes(e.sub(hi, loop.index), lanes) if lanes > 1 else None, places)

    def address(self, k: int, row: Value, place: Value) -> Value:
        """Where array ``k`` has its element at ``place`` of the inner axis."""
        access, e = self.arrays[k], self.e
        step = self.strides[k][-1] if access.step is None else access.step
        return e.at(row, e.mul(place, step) if access.step != 0 else 0, ELEMENT[access.dtype])

    def load(self, k: int, row: Value, place: Value, mask: Value | None) -> Value:
        """A vector of array ``k``."""
        e, access = self.e, self.arrays[k]
        element = ELEMENT[access.dtype]
        address = self.address(k, row, place)
        if access.step == 0:
            return e.splat(e.load(address, element), self.lanes)
        kind = ir.VectorType(element, self.lanes)
        return e.load(address, kind) if mask is None else e.load_masked(address, kind, mask)

    def store(self, k: int, row: Value, place: Value, value: Value, mask: Value | None) -> None:
        """Store a vector to array ``k``; conditions are stored as bytes."""
        e, element = self.e, ELEMENT[self.arrays[k].dtype]
        if value.type.element.width == 1 if isinstance(value.type.element, ir.IntType) else False:
            value = e.b.zext(value, ir.VectorType(element, self.lanes))
        address = self.address(k, row, place)
        if mask is None:
            e.store(value, address)
        else:
            e.store_masked(value, address, mask)


def lanes_of(target: Target, arrays: Sequence[Access], widest: str | None = None) -> int:
    """Lanes of the widest element type; one where an array jumps along the inner axis, or the output repeats."""
    if any(array.step is None for array in arrays) or arrays[0].step != 1:
        return 1
    dtypes = [array.dtype for array in arrays] + ([widest] if widest else [])
    return max(1, target.vector_bytes // max(BYTES[dtype] for dtype in dtypes))
