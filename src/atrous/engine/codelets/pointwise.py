"""Pointwise layers and copies: any formula over arrays of any strides, one load of each operand and one store."""

from __future__ import annotations

from dataclasses import dataclass

from atrous.engine.codelets.grid import Access, Grid
from atrous.engine.emit import Emitter, Value
from atrous.engine.epilogue import apply_steps
from atrous.engine.maths import VectorMaths, operand
from atrous.graph.layer import Pointwise, Step

#: Vectors in one turn of the inner loop: two hide most of the latency of an ``exp`` or ``erf`` and still fit the registers.
TURN = 2


@dataclass(frozen=True, slots=True)
class Elementwise:
    """``body`` over its operands, then the steps over theirs. ``arrays`` are the output and all operands in order."""

    body: Pointwise | None  # None copies
    steps: tuple[Step, ...]
    arrays: tuple[Access, ...]


def emit(e: Emitter, spec: Elementwise) -> None:
    grid = Grid(e, spec.arrays)
    maths = VectorMaths(e)
    own = len(spec.arrays) - 1 - sum(step.extra for step in spec.steps)

    def body(rows: list[Value], place: Value, mask: Value | None, outer: list[Value]) -> None:
        loaded = [operand(e, grid.load(k, rows[k], place, mask), spec.arrays[k].dtype) for k in range(1, len(spec.arrays))]
        value = loaded[0] if spec.body is None else spec.body.formula(maths, *loaded[:own])
        result = apply_steps(e, spec.steps, value, loaded[own:])
        grid.store(0, rows[0], place, result.value, mask)

    grid.emit(body, turn=TURN if grid.lanes > 1 else 1)
