"""Reductions over one evenly spaced axis, for all places of the kept ones, in the order of ``ways``.

Sums of float32 are accumulated in float64, so a mean over a million pixels is as exact as one over ten.
"""

from __future__ import annotations

from dataclasses import dataclass

from llvmlite import ir

from atrous.engine.codelets import ways
from atrous.engine.codelets.grid import Access, Grid
from atrous.engine.emit import BYTES, ELEMENT, Emitter, Value
from atrous.engine.maths import Num, VectorMaths, constant, operand, retype
from atrous.graph.layers.reduction import Reduce
from atrous.target import Target


@dataclass(frozen=True, slots=True)
class Reduction:
    """``rule`` from the input to the output; ``arrays`` are output and input along the kept axes."""

    rule: Reduce
    arrays: tuple[Access, Access]
    #: Whether the reduced elements are neighbours, and vectors run along them.
    along: bool

    @property
    def accumulated(self) -> str:
        """The type of the accumulator."""
        return accumulated(self.rule, self.arrays[1].dtype)


def accumulated(rule: Reduce, dtype: str) -> str:
    """float64 for what rounds, the element type otherwise."""
    return "float64" if dtype.startswith("float") and not rule.exact else dtype


def extra_names() -> list[str]:
    """The words beyond those of the grid: reduced elements of one result, their step, and how many ``finish`` is told."""
    return ["count", "step", "total"]


def emit(e: Emitter, spec: Reduction) -> None:
    grid = Grid(e, spec.arrays, extra_names(), lanes=1 if spec.along else None, widest=spec.accumulated)
    maths = VectorMaths(e)
    count, step, whole = (grid.args.number(name) for name in extra_names())
    dtype = spec.arrays[1].dtype
    element = ELEMENT[dtype]

    def take(value: Value) -> Value:
        return spec.rule.take(maths, maths.cast(operand(e, value, dtype), spec.accumulated)).value

    def combine(a: Value, b: Value) -> Value:
        return spec.rule.combine(maths, operand(e, a, spec.accumulated), operand(e, b, spec.accumulated)).value

    def finish(total: Value) -> Value:
        total = total if isinstance(total.type, ir.VectorType) else e.splat(total, 1)
        number = Num(e, e.splat(whole, total.type.count))
        result = spec.rule.finish(maths, operand(e, total, spec.accumulated), maths.cast(number, spec.accumulated))
        return maths.cast(result, spec.arrays[0].dtype).value

    def across(rows: list[Value], place: Value, mask: Value | None, outer: list[Value]) -> None:
        start = constant(ir.VectorType(ELEMENT[spec.accumulated], grid.lanes), spec.rule.begin(spec.accumulated))
        total = ways.across(
            e, count, start, lambda i: take(grid.load(1, e.at(rows[1], e.mul(i, step), element), place, mask)), combine
        )
        grid.store(0, rows[0], place, finish(total), mask)

    def along(rows: list[Value], place: Value, mask: Value | None, outer: list[Value]) -> None:
        places = [e.add(place, k) for k in range(grid.lanes)]
        starts = [constant(ir.VectorType(ELEMENT[spec.accumulated], ways.WAYS), spec.rule.begin(spec.accumulated))] * grid.lanes
        kind = retype(starts[0].type, element)
        sources = [grid.address(1, rows[1], each) for each in places]
        totals = ways.along(
            e, count, starts, lambda k, i, some: take(_load(e, e.at(sources[k], i, element), kind, some)), combine
        )
        for each, total in zip(places, totals, strict=True):
            grid.store(0, rows[0], each, finish(total), None)

    if spec.along:
        grid.emit(along, turn=_side_by_side(e.target, spec.accumulated))
    else:
        grid.emit(across)


def _side_by_side(target: Target, dtype: str) -> int:
    """Results along which vectors run at once: their sums take half of the registers at the most."""
    each = -(-ways.WAYS * BYTES[dtype] // target.vector_bytes)
    return max(1, min(4, target.vector_registers // (2 * each)))


def _load(e: Emitter, pointer: Value, kind: ir.VectorType, mask: Value | None) -> Value:
    return e.load(pointer, kind) if mask is None else e.load_masked(pointer, kind, mask)
