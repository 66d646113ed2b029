"""Normalisation with known statistics, and over neighbouring channels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np

from atrous import reference
from atrous.geometry import SAME, Pull, Window
from atrous.graph.fact import Array, Fact
from atrous.graph.layer import Layer
from atrous.graph.layers import check


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
