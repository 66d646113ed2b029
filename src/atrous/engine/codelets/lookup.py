"""Indices that are computed while a network runs, as places that exist; one that points outside raises an alarm.

Negative indices count from the end. An index outside the axis becomes the nearest place on it, so that no kernel reads what it
must not, and its number is written beside the alarm's code: whoever runs the tape refuses the result.
"""

from __future__ import annotations

from dataclasses import dataclass

from llvmlite import ir

from atrous.engine.codelets.grid import Access, Grid, grid_names
from atrous.engine.emit import I32, I64, Emitter, Value

#: The words beyond those of the grid: the axis's size, where the alarm lies, and the code to raise it with.
NAMES = grid_names(2, ["size", "alarm", "code"])


@dataclass(frozen=True, slots=True)
class Lookup:
    """``arrays`` are the places, of type int64, and the indices, of type int32 or int64."""

    arrays: tuple[Access, Access]


def emit(e: Emitter, spec: Lookup) -> None:
    grid = Grid(e, spec.arrays, NAMES[len(grid_names(2)) :])
    size, code, alarm = grid.args.number("size"), grid.args.number("code"), grid.args.pointer("alarm")

    def body(rows: list[Value], place: Value, mask: Value | None, outer: list[Value]) -> None:
        b = e.b
        index = grid.load(1, rows[1], place, mask)  # 0 where the mask is not: a place that exists
        if spec.arrays[1].dtype == "int32":
            index = b.sext(index, ir.VectorType(I64, grid.lanes))
        zero, sizes = ir.Constant(index.type, None), e.splat(size, grid.lanes)
        found = b.select(b.icmp_signed("<", index, zero), b.add(index, sizes), index)
        low, high = b.icmp_signed("<", found, zero), b.icmp_signed(">=", found, sizes)
        _raise(e, b.or_(low, high), index, (alarm, code))
        found = b.select(low, zero, b.select(high, b.sub(sizes, e.splat(e.i64(1), grid.lanes)), found))
        grid.store(0, rows[0], place, found, mask)

    grid.emit(body)


def _raise(e: Emitter, outside: Value, index: Value, alarm: tuple[Value, Value]) -> None:
    """Write the code and the first index that points outside; of threads that do so, any one's index stays."""
    b, lanes = e.b, index.type.count
    bits = b.bitcast(outside, ir.IntType(lanes))
    with e.when(b.icmp_unsigned("!=", bits, ir.Constant(bits.type, 0))):
        first = b.cttz(b.zext(bits, I32), ir.Constant(ir.IntType(1), 1))
        place, code = alarm
        e.store(b.extract_element(index, first), e.at(place, 1, I64))
        e.store(code, place)
