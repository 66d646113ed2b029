"""Shape arithmetic: layers that make numbers from shapes, and tensors from numbers. They fold away before a run."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, isfinite
from typing import ClassVar, final

import numpy as np

from atrous.errors import NetworkError
from atrous.geometry import Pull
from atrous.graph.fact import Array, Fact
from atrous.graph.layer import Layer, whole
from atrous.graph.layers import check


@final
@dataclass(frozen=True, slots=True)
class Shape(Layer):
    """The sizes of axes ``start`` to ``end`` of the operand, by Python's rules for slices."""

    start: int = 0
    end: int | None = None

    def infer(self, *operands: Fact) -> Fact:
        check.arity(operands, 1)
        return Fact.of(np.array(operands[0].sizes[self.start : self.end], dtype=np.int64))

    def reads(self, *operands: Fact) -> tuple[tuple[Pull, ...], ...]:
        return (whole(operands[0]),)

    def evaluate(self, *operands: Array) -> Array:
        return np.array(operands[0].shape[self.start : self.end], dtype=np.int64)


@final
@dataclass(frozen=True, slots=True)
class Size(Layer):
    """How many elements the operand has."""

    def infer(self, *operands: Fact) -> Fact:
        check.arity(operands, 1)
        if operands[0].count >= 2**63:
            raise NetworkError(f"{operands[0]!r} has more elements than an int64 counts; it must have fewer than 2**63")
        return Fact.of(np.array(operands[0].count, dtype=np.int64))

    def reads(self, *operands: Fact) -> tuple[tuple[Pull, ...], ...]:
        return (whole(operands[0]),)

    def evaluate(self, *operands: Array) -> Array:
        return np.array(operands[0].size, dtype=np.int64)


@final
@dataclass(frozen=True, slots=True)
class ConstantOfShape(Layer):
    """A tensor of the shape that the operand holds, every element ``value`` of type ``dtype``."""

    value: float = 0.0
    dtype: str = "float32"

    local: ClassVar[bool] = False
    fixed: ClassVar[tuple[int, ...]] = (0,)

    def infer(self, *operands: Fact) -> Fact:
        check.arity(operands, 1)
        shape = check.integers(operands[0], "shape")
        if any(size < 0 for size in shape):
            raise NetworkError(f"shape {shape} has a negative size; sizes must be at least 0")
        return check.result(self.dtype, shape)

    def reads(self, *operands: Fact) -> tuple[tuple[Pull, ...], ...]:
        return (whole(operands[0]),)

    def evaluate(self, *operands: Array) -> Array:
        # A view with stride 0: a large constant costs nothing until somebody lays it out.
        return np.broadcast_to(np.asarray(self.value, dtype=self.dtype), self.infer(Fact.of(operands[0])).sizes)


@final
@dataclass(frozen=True, slots=True)
class Range(Layer):
    """``start, start + delta, ...`` below ``limit``; operands ``(start, limit, delta)``."""

    local: ClassVar[bool] = False
    fixed: ClassVar[tuple[int, ...]] = (0, 1, 2)

    def infer(self, *operands: Fact) -> Fact:
        check.arity(operands, 3)
        check.same_dtype(*operands)
        names = ("start", "limit", "delta")
        start, limit, delta = (check.value(fact, name).reshape(-1)[0] for fact, name in zip(operands, names, strict=True))
        if delta == 0:
            raise NetworkError("delta is 0; a range needs a step")
        steps = (float(limit) - float(start)) / float(delta)
        if not isfinite(steps):
            raise NetworkError(f"a range from {start} to {limit} by {delta} has no end; the numbers must be finite")
        return check.result(operands[0].dtype, (max(0, ceil(steps)),))

    def reads(self, *operands: Fact) -> tuple[tuple[Pull, ...], ...]:
        return tuple(whole(fact) for fact in operands)

    def evaluate(self, *operands: Array) -> Array:
        (count,) = self.infer(*(Fact.of(array) for array in operands)).sizes
        start, _, delta = (array.reshape(-1)[0] for array in operands)
        return np.asarray(start + np.arange(count) * delta).astype(operands[0].dtype)
