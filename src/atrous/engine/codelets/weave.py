"""Copies between planes and short groups: a few channels of a pixel side by side, or each in a plane of its own.

Joining loads a vector of each plane and weaves them into as many vectors of groups; parting does the reverse. Both are
shuffles of two vectors at a time, so a group of ``n`` elements costs ``n - 1`` shuffles a vector.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from llvmlite import ir

from atrous.engine.codelets.grid import Axes
from atrous.engine.emit import ELEMENT, I32, Arguments, Emitter, Value

#: Axes of the copy beside the group's and the long one.
OUTER = 4
#: Pixels in one unit of work.
CHUNK = 2048
#: The longest group.
LONGEST = 9


@dataclass(frozen=True, slots=True)
class Weave:
    """``count`` planes from or to groups of ``group`` elements, of which the first ``count`` are used."""

    dtype: str
    count: int
    group: int
    joins: bool


@dataclass(frozen=True, slots=True)
class Found:
    """A copy that this kernel is the one for: what it is specialised on, and the places of its two axes."""

    spec: Weave
    short: int
    long: int


def find(axes: Axes, dtype: str) -> Found | None:
    """Whether a copy over the merged axes of (output, source) is one between planes and short groups."""
    out, source = axes.strides
    last = len(axes.sizes) - 1
    ones = [axis for axis in range(last) if source[axis] == 1]
    if out[last] != 1 or source[last] in (0, 1) or not ones or last - 1 > OUTER:
        return None
    other = ones[0]
    short, long = (last, other) if axes.sizes[last] <= axes.sizes[other] else (other, last)
    joins, count = short == last, axes.sizes[short]
    group = out[long] if joins else source[long]
    if not (2 <= count <= group <= LONGEST) or (joins and group != count):
        return None
    return Found(Weave(dtype, count, group, joins), short, long)


def names() -> list[str]:
    """The words: both pointers, the long axis and its chunks, the distance of planes; the outer axes."""
    return ["x", "y", "n", "chunks", "plane", *(f"{kind}{axis}" for axis in range(OUTER) for kind in "dxy")]


def words(axes: Axes, found: Found, x: object, y: object) -> tuple[dict[str, object], int]:
    """Values of those words, and the number of units."""
    out, source = axes.strides
    size = axes.sizes[found.long]
    plane = (source if found.spec.joins else out)[found.short]
    units = -(-size // CHUNK)
    made: dict[str, object] = {"x": x, "y": y, "n": size, "chunks": units, "plane": plane}
    outer = [axis for axis in range(len(axes.sizes)) if axis not in (found.short, found.long)]
    for number in range(OUTER):
        at = number - (OUTER - len(outer))
        step = (axes.sizes[outer[at]], source[outer[at]], out[outer[at]]) if at >= 0 else (1, 0, 0)
        made |= {f"{kind}{number}": value for kind, value in zip("dxy", step, strict=True)}
        units *= step[0]
    return made, units


def emit(e: Emitter, spec: Weave) -> None:
    _Weave(e, spec).emit()


class _Weave:
    def __init__(self, e: Emitter, spec: Weave) -> None:
        self.e, self.spec, self.element = e, spec, ELEMENT[spec.dtype]
        self.lanes = e.target.lanes(spec.dtype)
        self.vector = ir.VectorType(self.element, self.lanes)
        pointer, self.first, self.last = e.function.args
        self.args = Arguments(e, pointer, names())
        self.plane = self.args.number("plane")

    def emit(self) -> None:
        e, args, lanes = self.e, self.args, self.lanes
        outer = [args.number(f"d{axis}") for axis in range(OUTER)]
        with e.loop(self.first, self.last) as units:
            *places, part = e.split(units.index, [*outer, args.number("chunks")])
            x, y = args.pointer("x"), args.pointer("y")
            for axis, place in enumerate(places):
                x = e.at(x, e.mul(place, args.number(f"x{axis}")), self.element)
                y = e.at(y, e.mul(place, args.number(f"y{axis}")), self.element)
            lo = e.mul(part, CHUNK)
            hi = e.min(e.add(lo, CHUNK), args.number("n"))
            whole = e.add(lo, e.mul(e.b.udiv(e.sub(hi, lo), e.i64(lanes)), lanes))
            with e.loop(lo, whole, lanes) as loop:
                self._vectors(x, y, loop.index, None)
            with e.when(e.less(whole, hi)):
                self._vectors(x, y, whole, e.sub(hi, whole))
        e.end()

    def _vectors(self, x: Value, y: Value, place: Value, left: Value | None) -> None:
        """One vector of each plane; ``left`` is how many pixels there are, if not all."""
        e, spec, lanes = self.e, self.spec, self.lanes
        planes = [e.add(e.mul(self.plane, s), place) for s in range(spec.count)]
        groups = [e.add(e.mul(place, spec.group), v * lanes) for v in range(spec.group)]
        # What of a vector of groups is real: the last group may end before its unused elements do.
        used = lanes * spec.group - (spec.group - spec.count) if left is None else self._used(left)
        if spec.joins:
            rows = [self._load(e.at(x, at, self.element), left) for at in planes]
            for v, at in enumerate(groups):
                flat = [divmod(v * lanes + lane, spec.group) for lane in range(lanes)]
                self._store(self._pick(rows, [(s, pixel) for pixel, s in flat]), e.at(y, at, self.element), self._rest(used, v))
        else:
            rows = [self._load(e.at(x, at, self.element), self._rest(used, v)) for v, at in enumerate(groups)]
            for s, at in enumerate(planes):
                flat = [divmod(lane * spec.group + s, lanes) for lane in range(lanes)]
                self._store(self._pick(rows, flat), e.at(y, at, self.element), left)

    def _used(self, left: Value) -> Value:
        return self.e.sub(self.e.mul(left, self.spec.group), self.spec.group - self.spec.count)

    def _rest(self, used: Value | int, vector: int) -> Value | int | None:
        """How many elements of a vector of groups are real; ``None`` for all."""
        if not isinstance(used, int):
            return self.e.sub(used, vector * self.lanes)
        rest = used - vector * self.lanes
        return None if rest >= self.lanes else rest

    def _load(self, pointer: Value, count: Value | int | None) -> Value:
        if count is None:
            return self.e.load(pointer, self.vector)
        return self.e.load_masked(pointer, self.vector, self.e.first_lanes(count, self.lanes))

    def _store(self, value: Value, pointer: Value, count: Value | int | None) -> None:
        if count is None:
            self.e.store(value, pointer)
        else:
            self.e.store_masked(value, pointer, self.e.first_lanes(count, self.lanes))

    def _pick(self, rows: Sequence[Value], wanted: Sequence[tuple[int, int]]) -> Value:
        """The vector of these (row, lane), gathered row after row."""
        first, *others = sorted({row for row, _ in wanted})
        # The first two rows take one shuffle together.
        second = others[0] if others else first
        mask = [at if row == first else self.lanes + at if row == second else 0 for row, at in wanted]
        total = self._shuffle(rows[first], rows[second], mask)
        for number in others[1:]:
            mask = [self.lanes + at if row == number else lane for lane, (row, at) in enumerate(wanted)]
            total = self._shuffle(total, rows[number], mask)
        return total

    def _shuffle(self, a: Value, b: Value, places: Sequence[int]) -> Value:
        return self.e.b.shuffle_vector(a, b, ir.Constant(ir.VectorType(I32, self.lanes), list(places)))
