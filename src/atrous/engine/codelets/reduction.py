"""Reductions over any axes, in one fixed order: the kept axes outside, vectors of kept neighbours where there are any.

Sums of float32 are accumulated in float64, so a mean over a million pixels is as exact as one over ten.
"""

from __future__ import annotations

from dataclasses import dataclass

from llvmlite import ir

from atrous.engine.codelets.grid import Access, Axes, Grid
from atrous.engine.emit import ELEMENT, Emitter, Value
from atrous.engine.maths import Num, VectorMaths, constant, operand
from atrous.graph.layers.reduction import Reduce

#: Reduced axes of a kernel, after merging.
INNER = 4


@dataclass(frozen=True, slots=True)
class Reduction:
    """``rule`` from the input to the output; ``arrays`` are output and input along the kept axes."""

    rule: Reduce
    arrays: tuple[Access, Access]

    @property
    def accumulated(self) -> str:
        """The type of the accumulator: float64 for floats, the element type for integers."""
        return "float64" if self.arrays[1].dtype.startswith("float") else self.arrays[1].dtype


def extra_names() -> list[str]:
    """The words beyond those of the grid: the reduced axes, and how many elements one output reduces."""
    return [*(f"r{axis}" for axis in range(INNER)), *(f"t{axis}" for axis in range(INNER)), "count"]


def extra_words(axes: Axes, count: int) -> dict[str, object]:
    """Values of those words for the merged reduced axes of the input."""
    lead = INNER - len(axes.sizes)
    assert lead >= 0, f"{len(axes.sizes)} reduced axes after merging"
    sizes, steps = [1] * lead + list(axes.sizes), [0] * lead + list(axes.strides[0])
    words: dict[str, object] = {f"r{i}": n for i, n in enumerate(sizes)}
    return words | {f"t{i}": n for i, n in enumerate(steps)} | {"count": count}


def emit(e: Emitter, spec: Reduction) -> None:
    grid = Grid(e, spec.arrays, extra_names())
    maths = VectorMaths(e)
    kind = ir.VectorType(ELEMENT[spec.accumulated], grid.lanes)
    dtype = spec.arrays[1].dtype
    sizes = [grid.args.number(f"r{axis}") for axis in range(INNER)]
    steps = [grid.args.number(f"t{axis}") for axis in range(INNER)]
    count = grid.args.number("count")

    def body(rows: list[Value], place: Value, mask: Value | None, outer: list[Value]) -> None:
        start = constant(kind, spec.rule.start)

        def reduce(axis: int, row: Value, acc: Value) -> Value:
            if axis == INNER:
                x = maths.cast(operand(e, grid.load(1, row, place, mask), dtype), spec.accumulated)
                return spec.rule.combine(maths, Num(e, acc), spec.rule.take(maths, x)).value
            with e.loop(0, sizes[axis], carry=[acc]) as loop:
                following = e.at(row, e.mul(loop.index, steps[axis]), ELEMENT[dtype])
                loop.next = [reduce(axis + 1, following, loop.values[0])]
            return loop.results[0]

        total = reduce(0, rows[1], start)
        number = maths.cast(Num(e, e.splat(count, grid.lanes)), spec.accumulated)
        result = maths.cast(spec.rule.finish(maths, Num(e, total), number), spec.arrays[0].dtype)
        grid.store(0, rows[0], place, result.value, mask)

    grid.emit(body)
