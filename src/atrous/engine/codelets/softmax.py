"""Softmax over one evenly spaced axis: the largest, the powers and their sum, the quotients; three passes in the nearest cache.

The largest element is taken off first, so that no exponential overflows. Sums are accumulated in float64, in the order of
``ways``; the powers wait in the output.
"""

from __future__ import annotations

from dataclasses import dataclass

from llvmlite import ir

from atrous.engine.codelets import ways
from atrous.engine.codelets.grid import Access, Grid
from atrous.engine.emit import ELEMENT, F64, Emitter, Value
from atrous.engine.functions import Functions
from atrous.engine.maths import Num, VectorMaths, constant, retype


@dataclass(frozen=True, slots=True)
class Softmax:
    """``arrays`` are output and input along the kept axes."""

    arrays: tuple[Access, Access]
    #: Whether the elements of one softmax are neighbours in both arrays, and vectors run along them.
    along: bool


def extra_names() -> list[str]:
    """The words beyond those of the grid: elements of one softmax, and their steps in output and input."""
    return ["count", "to", "from"]


def emit(e: Emitter, spec: Softmax) -> None:
    _Softmax(e, spec).emit()


class _Softmax:
    def __init__(self, e: Emitter, spec: Softmax) -> None:
        self.e, self.b, self.along = e, e.b, spec.along
        self.grid = Grid(e, spec.arrays, extra_names(), lanes=1 if spec.along else None, widest="float64")
        self.count, self.to, self.source = (self.grid.args.number(name) for name in extra_names())
        self.dtype = spec.arrays[0].dtype
        self.element = ELEMENT[self.dtype]
        self.kind = ir.VectorType(self.element, ways.WAYS if spec.along else self.grid.lanes)
        self.maths = VectorMaths(e)

    def emit(self) -> None:
        self.grid.emit(self._along if self.along else self._across)

    def _larger(self, a: Value, b: Value) -> Value:
        """Either where one is NaN: its power is NaN whatever is taken off."""
        return self.b.select(self.b.fcmp_ordered(">", a, b), a, b)

    def _wide(self, power: Value) -> Value:
        return self.maths.cast(Num(self.e, power), "float64").value

    def _factor(self, total: Value) -> Value:
        """What the powers are multiplied by."""
        return self.maths.cast(1.0 / Num(self.e, total), self.dtype).value

    def _starts(self) -> tuple[Value, Value]:
        return constant(self.kind, float("-inf")), constant(retype(self.kind, F64), 0.0)

    def _along(self, rows: list[Value], place: Value, _: Value | None, outer: list[Value]) -> None:
        e, b = self.e, self.b
        y, x = (self.grid.address(k, rows[k], place) for k in (0, 1))
        lowest, nothing = self._starts()

        def load(row: Value, index: Value, mask: Value | None) -> Value:
            pointer = e.at(row, index, self.element)
            return e.load(pointer, self.kind) if mask is None else e.load_masked(pointer, self.kind, mask)

        def store(value: Value, index: Value, mask: Value | None) -> None:
            pointer = e.at(y, index, self.element)
            e.store(value, pointer) if mask is None else e.store_masked(value, pointer, mask)

        most = e.splat(ways.along(e, self.count, [lowest], lambda _, i, mask: load(x, i, mask), self._larger)[0], ways.WAYS)

        def power(_: int, index: Value, mask: Value | None) -> Value:
            value = Functions(e, self.kind).exp(b.fsub(load(x, index, mask), most))
            store(value, index, mask)
            return self._wide(value)

        (total,) = ways.along(e, self.count, [nothing], power, b.fadd)
        factor = e.splat(self._factor(total), ways.WAYS)
        whole = b.and_(self.count, e.i64(-ways.WAYS))
        with e.loop(0, whole, ways.WAYS) as loop:
            store(b.fmul(load(y, loop.index, None), factor), loop.index, None)
        with e.when(e.less(whole, self.count)):
            mask = e.first_lanes(e.sub(self.count, whole), ways.WAYS)
            store(b.fmul(load(y, whole, mask), factor), whole, mask)

    def _across(self, rows: list[Value], place: Value, mask: Value | None, outer: list[Value]) -> None:
        e, b, grid = self.e, self.b, self.grid
        lowest, nothing = self._starts()

        def load(k: int, index: Value) -> Value:
            step = self.to if k == 0 else self.source
            return grid.load(k, e.at(rows[k], e.mul(index, step), self.element), place, mask)

        def store(index: Value, value: Value) -> None:
            grid.store(0, e.at(rows[0], e.mul(index, self.to), self.element), place, value, mask)

        most = ways.across(e, self.count, lowest, lambda i: load(1, i), self._larger)

        def power(index: Value) -> Value:
            value = Functions(e, self.kind).exp(b.fsub(load(1, index), most))
            store(index, value)
            return self._wide(value)

        factor = self._factor(ways.across(e, self.count, nothing, power, b.fadd))
        with e.loop(0, self.count) as loop:
            store(loop.index, b.fmul(load(0, loop.index), factor))
