"""What is done to a result before its only store: pointwise steps with operands of their own, then a masked or full store."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass

from llvmlite import ir

from atrous.engine.codelets.grid import Access
from atrous.engine.emit import ELEMENT, Emitter, Value
from atrous.engine.maths import Num, VectorMaths, operand
from atrous.engine.sweep import Sweep, Tile, Unit
from atrous.graph.layer import Step


@dataclass(frozen=True, slots=True)
class Epilogue:
    """The steps, how their extra operands are read along the vector lanes, in order, and the type that is stored.

    An extra operand lies over the output box with any strides; along the lanes (the channels, or the row of the codelets that
    have pixels in their lanes) its elements are neighbours or one for all.
    """

    steps: tuple[Step, ...] = ()
    operands: tuple[Access, ...] = ()
    stored: str = "float32"

    def names(self, axes: int) -> list[str]:
        """The words that the operands add to a kernel's argument list."""
        return [
            word
            for j in range(len(self.operands))
            for word in (f"r{j}", f"r{j}b", f"r{j}c", *(f"r{j}.{axis}" for axis in range(axes)))
        ]


def apply_steps(e: Emitter, steps: Sequence[Step], value: Num, operands: Sequence[Num]) -> Num:
    """Run the value through the steps' formulas."""
    maths, rest = VectorMaths(e), list(operands)
    for step in steps:
        taken, rest = rest[: step.extra], rest[step.extra :]
        value = step.layer.formula(maths, *taken[: step.position], maths.held(value), *taken[step.position :])
    return value


def finished(e: Emitter, epilogue: Epilogue, value: Value, computed: str, operands: Sequence[Num]) -> Value:
    """What is stored of a computed value: after the steps, conditions as bytes."""
    result = apply_steps(e, epilogue.steps, operand(e, value, computed), operands)
    if epilogue.stored == "bool" and result.kind.element.width == 1:
        return e.b.zext(result.value, ir.VectorType(ELEMENT["bool"], value.type.count))
    return result.value


class Writer:
    """Stores a tile's results: the output's and the operands' addresses once, then pixel by pixel, vector by vector."""

    def __init__(self, sweep: Sweep, unit: Unit, tile: Tile, epilogue: Epilogue, computed: str, channel: Value) -> None:
        self.sweep, self.tile, self.epilogue, self.computed = sweep, tile, epilogue, computed
        e, axes = sweep.e, range(sweep.shape.axes)
        self.stored = ELEMENT[epilogue.stored]
        base = sweep.place(unit, sweep.y, sweep.batch_y, sweep.steps_y, tile, self.stored)
        self.y = e.at(base, channel, self.stored)
        self.step = sweep.steps_y[-1]
        self.operands: list[tuple[Value, list[Value], str]] = []
        for j, dtype in enumerate(access.dtype for access in epilogue.operands):
            steps = [sweep.args.number(f"r{j}.{axis}") for axis in axes]
            start = sweep.place(unit, sweep.args.pointer(f"r{j}"), sweep.args.number(f"r{j}b"), steps, tile, ELEMENT[dtype])
            self.operands.append((e.at(start, channel, ELEMENT[dtype]), steps, dtype))

    def below(self, row: int) -> Writer:
        """The writer of another row of the unit."""
        found = copy(self)
        if row:
            found.y = self.sweep.below(self.y, row, self.sweep.steps_y, self.stored)
            found.operands = [
                (self.sweep.below(start, row, steps, ELEMENT[dtype]), steps, dtype) for start, steps, dtype in self.operands
            ]
        return found

    def write(self, pixel: int, offset: int, value: Value, mask: Value | None) -> None:
        """Store one vector of channels, ``offset`` channels into the block; ``mask`` leaves lanes out."""
        e, lanes = self.sweep.e, value.type.count
        extra = []
        for start, steps, dtype in self.operands:
            place = e.at(start, e.add(e.mul(steps[-1], pixel), offset), ELEMENT[dtype])
            kind = ir.VectorType(ELEMENT[dtype], lanes)
            loaded = e.load(place, kind) if mask is None else e.load_masked(place, kind, mask)
            extra.append(operand(e, loaded, dtype))
        result = finished(e, self.epilogue, value, self.computed, extra)
        place = e.at(self.y, e.add(e.mul(self.step, pixel), offset), self.stored)
        if mask is None:
            e.store(result, place)
        else:
            e.store_masked(result, place, mask)


