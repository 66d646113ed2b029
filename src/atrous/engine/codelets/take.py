"""Reading axes through tables: for each output place, some input places and their weights.

Resizing, padding by reflection, gathering: all are this, with tables that geometry makes. Several axes are read at once, the
sums over the first axis's taps innermost, as if one axis were done after another.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from atrous.engine.codelets.grid import Access, Grid
from atrous.engine.emit import ELEMENT, I64, Emitter, Value
from atrous.graph.fact import Array


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
    """Places ``(outputs, taps)`` as int64 and, unless each output is one input, weights of the same shape."""

    axis: int
    places: Array
    weights: Array | None

    @property
    def taps(self) -> int:
        """Weighted places of one output; 0 where it is one input."""
        return 0 if self.weights is None else int(self.places.shape[1])


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
        self.grid.emit(self._body)

    def _body(self, rows: list[Value], place: Value, mask: Value | None, outer: list[Value]) -> None:
        self.grid.store(0, rows[0], place, self._sum(len(self.spec.reads), rows[1], place, mask, outer), mask)

    def _sum(self, left: int, row: Value, place: Value, mask: Value | None, outer: Sequence[Value]) -> Value:
        """The value over the first ``left`` tables, the last of them outermost."""
        if left == 0:
            return self.grid.load(1, row, place, mask)
        e, read, (step, places, weights) = self.e, self.spec.reads[left - 1], self.tables[left - 1]
        first = e.mul(outer[read.axis], max(1, read.taps))
        total: Value | None = None
        for tap in range(max(1, read.taps)):
            slot = e.add(first, tap)
            source = e.load(e.at(places, slot, I64), I64)
            x = self._sum(left - 1, e.at(row, e.mul(source, step), self.element), place, mask, outer)
            if read.taps == 0:
                return x
            weight = e.splat(e.load(e.at(weights, slot, self.element), self.element), self.grid.lanes)
            total = e.b.fmul(weight, x) if total is None else e.fma(weight, x, total)
        return total
