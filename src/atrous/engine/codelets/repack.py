"""Weights of a call, put into the order of a kernel: vectors of lanes that lie rows apart, transposed in registers.

A block is a run of neighbours in the caller's array, and the same run ``step`` elements after it for each further lane. A
table tells for each place of a block where the vector of its lanes goes, in bytes from ``y`` (less than 0: nowhere), so any
order of taps and channels, any choice of them, and any number of packed arrays are the same code. Of a block whose lanes are
not all ``valid`` the others are 0. On the way it is seen whether all weights are finite, as fast kernels need.
"""

from __future__ import annotations

from dataclasses import dataclass

from llvmlite import ir

from atrous.engine.codelets.transpose import transposed
from atrous.engine.emit import BYTES, ELEMENT, I8, I64, Arguments, Emitter, Value

#: Places of a run in one unit of work.
CHUNK = 256
NAMES = ("x", "y", "starts", "valid", "places", "flag", "run", "step", "chunks")


@dataclass(frozen=True, slots=True)
class Repack:
    """Packing of weights of one type."""

    dtype: str


def emit(e: Emitter, spec: Repack) -> None:
    _Repack(e, spec).emit()


class _Repack:
    def __init__(self, e: Emitter, spec: Repack) -> None:
        self.e, self.element = e, ELEMENT[spec.dtype]
        self.lanes = e.target.lanes(spec.dtype)
        self.vector = ir.VectorType(self.element, self.lanes)
        self.bits = ir.IntType(8 * BYTES[spec.dtype])
        pointer, self.first, self.last = e.function.args
        self.args = Arguments(e, pointer, NAMES)

    def emit(self) -> None:
        e, a = self.e, self.args
        run, step = a.number("run"), a.number("step")
        zero = ir.Constant(self.vector, None)
        with e.loop(self.first, self.last, carry=[zero]) as units:
            block, chunk = e.split(units.index, [0, a.number("chunks")])
            x = e.at(a.pointer("x"), e.load(e.at(a.pointer("starts"), block, I64), I64), self.element)
            valid = e.load(e.at(a.pointer("valid"), block, I64), I64)
            places = e.at(a.pointer("places"), e.mul(block, run), I64)
            lo = e.mul(chunk, CHUNK)
            with e.loop(lo, e.min(run, e.add(lo, CHUNK)), self.lanes, carry=units.values) as tile:
                tile.next = [self._tile(x, tile.index, run, step, valid, places, tile.values[0])]
            units.next = tile.results
        self._report(units.results[0])
        e.end()

    def _tile(self, x: Value, at: Value, run: Value, step: Value, valid: Value, places: Value, seen: Value) -> Value:
        """One square block: rows of the run loaded, turned, and stored where the table says."""
        e, lanes = self.e, self.lanes
        mask_run, mask_lanes = e.first_lanes(e.sub(run, at), lanes), e.first_lanes(valid, lanes)
        rows, zero = [], ir.Constant(self.vector, None)
        for i in range(lanes):
            row = e.at(x, e.b.select(e.less(i, valid), e.add(e.mul(step, i), at), at), self.element)
            rows.append(e.load_masked(row, self.vector, mask_run))
            seen = e.fma(rows[-1], zero, seen)  # stays zero as long as all are finite
        y = self.args.pointer("y")
        for j, column in enumerate(transposed(e, rows)):
            with e.when(e.less(e.add(at, j), run)):
                place = e.load(e.at(places, e.add(at, j), I64), I64)
                with e.when(e.b.icmp_signed(">=", place, e.i64(0))):
                    e.store(e.b.select(mask_lanes, column, zero), e.at(y, place, I8))
        return seen

    def _report(self, seen: Value) -> None:
        """Raise the flag if anything was not finite."""
        e, zero = self.e, ir.Constant(self.vector, None)
        odd = e.b.fcmp_unordered("uno", seen, zero)
        some = e.b.bitcast(odd, ir.IntType(self.lanes))
        with e.when(e.b.icmp_unsigned("!=", some, ir.Constant(some.type, 0))):
            e.store(e.i64(1), self.args.pointer("flag"))
