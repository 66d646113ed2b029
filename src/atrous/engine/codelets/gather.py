"""Weights of a call, put into the order of a kernel one by one, where ``codelets.repack`` finds no runs to walk.

A table tells for every packed element which of the caller's it is, counted from 1; 0 is padding. Phases of transposed kernels
are so: of the taps that lie side by side in the caller's array each phase takes a few. On the way it is seen whether all
weights are finite, as fast kernels need.
"""

from __future__ import annotations

from dataclasses import dataclass

from llvmlite import ir

from atrous.engine.emit import ELEMENT, I32, I64, Arguments, Emitter, Value

#: Elements in one unit of work.
CHUNK = 1024
NAMES = ("x", "y", "table", "count", "flag")


@dataclass(frozen=True, slots=True)
class Gather:
    """Gathering elements of one type."""

    dtype: str


def emit(e: Emitter, spec: Gather) -> None:
    """The kernel: ``y[i] = x[table[i] - 1]``, or 0 where the table is 0, a unit for each ``CHUNK`` elements."""
    element, lanes = ELEMENT[spec.dtype], e.target.lanes(spec.dtype)
    vector = ir.VectorType(element, lanes)
    pointer, first, last = e.function.args
    a = Arguments(e, pointer, NAMES)
    x, y, table, zero = a.pointer("x"), a.pointer("y"), a.pointer("table"), ir.Constant(vector, None)
    end = e.min(e.mul(last, CHUNK), a.number("count"))
    with e.loop(e.mul(first, CHUNK), end, lanes, carry=[zero]) as tile:
        mask = e.first_lanes(e.sub(end, tile.index), lanes)
        places = e.load_masked(e.at(table, tile.index, I32), ir.VectorType(I32, lanes), mask)
        found = _taken(e, x, places, vector)
        e.store_masked(found, e.at(y, tile.index, element), mask)
        tile.next = [e.fma(found, zero, tile.values[0])]  # stays zero as long as all are finite
    odd = e.b.fcmp_unordered("uno", tile.results[0], zero)
    some = e.b.bitcast(odd, ir.IntType(lanes))
    with e.when(e.b.icmp_unsigned("!=", some, ir.Constant(some.type, 0))):
        e.store(e.i64(1), a.pointer("flag"))
    e.end()


def _taken(e: Emitter, x: Value, places: Value, vector: ir.VectorType) -> Value:
    """The elements at these places; for padding the first is read, and put aside."""
    b, none = e.b, ir.Constant(places.type, None)
    real = b.icmp_signed(">", places, none)
    places = b.select(real, b.sub(places, e.splat(ir.Constant(I32, 1), vector.count)), none)
    found = ir.Constant(vector, ir.Undefined)
    for lane in range(vector.count):
        at = b.zext(b.extract_element(places, ir.Constant(I32, lane)), I64)
        found = b.insert_element(found, e.load(e.at(x, at, vector.element), vector.element), ir.Constant(I32, lane))
    return b.select(real, found, ir.Constant(vector, None))
