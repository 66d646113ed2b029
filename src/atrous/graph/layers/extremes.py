"""Where the extreme elements lie."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import final

import numpy as np

from atrous.geometry import Pull
from atrous.graph.fact import Array, Fact
from atrous.graph.layer import Layer
from atrous.graph.layers import check
from atrous.graph.layers.reduction import reduced_reads, reduced_sizes


@dataclass(frozen=True, slots=True)
class ArgExtreme(Layer):
    """The place along ``axis`` of an extreme element, as int64: the first such place, or with ``last`` the last one.

    A NaN counts as more extreme than any number, as in NumPy.
    """

    axis: int = 0
    keepdims: bool = True
    last: bool = False

    @abstractmethod
    def place(self, x: Array, axis: int) -> Array:
        """The first place of an extreme element along an axis."""

    @property
    def local(self) -> bool:  # type: ignore[override]
        """Whether it runs over the batch or the channels."""
        return self.axis in (0, 1)

    def infer(self, *operands: Fact) -> Fact:
        check.arity(operands, 1)
        (x,) = operands
        check.some(x)
        return Fact("int64", reduced_sizes(x, (check.axis(self.axis, x.rank),), self.keepdims))

    def reads(self, *operands: Fact) -> tuple[tuple[Pull, ...], ...]:
        (x,) = operands
        return (reduced_reads(x, (check.axis(self.axis, x.rank),), self.keepdims),)

    def evaluate(self, *operands: Array) -> Array:
        (x,) = operands
        axis = check.axis(self.axis, x.ndim)
        found = self.place(np.flip(x, axis) if self.last else x, axis)
        found = x.shape[axis] - 1 - found if self.last else found
        return np.asarray(np.expand_dims(found, axis) if self.keepdims else found, np.int64)


@final
@dataclass(frozen=True, slots=True)
class ArgMax(ArgExtreme):
    """The place of the largest element."""

    def place(self, x: Array, axis: int) -> Array:
        return np.asarray(np.argmax(x, axis))


@final
@dataclass(frozen=True, slots=True)
class ArgMin(ArgExtreme):
    """The place of the smallest element."""

    def place(self, x: Array, axis: int) -> Array:
        return np.asarray(np.argmin(x, axis))