class RowWriter:
    """Stores a tile whose lanes are pixels of a row: channel by channel, vector by vector."""

    def __init__(self, sweep: Sweep, unit: Unit, tile: Tile, epilogue: Epilogue, computed: str, channel: Value) -> None:
        self.sweep, self.tile, self.epilogue, self.computed = sweep, tile, epilogue, computed
        e, axes = sweep.e, range(sweep.shape.axes)
        self.stored = ELEMENT[epilogue.stored]
        base = sweep.place(unit, sweep.y, sweep.batch_y, sweep.steps_y, tile, self.stored)
        self.y = e.at(base, e.mul(channel, sweep.channel_y), self.stored)
        self.operands: list[tuple[Value, Value, list[Value], Access]] = []
        self.masks: dict[tuple[int, int, int], Value] = {}
        for j, access in enumerate(epilogue.operands):
            kind = ELEMENT[access.dtype]
            steps = [sweep.args.number(f"r{j}.{axis}") for axis in axes]
            start = sweep.place(unit, sweep.args.pointer(f"r{j}"), sweep.args.number(f"r{j}b"), steps, tile, kind)
            step = sweep.args.number(f"r{j}c")
            self.operands.append((e.at(start, e.mul(channel, step), kind), step, steps, access))

    def below(self, row: int) -> RowWriter:
        """The writer of another row of the unit, with the masks that this one has."""
        found = copy(self)
        if row:
            found.y = self.sweep.below(self.y, row, self.sweep.steps_y, self.stored)
            found.operands = [
                (self.sweep.below(start, row, steps, ELEMENT[access.dtype]), step, steps, access)
                for start, step, steps, access in self.operands
            ]
        return found

    def mask(self, offset: int, lanes: int, pixels: int) -> Value | None:
        """The lanes of a vector that are real, of which ``pixels`` are wanted; ``None`` for all."""
        e, key = self.sweep.e, (offset, lanes, pixels)
        if self.tile.count is None:
            return None if pixels == lanes else e.first_lanes(pixels, lanes)
        if key not in self.masks:
            left = e.sub(self.tile.count, offset)
            self.masks[key] = e.first_lanes(left if pixels == lanes else e.min(left, pixels), lanes)
        return self.masks[key]

    def write(self, channel: int, offset: int, value: Value, pixels: int | None = None) -> None:
        """Store one vector of ``pixels`` pixels (default: all lanes), ``offset`` into the tile, of a channel of the block."""
        e, lanes = self.sweep.e, value.type.count
        mask = self.mask(offset, lanes, pixels or lanes)
        extra = [
            operand(e, self._operand(start, step, access, channel, offset, lanes, mask), access.dtype)
            for start, step, _, access in self.operands
        ]
        result = finished(e, self.epilogue, value, self.computed, extra)
        place = e.at(self.y, e.add(e.mul(self.sweep.channel_y, channel), offset), self.stored)
        if mask is None:
            e.store(result, place)
        else:
            e.store_masked(result, place, mask)

    def _operand(
        self, start: Value, step: Value, access: Access, channel: int, offset: int, lanes: int, mask: Value | None
    ) -> Value:
        e, kind = self.sweep.e, ELEMENT[access.dtype]
        place = e.at(start, e.mul(step, channel), kind)
        if access.step == 0:
            return e.splat(e.load(place, kind), lanes)
        place, vector = e.at(place, offset, kind), ir.VectorType(kind, lanes)
        return e.load(place, vector) if mask is None else e.load_masked(place, vector, mask)
