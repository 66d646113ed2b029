"""Reading axes through tables: for each output place, some input places and their weights.

Resizing, padding by reflection, gathering: all are this, with tables that geometry makes. Several axes are read at once, the
sums over the first axis's taps innermost, as if one axis were done after another.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from atrous.engine.codelets.grid import Access, Grid
from atrous.engine.emit import ELEMENT, I64, Emitter, Value
from atrous.engine.view import Address
from atrous.graph.fact import Array

#: More taps than this are walked by a loop; fewer are written out, their weights kept in registers.
WRITTEN_OUT = 32


@dataclass(frozen=True, slots=True)
class Read:
    """An outer axis of the grid that is read through a table: ``taps`` weighted places, or one without weight (``taps=0``)."""

    axis: int
    taps: int


@dataclass(frozen=True, slots=True)
class Take:
    """Some axes read through tables; the input's own strides along them are 0 in the grid."""

    reads: tuple[Read, ...]
    arrays: tuple[Access, Access]


@dataclass(frozen=True, eq=False)
class Table:
    """Places ``(outputs, taps)`` as int64 and, unless each output is one input, weights of the same shape.

    Places without weights may lie in scratch memory, as an earlier step left them.
    """

    axis: int
    places: Array | Address
    weights: Array | None

    @property
    def taps(self) -> int:
        """Weighted places of one output; 0 where it is one input."""
        return 0 if self.weights is None else int(self.weights.shape[1])


def extra_names(reads: int) -> list[str]:
    """The words beyond those of the grid, for each table: the input's step along its axis, places and weights."""
    return [f"{word}{number}" for number in range(reads) for word in ("step", "places", "weights")]


def emit(e: Emitter, spec: Take) -> None:
    _Take(e, spec).emit()


class _Take:
    def __init__(self, e: Emitter, spec: Take) -> None:
        self.e, self.spec = e, spec
        self.grid = Grid(e, spec.arrays, extra_names(len(spec.reads)))
        self.element = ELEMENT[spec.arrays[1].dtype]
        args = self.grid.args
        self.tables = [
            (args.number(f"step{j}"), args.pointer(f"places{j}"), args.pointer(f"weights{j}")) for j in range(len(spec.reads))
        ]

    def emit(self) -> None:
        if len(self.spec.reads) == 1 and self.spec.reads[0].taps > WRITTEN_OUT:
            self.grid.emit(self._walk)
        else:
            self.grid.emit(self._body, self._prepare)

    def _walk(self, rows: list[Value], place: Value, mask: Value | None, outer: list[Value]) -> None:
        """A sum over many taps, in the order of the table."""
        e, (read,), ((step, places, weights),) = self.e, self.spec.reads, self.tables
        first = e.mul(outer[read.axis], read.taps)
        zero = e.splat(self.element(0), self.grid.lanes)
        with e.loop(first, e.add(first, read.taps), carry=[zero], nonempty=True) as loop:
            source = e.mul(e.load(e.at(places, loop.index, I64), I64), step)
            value = self.grid.load(1, e.at(rows[1], source, self.element), place, mask)
            weight = e.splat(e.load(e.at(weights, loop.index, self.element), self.element), self.grid.lanes)
            loop.next = [e.fma(weight, value, loop.values[0])]
        self.grid.store(0, rows[0], place, loop.results[0], mask)

    def _prepare(self, rows: list[Value], outer: list[Value]) -> list[Value]:
        """The addresses of all rows that an output row reads, the first table's taps innermost; the weights beside them."""
        e, found = self.e, [rows[1]]
        self.weights: list[list[Value]] = []
        for read, (step, places, weights) in zip(self.spec.reads, self.tables, strict=True):
            taps = range(max(1, read.taps))
            first = e.mul(outer[read.axis], len(taps))
            sources = [e.mul(e.load(e.at(places, e.add(first, tap), I64), I64), step) for tap in taps]
            found = [e.at(row, source, self.element) for source in sources for row in found]
            slots = [e.at(weights, e.add(first, tap), self.element) for tap in range(read.taps)]
            self.weights.append([e.splat(e.load(slot, self.element), self.grid.lanes) for slot in slots])
        return [rows[0], *found]

    def _body(self, rows: list[Value], place: Value, mask: Value | None, outer: list[Value]) -> None:
        values = [self.grid.load(1, row, place, mask) for row in rows[1:]]
        for weights in self.weights:
            if weights:
                values = [self._sum(values[i : i + len(weights)], weights) for i in range(0, len(values), len(weights))]
        self.grid.store(0, rows[0], place, values[0], mask)

    def _sum(self, values: Sequence[Value], weights: Sequence[Value]) -> Value:
        total = self.e.b.fmul(weights[0], values[0])
        for value, weight in zip(values[1:], weights[1:], strict=True):
            total = self.e.fma(weight, value, total)
        return total
