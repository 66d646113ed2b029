"""Reductions over axes. Global pools are reductions over the space that keep its axes with size 1."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from math import inf, isfinite, prod
from typing import Any, ClassVar, final

import numpy as np

from atrous.geometry import SAME, Pull, Whole
from atrous.graph.fact import Array, Fact
from atrous.graph.layer import Layer
from atrous.graph.layers import check
from atrous.graph.maths import Maths, NumpyMaths, Scalar


def reduced_sizes(x: Fact, axes: Sequence[int], keepdims: bool) -> tuple[int, ...]:
    """The shape of one value for all elements along ``axes``, which stay with size 1 or go."""
    kept = ((i, size) for i, size in enumerate(x.sizes) if keepdims or i not in axes)
    return tuple(1 if i in axes else size for i, size in kept)


def reduced_reads(x: Fact, axes: Sequence[int], keepdims: bool) -> tuple[Pull, ...]:
    """The geometry rule of such a value: the axes that are gone are read completely, the others in place."""
    pulls, place = [], 0
    for i, size in enumerate(x.sizes):
        gone = i in axes and not keepdims
        pulls.append(Pull(0 if gone else place, Whole(size) if i in axes else SAME))
        place += not gone
    return tuple(pulls)


@dataclass(frozen=True, slots=True)
class Reduce(Layer):
    """One value from all elements along ``axes`` (negative ones count from the last; none given means all).

    The value is ``finish(combine(... combine(start, take(x0)), take(x1) ...), count)``.
    """

    axes: tuple[int, ...] = ()
    keepdims: bool = True

    start: ClassVar[float] = 0.0
    #: Whether ``combine`` gives one of the two, so that nothing is rounded on the way.
    exact: ClassVar[bool] = False
    #: Whether ``finish`` divides by the count, so that there must be an element.
    averages: ClassVar[bool] = False
    #: ``combine`` as a NumPy function, for the oracle.
    ufunc: ClassVar[Any] = np.add

    def take(self, m: Maths, x: Scalar) -> Scalar:
        """What one element contributes."""
        return x

    @abstractmethod
    def combine(self, m: Maths, acc: Scalar, x: Scalar) -> Scalar:
        """Two contributions as one."""

    def finish(self, m: Maths, acc: Scalar, count: Scalar) -> Scalar:
        """The result, from all ``count`` contributions."""
        return acc

    @property
    def local(self) -> bool:  # type: ignore[override]
        """Whether only batch and channels (axes 0 and 1) are reduced: the others grow with the signal."""
        return bool(self.axes) and all(axis in (0, 1) for axis in self.axes)

    def reduced(self, rank: int) -> tuple[int, ...]:
        """The reduced axes of a value with ``rank`` axes, as numbers from 0 in order."""
        return tuple(sorted(check.axes(self.axes, rank))) or tuple(range(rank))

    def begin(self, dtype: str) -> float:
        """``start`` in a type: integers and booleans have no infinity, and begin at the end of their range."""
        if isfinite(self.start) or np.issubdtype(np.dtype(dtype), np.floating):
            return self.start
        if dtype == "bool":
            return self.start > 0
        bounds = np.iinfo(dtype)
        return int(bounds.max if self.start > 0 else bounds.min)

    def infer(self, *operands: Fact) -> Fact:
        check.arity(operands, 1)
        (x,) = operands
        axes = self.reduced(x.rank)
        if self.averages:
            check.some(x)
        return Fact(x.dtype, reduced_sizes(x, axes, self.keepdims))

    def reads(self, *operands: Fact) -> tuple[tuple[Pull, ...], ...]:
        (x,) = operands
        return (reduced_reads(x, self.reduced(x.rank), self.keepdims),)

    def evaluate(self, *operands: Array) -> Array:
        (x,) = operands
        axes, m = self.reduced(x.ndim), NumpyMaths()
        wide = x.astype(np.float64) if np.issubdtype(x.dtype, np.floating) else x
        total = self.ufunc.reduce(self.take(m, wide), axis=axes, keepdims=self.keepdims, initial=self.begin(wide.dtype.name))
        return np.asarray(self.finish(m, total, prod(x.shape[i] for i in axes))).astype(x.dtype)


@final
@dataclass(frozen=True, slots=True)
class ReduceSum(Reduce):
    """The sum."""

    linear: ClassVar[bool] = True

    def combine(self, m: Maths, acc: Scalar, x: Scalar) -> Scalar:
        return acc + x


@final
@dataclass(frozen=True, slots=True)
class ReduceMean(Reduce):
    """The mean; over the space, global average pooling."""

    linear: ClassVar[bool] = True
    averages: ClassVar[bool] = True

    def combine(self, m: Maths, acc: Scalar, x: Scalar) -> Scalar:
        return acc + x

    def finish(self, m: Maths, acc: Scalar, count: Scalar) -> Scalar:
        return acc / count


@final
@dataclass(frozen=True, slots=True)
class ReduceMax(Reduce):
    """The largest element, NaN if there is one; over the space, global max pooling."""

    start: ClassVar[float] = -inf
    exact: ClassVar[bool] = True
    ufunc: ClassVar[Any] = np.maximum

    def combine(self, m: Maths, acc: Scalar, x: Scalar) -> Scalar:
        return m.maximum(acc, x)


@final
@dataclass(frozen=True, slots=True)
class ReduceMin(Reduce):
    """The smallest element, NaN if there is one."""

    start: ClassVar[float] = inf
    exact: ClassVar[bool] = True
    ufunc: ClassVar[Any] = np.minimum

    def combine(self, m: Maths, acc: Scalar, x: Scalar) -> Scalar:
        return m.minimum(acc, x)


@final
@dataclass(frozen=True, slots=True)
class ReduceProd(Reduce):
    """The product."""

    start: ClassVar[float] = 1.0
    ufunc: ClassVar[Any] = np.multiply

    def combine(self, m: Maths, acc: Scalar, x: Scalar) -> Scalar:
        return acc * x


@final
@dataclass(frozen=True, slots=True)
class ReduceL1(Reduce):
    """The sum of magnitudes."""

    def take(self, m: Maths, x: Scalar) -> Scalar:
        return m.abs(x)

    def combine(self, m: Maths, acc: Scalar, x: Scalar) -> Scalar:
        return acc + x


@final
@dataclass(frozen=True, slots=True)
class ReduceL2(Reduce):
    """The Euclidean norm."""

    def take(self, m: Maths, x: Scalar) -> Scalar:
        return x * x

    def combine(self, m: Maths, acc: Scalar, x: Scalar) -> Scalar:
        return acc + x

    def finish(self, m: Maths, acc: Scalar, count: Scalar) -> Scalar:
        return m.sqrt(acc)


@final
@dataclass(frozen=True, slots=True)
class ReduceMeanSquare(Reduce):
    """The mean of squares: the variance of what is centred."""

    averages: ClassVar[bool] = True

    def take(self, m: Maths, x: Scalar) -> Scalar:
        return x * x

    def combine(self, m: Maths, acc: Scalar, x: Scalar) -> Scalar:
        return acc + x

    def finish(self, m: Maths, acc: Scalar, count: Scalar) -> Scalar:
        return acc / count
