"""Normalisation: with known statistics, with those of the signal itself, and over neighbouring channels."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import ClassVar, final

import numpy as np

from atrous import reference
from atrous.errors import NetworkError
from atrous.geometry import SAME, Pull, Whole, Window
from atrous.graph.fact import Array, Fact
from atrous.graph.layer import Layer, broadcast, broadcast_reads
from atrous.graph.layers import check
from atrous.graph.layers.convolution import channel_map


@final
@dataclass(frozen=True, slots=True)
class BatchNorm(Layer):
    """``(x - mean) / sqrt(var + epsilon) * scale + bias`` over axis 1; operands ``(x, scale, bias, mean, var)``.

    S. Ioffe and C. Szegedy, "Batch normalization", arXiv:1502.03167, in inference: the statistics are constants.
    """

    epsilon: float = 1e-5

    linear: ClassVar[bool] = True
    trained: ClassVar[tuple[int, ...]] = (1, 2)
    fixed: ClassVar[tuple[int, ...]] = (1, 2, 3, 4)

    def affine(self, *moving: int) -> bool:
        return 4 not in moving and not (1 in moving and {0, 3} & set(moving))

    def infer(self, *operands: Fact) -> Fact:
        check.arity(operands, 5)
        check.same_dtype(*operands)
        x = operands[0]
        if x.rank < 2:
            check.rank(x, "input", 2)
        for what, fact in zip(("scale", "bias", "mean", "variance"), operands[1:], strict=True):
            check.shape(fact, what, (x.sizes[1],))
        return Fact(x.dtype, x.shape)

    def reads(self, *operands: Fact) -> tuple[tuple[Pull, ...], ...]:
        return (tuple(Pull(i, SAME) for i in range(operands[0].rank)), *((Pull(1, SAME),) for _ in operands[1:]))

    def evaluate(self, *operands: Array) -> Array:
        x, scale, bias, mean, var = (array.astype(np.float64) for array in operands)
        factor = scale / np.sqrt(var + self.epsilon)
        along = (-1, *(1,) * (x.ndim - 2))
        return (x * factor.reshape(along) + (bias - mean * factor).reshape(along)).astype(operands[0].dtype)


@final
@dataclass(frozen=True, slots=True)
class LRN(Layer):
    """Local response normalisation over ``size`` neighbouring channels: ``x / (bias + alpha/size * sum(x²))**beta``.

    A. Krizhevsky, I. Sutskever, G. Hinton, "ImageNet classification with deep convolutional neural networks", NIPS 2012,
    section 3.3, with alpha divided by the size as Caffe and ONNX have it.
    """

    size: int
    alpha: float = 1e-4
    beta: float = 0.75
    bias: float = 1.0

    @property
    def window(self) -> Window:
        """The channels that one output channel reads."""
        return Window(self.size, pad_lo=(self.size - 1) // 2, pad_hi=self.size // 2)

    def infer(self, *operands: Fact) -> Fact:
        check.arity(operands, 1)
        if operands[0].rank < 2:
            check.rank(operands[0], "input", 2)
        return Fact(operands[0].dtype, operands[0].shape)

    def reads(self, *operands: Fact) -> tuple[tuple[Pull, ...], ...]:
        space = (Pull(i, SAME) for i in range(2, operands[0].rank))
        return ((Pull(0, SAME), Pull(1, self.window), *space),)

    def evaluate(self, *operands: Array) -> Array:
        return reference.lrn(operands[0], self.size, self.alpha, self.beta, self.bias).astype(operands[0].dtype)


@final
@dataclass(frozen=True, slots=True)
class Standardise(Layer):
    """``(x - mean) / sqrt(variance + epsilon) * scale + bias``, both statistics taken over ``axes`` (negative from the end).

    Operands ``(x[, scale[, bias]])``, the last two broadcast to ``x``. Not ``centred``, the mean is taken as 0: the divisor is
    the root of the mean square (arXiv:1910.07467). Over the last axes, this is layer normalisation (J. L. Ba, J. R. Kiros,
    G. E. Hinton, arXiv:1607.06450).
    """

    axes: tuple[int, ...]
    epsilon: float = 1e-5
    centred: bool = True

    trained: ClassVar[tuple[int, ...]] = (1, 2)

    @property
    def local(self) -> bool:  # type: ignore[override]
        """Whether the statistics run over axes 0 and 1 alone, where batch and channels stand in most networks."""
        return all(axis in (0, 1) for axis in self.axes)

    def affine(self, *moving: int) -> bool:
        return 0 not in moving

    def infer(self, *operands: Fact) -> Fact:
        check.arity(operands, 1, 3)
        check.same_dtype(*operands)
        x = operands[0]
        check.some(x)
        if not check.axes(self.axes, x.rank):
            raise NetworkError("axes are missing; name those that share a mean and a variance")
        for what, fact in zip(("scale", "bias"), operands[1:], strict=False):
            if broadcast((x, fact)) != x.sizes:
                raise NetworkError(f"{what} {fact!r} does not broadcast to the input {x!r}: its sizes must agree or be 1")
        return Fact(x.dtype, x.shape)

    def reads(self, *operands: Fact) -> tuple[tuple[Pull, ...], ...]:
        x = operands[0]
        axes = check.axes(self.axes, x.rank)
        own = tuple(Pull(i, Whole(size) if i in axes else SAME) for i, size in enumerate(x.sizes))
        return (own, *(broadcast_reads(x.sizes, fact) for fact in operands[1:]))

    def evaluate(self, *operands: Array) -> Array:
        x, *rest = (array.astype(np.float64) for array in operands)
        y = _standardised(x, check.axes(self.axes, x.ndim), self.epsilon, self.centred)
        y = y * rest[0] if rest else y
        return np.asarray(y + rest[1] if rest[1:] else y).astype(operands[0].dtype)


def _standardised(x: Array, axes: tuple[int, ...], epsilon: float, centred: bool = True) -> Array:
    with np.errstate(all="ignore"):
        x = x - x.mean(axis=axes, keepdims=True) if centred else x
        return np.asarray(x / np.sqrt((x * x).mean(axis=axes, keepdims=True) + epsilon))


@final
@dataclass(frozen=True, slots=True)
class GroupNorm(Layer):
    """``(x - mean) / sqrt(variance + epsilon) * scale + bias``; operands ``(x, scale, bias)``, one scale and bias a channel.

    Each image and each of ``groups`` groups of channels has its own mean and variance, over its channels and the whole space
    (Y. Wu, K. He, arXiv:1803.08494). ``None``: every channel is a group, which is instance normalisation (arXiv:1607.08022).
    """

    groups: int | None = None
    epsilon: float = 1e-5

    local: ClassVar[bool] = False
    trained: ClassVar[tuple[int, ...]] = (1, 2)

    def affine(self, *moving: int) -> bool:
        return 0 not in moving

    def infer(self, *operands: Fact) -> Fact:
        check.arity(operands, 3)
        check.same_dtype(*operands)
        x = operands[0]
        if x.rank < 3:
            check.rank(x, "input", 3)
        check.some(x)
        if self.groups is not None and (self.groups < 1 or x.sizes[1] % self.groups):
            raise NetworkError(f"groups={self.groups} does not divide the {x.sizes[1]} channels; it must")
        for what, fact in zip(("scale", "bias"), operands[1:], strict=True):
            check.shape(fact, what, (x.sizes[1],))
        return Fact(x.dtype, x.shape)

    def reads(self, *operands: Fact) -> tuple[tuple[Pull, ...], ...]:
        x = operands[0]
        channels = x.sizes[1]
        space = (Pull(i, Whole(size)) for i, size in enumerate(x.sizes[2:], start=2))
        own = (Pull(0, SAME), Pull(1, channel_map(self.groups or channels, channels, channels)), *space)
        return (own, (Pull(1, SAME),), (Pull(1, SAME),))

    def evaluate(self, *operands: Array) -> Array:
        x, scale, bias = (array.astype(np.float64) for array in operands)
        grouped = x.reshape(x.shape[0], self.groups or x.shape[1], prod(x.shape[1:]) // (self.groups or x.shape[1]))
        y = _standardised(grouped, (2,), self.epsilon).reshape(x.shape)
        along = (-1, *(1,) * (x.ndim - 2))
        return (y * scale.reshape(along) + bias.reshape(along)).astype(operands[0].dtype)


@final
@dataclass(frozen=True, slots=True)
class LpNorm(Layer):
    """``x / norm`` by the ``p``-norm along ``axis``: sum of magnitudes (1) or Euclidean norm (2); 0 where that is 0."""

    p: int = 2
    axis: int = -1

    @property
    def local(self) -> bool:  # type: ignore[override]
        """Whether it runs over the batch or the channels."""
        return self.axis in (0, 1)

    def infer(self, *operands: Fact) -> Fact:
        check.arity(operands, 1)
        (x,) = operands
        check.some(x)
        check.axis(self.axis, x.rank)
        if self.p not in (1, 2):
            raise NetworkError(f"p is {self.p}; it must be 1 or 2")
        return Fact(x.dtype, x.shape)

    def reads(self, *operands: Fact) -> tuple[tuple[Pull, ...], ...]:
        (x,) = operands
        axis = check.axis(self.axis, x.rank)
        return (tuple(Pull(i, Whole(size) if i == axis else SAME) for i, size in enumerate(x.sizes)),)

    def evaluate(self, *operands: Array) -> Array:
        x = operands[0].astype(np.float64)
        norm = np.linalg.norm(x, self.p, axis=self.axis, keepdims=True)
        with np.errstate(all="ignore"):
            return np.where(norm == 0, 0.0, x / norm).astype(operands[0].dtype)
