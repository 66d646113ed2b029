"""Activations: pointwise functions of one operand, each written once as a formula."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from math import sqrt
from typing import ClassVar, final

import numpy as np

from atrous.graph.fact import Fact
from atrous.graph.layer import Pointwise
from atrous.graph.layers import check
from atrous.graph.maths import Maths, Scalar


@dataclass(frozen=True, slots=True)
class Activation(Pointwise):
    """A pointwise function of one operand."""

    #: Whether it takes integers and booleans too.
    whole: ClassVar[bool] = False

    def infer(self, *operands: Fact) -> Fact:
        check.arity(operands, 1)
        if not self.whole:
            check.floats(operands[0])
        return Fact(operands[0].dtype, operands[0].shape)

    def formula(self, m: Maths, *operands: Scalar) -> Scalar:
        return self.function(m, operands[0])

    @abstractmethod
    def function(self, m: Maths, x: Scalar) -> Scalar:
        """The function of one element."""


@final
@dataclass(frozen=True, slots=True)
class Identity(Activation):
    """``x``."""

    linear: ClassVar[bool] = True
    whole: ClassVar[bool] = True

    def function(self, m: Maths, x: Scalar) -> Scalar:
        return x


@final
@dataclass(frozen=True, slots=True)
class Relu(Activation):
    """``max(x, 0)``."""

    whole: ClassVar[bool] = True

    def function(self, m: Maths, x: Scalar) -> Scalar:
        return m.maximum(x, 0.0)


@final
@dataclass(frozen=True, slots=True)
class LeakyRelu(Activation):
    """``x`` where positive, ``alpha * x`` elsewhere."""

    alpha: float = 0.01

    def function(self, m: Maths, x: Scalar) -> Scalar:
        return m.where(m.less(x, 0.0), x * self.alpha, x)


@final
@dataclass(frozen=True, slots=True)
class ThresholdedRelu(Activation):
    """``x`` above ``alpha``, 0 elsewhere."""

    alpha: float = 1.0

    def function(self, m: Maths, x: Scalar) -> Scalar:
        return m.where(m.less(self.alpha, x), x, x * 0.0)


@final
@dataclass(frozen=True, slots=True)
class Elu(Activation):
    """``x`` where positive, ``alpha * (exp(x) - 1)`` elsewhere (arXiv:1511.07289)."""

    alpha: float = 1.0

    def function(self, m: Maths, x: Scalar) -> Scalar:
        return m.where(m.less(x, 0.0), (m.exp(m.minimum(x, 0.0)) - 1.0) * self.alpha, x)


@final
@dataclass(frozen=True, slots=True)
class Selu(Activation):
    """``gamma * Elu(alpha)`` (arXiv:1706.02515)."""

    alpha: float = 1.67326319217681884765625
    gamma: float = 1.05070102214813232421875

    def function(self, m: Maths, x: Scalar) -> Scalar:
        return Elu(self.alpha).function(m, x) * self.gamma


@final
@dataclass(frozen=True, slots=True)
class Celu(Activation):
    """``max(0, x) + min(0, alpha * (exp(x / alpha) - 1))`` (arXiv:1704.07483)."""

    alpha: float = 1.0

    def function(self, m: Maths, x: Scalar) -> Scalar:
        return m.where(m.less(x, 0.0), (m.exp(m.minimum(x, 0.0) * (1.0 / self.alpha)) - 1.0) * self.alpha, x)


@final
@dataclass(frozen=True, slots=True)
class Sigmoid(Activation):
    """``1 / (1 + exp(-x))``."""

    def function(self, m: Maths, x: Scalar) -> Scalar:
        return 1.0 / (m.exp(-x) + 1.0)


@final
@dataclass(frozen=True, slots=True)
class HardSigmoid(Activation):
    """``alpha * x + beta``, kept in 0..1."""

    alpha: float = 0.2
    beta: float = 0.5

    def function(self, m: Maths, x: Scalar) -> Scalar:
        return m.minimum(m.maximum(x * self.alpha + self.beta, 0.0), 1.0)


@final
@dataclass(frozen=True, slots=True)
class HardSwish(Activation):
    """``x * HardSigmoid(1/6, 1/2)(x)`` (arXiv:1905.02244)."""

    def function(self, m: Maths, x: Scalar) -> Scalar:
        return x * HardSigmoid(1 / 6, 0.5).function(m, x)


@final
@dataclass(frozen=True, slots=True)
class Swish(Activation):
    """``x * sigmoid(alpha * x)``, SiLU with ``alpha = 1`` (arXiv:1710.05941)."""

    alpha: float = 1.0

    def function(self, m: Maths, x: Scalar) -> Scalar:
        return x * Sigmoid().function(m, x * self.alpha)


@final
@dataclass(frozen=True, slots=True)
class Tanh(Activation):
    """The hyperbolic tangent."""

    def function(self, m: Maths, x: Scalar) -> Scalar:
        return m.tanh(x)


@final
@dataclass(frozen=True, slots=True)
class Softplus(Activation):
    """``log(1 + exp(x))``, written so that it does not overflow."""

    def function(self, m: Maths, x: Scalar) -> Scalar:
        return m.maximum(x, 0.0) + m.log(m.exp(-m.abs(x)) + 1.0)


@final
@dataclass(frozen=True, slots=True)
class Softsign(Activation):
    """``x / (1 + |x|)``."""

    def function(self, m: Maths, x: Scalar) -> Scalar:
        return x / (m.abs(x) + 1.0)


@final
@dataclass(frozen=True, slots=True)
class Mish(Activation):
    """``x * tanh(softplus(x))`` (arXiv:1908.08681)."""

    def function(self, m: Maths, x: Scalar) -> Scalar:
        return x * m.tanh(Softplus().function(m, x))


@final
@dataclass(frozen=True, slots=True)
class Gelu(Activation):
    """``x/2 * (1 + erf(x/√2))``, or its tanh approximation (arXiv:1606.08415)."""

    approximate: bool = False

    def function(self, m: Maths, x: Scalar) -> Scalar:
        if self.approximate:
            return x * 0.5 * (m.tanh((x + x * x * x * 0.044715) * sqrt(2 / 3.141592653589793)) + 1.0)
        return x * 0.5 * (m.erf(x * sqrt(0.5)) + 1.0)


@final
@dataclass(frozen=True, slots=True)
class Clip(Activation):
    """``x`` kept in ``low..high``; ``None`` leaves a side open."""

    low: float | None = None
    high: float | None = None

    whole: ClassVar[bool] = True

    def function(self, m: Maths, x: Scalar) -> Scalar:
        x = x if self.low is None else m.maximum(x, self.low)
        return x if self.high is None else m.minimum(x, self.high)


@final
@dataclass(frozen=True, slots=True)
class Exp(Activation):
    """``exp(x)``."""

    def function(self, m: Maths, x: Scalar) -> Scalar:
        return m.exp(x)


@final
@dataclass(frozen=True, slots=True)
class Log(Activation):
    """The natural logarithm."""

    def function(self, m: Maths, x: Scalar) -> Scalar:
        return m.log(x)


@final
@dataclass(frozen=True, slots=True)
class Sqrt(Activation):
    """The square root."""

    def function(self, m: Maths, x: Scalar) -> Scalar:
        return m.sqrt(x)


@final
@dataclass(frozen=True, slots=True)
class Reciprocal(Activation):
    """``1 / x``."""

    def function(self, m: Maths, x: Scalar) -> Scalar:
        return 1.0 / x


@final
@dataclass(frozen=True, slots=True)
class Neg(Activation):
    """``-x``."""

    linear: ClassVar[bool] = True
    whole: ClassVar[bool] = True

    def function(self, m: Maths, x: Scalar) -> Scalar:
        return -x


@final
@dataclass(frozen=True, slots=True)
class Abs(Activation):
    """``|x|``."""

    whole: ClassVar[bool] = True

    def function(self, m: Maths, x: Scalar) -> Scalar:
        return m.abs(x)


@final
@dataclass(frozen=True, slots=True)
class Sign(Activation):
    """-1, 0 or 1."""

    whole: ClassVar[bool] = True

    def function(self, m: Maths, x: Scalar) -> Scalar:
        return m.where(m.less(x, 0), -1, m.where(m.less(0, x), 1, x))


@final
@dataclass(frozen=True, slots=True)
class Floor(Activation):
    """The largest integer not above ``x``."""

    def function(self, m: Maths, x: Scalar) -> Scalar:
        return m.floor(x)


@final
@dataclass(frozen=True, slots=True)
class Ceil(Activation):
    """The smallest integer not below ``x``."""

    def function(self, m: Maths, x: Scalar) -> Scalar:
        return m.ceil(x)


@final
@dataclass(frozen=True, slots=True)
class Round(Activation):
    """The nearest integer, halves to even."""

    def function(self, m: Maths, x: Scalar) -> Scalar:
        return m.round(x)


@final
@dataclass(frozen=True, slots=True)
class Erf(Activation):
    """The error function."""

    def function(self, m: Maths, x: Scalar) -> Scalar:
        return m.erf(x)


@final
@dataclass(frozen=True, slots=True)
class Cast(Activation):
    """Conversion to another element type; floats to integers round towards zero and saturate."""

    dtype: str

    @property
    def linear(self) -> bool:  # type: ignore[override]
        """Whether it rounds to nothing but another float."""
        return np.issubdtype(np.dtype(self.dtype), np.floating)

    def infer(self, *operands: Fact) -> Fact:
        check.arity(operands, 1)
        return Fact(self.dtype, operands[0].shape)

    def function(self, m: Maths, x: Scalar) -> Scalar:
        return m.cast(x, self.dtype)
