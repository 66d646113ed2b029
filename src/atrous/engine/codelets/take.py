"""Reading one axis through a table: for each output place, some input places and their weights.

Resizing (one axis after another), padding by reflection, gathering: all are this, with tables that geometry makes.
"""

from __future__ import annotations

from dataclasses import dataclass

from atrous.engine.codelets.grid import OUTER, Access, Grid
from atrous.engine.emit import ELEMENT, I64, Emitter, Value
from atrous.graph.fact import Array


@dataclass(frozen=True, slots=True)
class Take:
    """``taps`` weighted places for each output place, or one without weight (``taps=0``)."""

    taps: int
    arrays: tuple[Access, Access]


@dataclass(frozen=True, eq=False)
class Table:
    """Places ``(outputs, taps)`` as int64 and, unless each output is one input, weights of the same shape."""

    places: Array
    weights: Array | None


def extra_names() -> list[str]:
    """The words beyond those of the grid: which outer axis is read through the table, the input's step there, the table."""
    return ["axis", "step", "places", "weights"]


def emit(e: Emitter, spec: Take) -> None:
    grid = Grid(e, spec.arrays, extra_names())
    step = grid.args.number("step")
    axis = grid.args.number("axis")
    places, weights = grid.args.pointer("places"), grid.args.pointer("weights")
    element = ELEMENT[spec.arrays[1].dtype]
    taps = max(1, spec.taps)

    def body(rows: list[Value], place: Value, mask: Value | None, outer: list[Value]) -> None:
        # The table's axis is one of the outer ones; the input's stride there is 0, so its row is the axis's start.
        at = e.i64(0)
        for number in range(OUTER):
            at = e.b.select(e.b.icmp_signed("==", axis, e.i64(number)), outer[number], at)
        first = e.mul(at, taps)
        total: Value | None = None
        for tap in range(taps):
            slot = e.add(first, tap)
            source = e.load(e.at(places, slot, I64), I64)
            x = grid.load(1, e.at(rows[1], e.mul(source, step), element), place, mask)
            if spec.taps == 0:
                total = x
                continue
            weight = e.splat(e.load(e.at(weights, slot, element), element), grid.lanes)
            total = e.b.fmul(weight, x) if total is None else e.fma(weight, x, total)
        assert total is not None
        grid.store(0, rows[0], place, total, mask)

    grid.emit(body)
