"""Elements put at places that are known only when the program runs, in zeros: what unpooling does.

A unit owns a run of the result: it clears it, goes through all places in their order, and writes those in its run. Of several
elements for one place the last so stays, whatever the number of threads; a place outside the result is nobody's.
"""

from __future__ import annotations

from dataclasses import dataclass

from llvmlite import ir

from atrous.engine.emit import ELEMENT, I32, I64, Arguments, Emitter, Value

#: Places looked at together, and elements cleared together.
LANES = 8
NAMES = ("x", "places", "y", "count", "size", "run")


@dataclass(frozen=True, slots=True)
class Scatter:
    """Scattering elements of one type."""

    dtype: str


def emit(e: Emitter, spec: Scatter) -> None:
    """The kernel: ``y[places[i]] = x[i]``, a unit for each ``run`` elements of ``y``, which has ``size``."""
    element = ELEMENT[spec.dtype]
    pointer, first, last = e.function.args
    a = Arguments(e, pointer, NAMES)
    x, places, y, count = a.pointer("x"), a.pointer("places"), a.pointer("y"), a.number("count")
    with e.loop(first, last) as unit:
        lo = e.mul(unit.index, a.number("run"))
        own = e.min(a.number("run"), e.sub(a.number("size"), lo))
        to = e.at(y, lo, element)
        _clear(e, to, own, element)
        with e.loop(e.i64(0), count, LANES) as group:
            mask = e.first_lanes(e.sub(count, group.index), LANES)
            found = e.load_masked(e.at(places, group.index, I64), ir.VectorType(I64, LANES), mask)
            offsets = e.b.sub(found, e.splat(lo, LANES))
            inside = e.b.and_(mask, e.b.icmp_unsigned("<", offsets, e.splat(own, LANES)))
            _write(e, e.at(x, group.index, element), to, offsets, inside, element)
    e.end()


def _clear(e: Emitter, to: Value, own: Value, element: ir.Type) -> None:
    kind = ir.VectorType(element, LANES)
    with e.loop(e.i64(0), own, LANES) as group:
        mask = e.first_lanes(e.sub(own, group.index), LANES)
        e.store_masked(ir.Constant(kind, None), e.at(to, group.index, element), mask)


def _write(e: Emitter, x: Value, to: Value, offsets: Value, inside: Value, element: ir.Type) -> None:
    """The elements of a group whose places are inside; most groups have all inside, or none."""
    bits = ir.IntType(LANES)
    with e.when(e.b.icmp_unsigned("!=", e.b.bitcast(inside, bits), ir.Constant(bits, 0))):
        for lane in range(LANES):
            place = ir.Constant(I32, lane)
            with e.when(e.b.extract_element(inside, place)):
                e.store(e.load(e.at(x, lane, element), element), e.at(to, e.b.extract_element(offsets, place), element))
