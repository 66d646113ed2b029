"""Products of two matrices that both vary: one chain of multiply-adds per element, vectors along the result's columns."""

from __future__ import annotations

from dataclasses import dataclass

from llvmlite import ir

from atrous.engine.codelets.grid import Access, Grid
from atrous.engine.emit import ELEMENT, Emitter, Value
from atrous.engine.maths import constant


@dataclass(frozen=True, slots=True)
class Product:
    """``arrays`` are the output, the left operand (repeated along columns) and the right one (repeated along rows)."""

    arrays: tuple[Access, Access, Access]


def extra_names() -> list[str]:
    """The words beyond those of the grid: how long the sum is, and each operand's step along it."""
    return ["depth", "left", "right"]


def emit(e: Emitter, spec: Product) -> None:
    grid = Grid(e, spec.arrays, extra_names())
    depth, left, right = (grid.args.number(name) for name in extra_names())
    element = ELEMENT[spec.arrays[0].dtype]

    def body(rows: list[Value], place: Value, mask: Value | None, outer: list[Value]) -> None:
        zero = constant(ir.VectorType(element, grid.lanes), 0.0)
        with e.loop(0, depth, carry=[zero]) as loop:
            x = grid.load(1, e.at(rows[1], e.mul(loop.index, left), element), place, mask)
            y = grid.load(2, e.at(rows[2], e.mul(loop.index, right), element), place, mask)
            loop.next = [e.fma(x, y, loop.values[0])]
        grid.store(0, rows[0], place, loop.results[0], mask)

    grid.emit(body)
