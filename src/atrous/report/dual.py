"""Derivatives of pointwise layers: their own formulas over dual numbers, a value with its derivative beside it."""

from __future__ import annotations

from dataclasses import dataclass
from math import pi, sqrt

import numpy as np

from atrous.graph.fact import Array
from atrous.graph.layer import Pointwise
from atrous.graph.maths import NumpyMaths, Scalar


@dataclass(frozen=True, slots=True)
class Dual:
    """``value + slope * ε`` with ``ε² = 0``: arithmetic on it carries the derivative along."""

    value: Scalar
    slope: Scalar = 0.0

    def __neg__(self) -> Dual:
        return Dual(-self.value, -self.slope)

    def __add__(self, other: Scalar) -> Dual:
        y = lifted(other)
        return Dual(self.value + y.value, self.slope + y.slope)

    def __radd__(self, other: Scalar) -> Dual:
        return self.__add__(other)

    def __sub__(self, other: Scalar) -> Dual:
        return self + -lifted(other)

    def __rsub__(self, other: Scalar) -> Dual:
        return lifted(other) + -self

    def __mul__(self, other: Scalar) -> Dual:
        y = lifted(other)
        return Dual(self.value * y.value, self.slope * y.value + self.value * y.slope)

    def __rmul__(self, other: Scalar) -> Dual:
        return self.__mul__(other)

    def __truediv__(self, other: Scalar) -> Dual:
        y = lifted(other)
        value = self.value / y.value
        return Dual(value, (self.slope - value * y.slope) / y.value)

    def __rtruediv__(self, other: Scalar) -> Dual:
        return lifted(other) / self


def lifted(x: Scalar) -> Dual:
    """A dual number; what is none yet is constant."""
    return x if isinstance(x, Dual) else Dual(x)


class DualMaths:
    """``Maths`` on dual numbers. Where a function has a kink, the slope is that of the side its formula takes there."""

    def exp(self, x: Scalar) -> Scalar:
        value = np.exp(x.value)
        return Dual(value, x.slope * value)

    def log(self, x: Scalar) -> Scalar:
        return Dual(np.log(x.value), x.slope / x.value)

    def sqrt(self, x: Scalar) -> Scalar:
        value = np.sqrt(x.value)
        return Dual(value, x.slope / (2 * value))

    def tanh(self, x: Scalar) -> Scalar:
        value = np.tanh(x.value)
        return Dual(value, x.slope * (1 - value * value))

    def erf(self, x: Scalar) -> Scalar:
        return Dual(NumpyMaths.erf(x.value), x.slope * (2 / sqrt(pi)) * np.exp(-x.value * x.value))

    def pow(self, x: Scalar, y: Scalar) -> Scalar:
        x, y = lifted(x), lifted(y)
        value = np.power(x.value, y.value)
        slope = x.slope * y.value * np.power(x.value, y.value - 1)
        return Dual(value, slope if np.all(y.slope == 0) else slope + y.slope * value * np.log(x.value))

    def abs(self, x: Scalar) -> Scalar:
        return Dual(np.abs(x.value), x.slope * np.sign(x.value))

    def floor(self, x: Scalar) -> Scalar:
        return Dual(np.floor(x.value))

    def ceil(self, x: Scalar) -> Scalar:
        return Dual(np.ceil(x.value))

    def round(self, x: Scalar) -> Scalar:
        return Dual(np.rint(x.value))

    def maximum(self, x: Scalar, y: Scalar) -> Scalar:
        return self.where(self.less(y, x), x, y)

    def minimum(self, x: Scalar, y: Scalar) -> Scalar:
        return self.where(self.less(x, y), x, y)

    def less(self, x: Scalar, y: Scalar) -> Scalar:
        return lifted(x).value < lifted(y).value

    def equal(self, x: Scalar, y: Scalar) -> Scalar:
        return lifted(x).value == lifted(y).value

    def where(self, condition: Scalar, x: Scalar, y: Scalar) -> Scalar:
        x, y, taken = lifted(x), lifted(y), lifted(condition).value
        return Dual(np.where(taken, x.value, y.value), np.where(taken, x.slope, y.slope))

    def cast(self, x: Scalar, dtype: str) -> Scalar:
        exact = np.issubdtype(np.dtype(dtype), np.floating)
        return Dual(NumpyMaths.cast(x.value, dtype), x.slope if exact else 0.0)


def slope(layer: Pointwise, operands: list[Array], place: int) -> Array:
    """The derivative of a pointwise layer's output by operand ``place``, of the output's shape.

    >>> from atrous.graph.layers import Tanh
    >>> slope(Tanh(), [np.zeros(2)], 0)
    array([1., 1.])
    """
    duals = [Dual(array, np.ones_like(array) if i == place else 0.0) for i, array in enumerate(operands)]
    with np.errstate(all="ignore"):
        result = lifted(layer.formula(DualMaths(), *duals))
    shape = np.broadcast_shapes(*(array.shape for array in operands))
    return np.broadcast_to(np.asarray(result.slope, operands[place].dtype), shape)
