"""Pooling over windows, over any number of spatial axes. Pooling over the whole space is a reduction."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, final

from atrous import reference
from atrous.errors import NetworkError
from atrous.geometry import SAME, Pull, Window
from atrous.geometry.padding import Padding
from atrous.graph.fact import Array, Fact
from atrous.graph.layer import Layer
from atrous.graph.layers import check


@dataclass(frozen=True, slots=True)
class Pool(Layer):
    """One output for each window and channel: x ``(N, C, *space)`` to ``(N, C, *out)``."""

    kernel: tuple[int, ...]
    strides: tuple[int, ...]
    dilations: tuple[int, ...]
    padding: Padding
    ceil: bool = False

    def windows(self, sizes: Sequence[int]) -> tuple[Window, ...]:
        """One window for each spatial axis of a signal with these spatial sizes."""
        return self.padding.windows(self.kernel, self.strides, self.dilations, sizes, ceil=self.ceil)

    def infer(self, *operands: Fact) -> Fact:
        check.arity(operands, 1)
        (x,) = operands
        check.rank(x, "input", 2 + len(self.kernel))
        space = check.output_sizes(self.windows(x.sizes[2:]), x.sizes[2:])
        return Fact(x.dtype, (*x.sizes[:2], *space))

    def reads(self, *operands: Fact) -> tuple[tuple[Pull, ...], ...]:
        space = (Pull(2 + i, window) for i, window in enumerate(self.windows(operands[0].sizes[2:])))
        return ((Pull(0, SAME), Pull(1, SAME), *space),)

    @abstractmethod
    def evaluate(self, *operands: Array) -> Array: ...


@final
@dataclass(frozen=True, slots=True)
class MaxPool(Pool):
    """The largest element of each window; what is padded counts as −∞, and NaN wins."""

    def evaluate(self, *operands: Array) -> Array:
        return reference.max_pool(operands[0], self.windows(operands[0].shape[2:])).astype(operands[0].dtype)


@final
@dataclass(frozen=True, slots=True)
class AveragePool(Pool):
    """The mean of each window: over its real elements, or with ``count_include_pad`` over those in the padding too.

    Elements beyond the padding, which ``ceil`` may reach, never count.
    """

    count_include_pad: bool = False

    linear: ClassVar[bool] = True

    def evaluate(self, *operands: Array) -> Array:
        windows = self.windows(operands[0].shape[2:])
        return reference.average_pool(operands[0], windows, self.count_include_pad).astype(operands[0].dtype)


@final
@dataclass(frozen=True, slots=True)
class LpPool(Pool):
    """The ``p``-norm of each window, ``(sum of |x|**p) ** (1/p)``; what is padded counts as 0."""

    p: int = 2

    def infer(self, *operands: Fact) -> Fact:
        if self.p < 1:
            raise NetworkError(f"p is {self.p}; it must be at least 1")
        return Pool.infer(self, *operands)

    def evaluate(self, *operands: Array) -> Array:
        return reference.lp_pool(operands[0], self.windows(operands[0].shape[2:]), self.p).astype(operands[0].dtype)
