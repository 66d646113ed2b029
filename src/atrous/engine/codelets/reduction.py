"""Reductions over one evenly spaced axis, for all places of the kept ones, in the order of ``ways``.

Sums of float32 are accumulated in float64, so a mean over a million pixels is as exact as one over ten.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite

import numpy as np
from llvmlite import ir

from atrous.engine.codelets import ways
from atrous.engine.codelets.grid import Access, Grid
from atrous.engine.emit import ELEMENT, Emitter, Value
from atrous.engine.maths import Num, VectorMaths, constant, operand, retype
from atrous.graph.layers.reduction import Reduce


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


def start_of(rule: Reduce, dtype: str) -> float:
    """The accumulator's first value: for integers and booleans, which have no infinity, the end of their range."""
    if dtype.startswith("float") or isfinite(rule.start):
        return rule.start
    if dtype == "bool":
        return rule.start > 0
    bounds = np.iinfo(dtype)
    return int(bounds.max if rule.start > 0 else bounds.min)


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
        number = Num(e, e.splat(whole, grid.lanes))
        total = total if isinstance(total.type, ir.VectorType) else e.splat(total, 1)
        result = spec.rule.finish(maths, operand(e, total, spec.accumulated), maths.cast(number, spec.accumulated))
        return maths.cast(result, spec.arrays[0].dtype).value

    def body(rows: list[Value], place: Value, mask: Value | None, outer: list[Value]) -> None:
        lanes = ways.WAYS if spec.along else grid.lanes
        start = constant(ir.VectorType(ELEMENT[spec.accumulated], lanes), start_of(spec.rule, spec.accumulated))
        if spec.along:
            row = grid.address(1, rows[1], place)
            kind = retype(start.type, element)
            total = ways.along(e, count, start, lambda i, some: take(_load(e, e.at(row, i, element), kind, some)), combine)
        else:
            total = ways.across(
                e, count, start, lambda i: take(grid.load(1, e.at(rows[1], e.mul(i, step), element), place, mask)), combine
            )
        grid.store(0, rows[0], place, finish(total), mask)

    grid.emit(body)


def _load(e: Emitter, pointer: Value, kind: ir.VectorType, mask: Value | None) -> Value:
    return e.load(pointer, kind) if mask is None else e.load_masked(pointer, kind, mask)
