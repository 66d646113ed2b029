"""Softmax and its logarithm, over one axis, or jointly over several."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np

from atrous.errors import NetworkError
from atrous.geometry import SAME, Pull, Whole
from atrous.graph.fact import Array, Fact
from atrous.graph.layer import Layer
from atrous.graph.layers import check


@dataclass(frozen=True, slots=True)
class _Joint(Layer):
    """What runs jointly over the axes ``first`` to ``last`` inclusive (negative from the end).

    ONNX before opset 13 flattens all axes from ``axis`` on: ``(axis, -1)``; since then it is ``(axis, axis)``.
    """

    first: int = 1
    last: int = 1

    @property
    def local(self) -> bool:  # type: ignore[override]
        """Whether it runs over the channels alone."""
        return self.first == self.last == 1

    def axes(self, rank: int) -> tuple[int, ...]:
        """The joint axes of a value with ``rank`` axes, as numbers from 0 in order."""
        first, last = check.axis(self.first, rank), check.axis(self.last, rank)
        if first > last:
            raise NetworkError(f"softmax runs from axis {first} to {last}; the first must not lie behind the last")
        return tuple(range(first, last + 1))

    def infer(self, *operands: Fact) -> Fact:
        check.arity(operands, 1)
        self.axes(operands[0].rank)
        return Fact(operands[0].dtype, operands[0].shape)

    def reads(self, *operands: Fact) -> tuple[tuple[Pull, ...], ...]:
        axes = self.axes(operands[0].rank)
        return (tuple(Pull(i, Whole(size) if i in axes else SAME) for i, size in enumerate(operands[0].sizes)),)


@final
@dataclass(frozen=True, slots=True)
class Softmax(_Joint):
    """``exp(x - max) / sum(exp(x - max))``, jointly over the axes ``first`` to ``last`` inclusive (negative from the end)."""

    def evaluate(self, *operands: Array) -> Array:
        x, axes = operands[0].astype(np.float64), self.axes(operands[0].ndim)
        with np.errstate(invalid="ignore"):
            powers = np.exp(x - x.max(axis=axes, keepdims=True))
            return np.asarray(powers / powers.sum(axis=axes, keepdims=True)).astype(operands[0].dtype)


@final
@dataclass(frozen=True, slots=True)
class LogSoftmax(_Joint):
    """``x - max - log(sum(exp(x - max)))``, jointly over the axes ``first`` to ``last``: finite where a softmax rounds to 0."""

    def evaluate(self, *operands: Array) -> Array:
        x, axes = operands[0].astype(np.float64), self.axes(operands[0].ndim)
        with np.errstate(invalid="ignore"):
            x = x - x.max(axis=axes, keepdims=True)
            return np.asarray(x - np.log(np.exp(x).sum(axis=axes, keepdims=True))).astype(operands[0].dtype)
