"""Pointwise layers of several operands, broadcast against each other by NumPy's rule."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np

from atrous.errors import NetworkError
from atrous.graph.fact import Array, Fact
from atrous.graph.layer import Pointwise, broadcast
from atrous.graph.layers import check
from atrous.graph.maths import Maths, NumpyMaths, Scalar


@dataclass(frozen=True, slots=True)
class Binary(Pointwise):
    """A pointwise function of two operands of one type."""

    def infer(self, *operands: Fact) -> Fact:
        check.arity(operands, 2)
        check.same_dtype(*operands)
        return Fact(operands[0].dtype, broadcast(operands))

    def formula(self, m: Maths, *operands: Scalar) -> Scalar:
        return self.function(m, *operands)

    @abstractmethod
    def function(self, m: Maths, x: Scalar, y: Scalar) -> Scalar:
        """The function of two elements."""


@final
@dataclass(frozen=True, slots=True)
class Add(Binary):
    """``x + y``."""

    linear: ClassVar[bool] = True
    trained: ClassVar[tuple[int, ...]] = (0, 1)

    def affine(self, *moving: int) -> bool:
        return True

    def function(self, m: Maths, x: Scalar, y: Scalar) -> Scalar:
        return x + y


@final
@dataclass(frozen=True, slots=True)
class Sub(Binary):
    """``x - y``."""

    linear: ClassVar[bool] = True

    def affine(self, *moving: int) -> bool:
        return True

    def function(self, m: Maths, x: Scalar, y: Scalar) -> Scalar:
        return x - y


@final
@dataclass(frozen=True, slots=True)
class Mul(Binary):
    """``x * y``."""

    linear: ClassVar[bool] = True
    trained: ClassVar[tuple[int, ...]] = (0, 1)

    def affine(self, *moving: int) -> bool:
        return len(moving) <= 1

    def function(self, m: Maths, x: Scalar, y: Scalar) -> Scalar:
        return x * y


@final
@dataclass(frozen=True, slots=True)
class Div(Binary):
    """``x / y``; integers round towards zero, and give 0 where the divisor is 0 (constants are refused)."""

    linear: ClassVar[bool] = True

    def function(self, m: Maths, x: Scalar, y: Scalar) -> Scalar:
        return x / y

    def evaluate(self, *operands: Array) -> Array:
        x, y = operands
        if not np.issubdtype(x.dtype, np.integer):
            with np.errstate(all="ignore"):
                return np.asarray(x / y)
        if not np.all(y):
            raise NetworkError(f"integer division of shape {x.shape} by zero; the divisor must not be 0")
        quotient = np.abs(x) // np.abs(y)
        return np.asarray(np.where((x < 0) != (y < 0), -quotient, quotient)).astype(x.dtype)


@final
@dataclass(frozen=True, slots=True)
class Pow(Binary):
    """``x ** y`` in the type of ``x``; the exponent may have another type.

    Of two integers it is exact modulo the range of ``x``, and ``1 / x**-y`` (0 where ``x`` is 0) for negative exponents. Mixed
    types are computed in float64 and cast.
    """

    def infer(self, *operands: Fact) -> Fact:
        check.arity(operands, 2)
        return Fact(operands[0].dtype, broadcast(operands))

    def function(self, m: Maths, x: Scalar, y: Scalar) -> Scalar:
        return m.pow(x, y)

    def evaluate(self, *operands: Array) -> Array:
        if all(np.issubdtype(array.dtype, np.integer) for array in operands):
            return _integer_power(*operands)
        x, y = (array.astype(np.float64) for array in operands)
        with np.errstate(all="ignore"):
            return np.asarray(NumpyMaths.cast(np.power(x, y), operands[0].dtype.name))


def _integer_power(x: Array, y: Array) -> Array:
    x, y = np.broadcast_arrays(x, y)
    odd = y % 2 != 0
    inverse = np.where(abs(x) == 1 if x.dtype.kind == "i" else x == 1, np.where(odd, x, 1), 0)
    modulus = 1 << (8 * x.dtype.itemsize)
    exact = [pow(int(a), max(int(b), 0), modulus) for a, b in zip(x.flat, y.flat, strict=True)]
    powers = np.array(exact, np.uint64).astype(x.dtype).reshape(x.shape)
    return np.asarray(np.where(y < 0, inverse, powers)).astype(x.dtype)


@final
@dataclass(frozen=True, slots=True)
class Minimum(Binary):
    """The smaller of both; NaN wins."""

    def function(self, m: Maths, x: Scalar, y: Scalar) -> Scalar:
        return m.minimum(x, y)


@final
@dataclass(frozen=True, slots=True)
class Maximum(Binary):
    """The larger of both; NaN wins."""

    def function(self, m: Maths, x: Scalar, y: Scalar) -> Scalar:
        return m.maximum(x, y)


@final
@dataclass(frozen=True, slots=True)
class PRelu(Binary):
    """``x`` where positive, ``slope * x`` elsewhere; the slope, operand 1, is broadcast to ``x`` (arXiv:1502.01852)."""

    trained: ClassVar[tuple[int, ...]] = (1,)

    def affine(self, *moving: int) -> bool:
        return 0 not in moving

    def infer(self, *operands: Fact) -> Fact:
        check.arity(operands, 2)
        check.same_dtype(*operands)
        x, slope = operands
        if broadcast(operands) != x.sizes:
            raise NetworkError(f"slope {slope!r} does not broadcast to the input {x!r}: its sizes must agree with it or be 1")
        return Fact(x.dtype, x.shape)

    def function(self, m: Maths, x: Scalar, y: Scalar) -> Scalar:
        return m.where(m.less(x, 0.0), x * y, x)


@dataclass(frozen=True, slots=True)
class Comparison(Binary):
    """A condition on two operands of one type; false where either is NaN."""

    def infer(self, *operands: Fact) -> Fact:
        check.arity(operands, 2)
        check.same_dtype(*operands)
        return Fact("bool", broadcast(operands))


@final
@dataclass(frozen=True, slots=True)
class Equal(Comparison):
    """``x == y``."""

    def function(self, m: Maths, x: Scalar, y: Scalar) -> Scalar:
        return m.equal(x, y)


@final
@dataclass(frozen=True, slots=True)
class Less(Comparison):
    """``x < y``."""

    def function(self, m: Maths, x: Scalar, y: Scalar) -> Scalar:
        return m.less(x, y)


@final
@dataclass(frozen=True, slots=True)
class LessOrEqual(Comparison):
    """``x <= y``."""

    def function(self, m: Maths, x: Scalar, y: Scalar) -> Scalar:
        return m.where(m.less(x, y), m.less(x, y), m.equal(x, y))


@final
@dataclass(frozen=True, slots=True)
class Greater(Comparison):
    """``x > y``."""

    def function(self, m: Maths, x: Scalar, y: Scalar) -> Scalar:
        return m.less(y, x)


@final
@dataclass(frozen=True, slots=True)
class GreaterOrEqual(Comparison):
    """``x >= y``."""

    def function(self, m: Maths, x: Scalar, y: Scalar) -> Scalar:
        return m.where(m.less(y, x), m.less(y, x), m.equal(x, y))


@dataclass(frozen=True, slots=True)
class Logical(Binary):
    """A condition on two conditions."""

    def infer(self, *operands: Fact) -> Fact:
        check.arity(operands, 2)
        check.conditions(*operands)
        return Fact("bool", broadcast(operands))


@final
@dataclass(frozen=True, slots=True)
class And(Logical):
    """``x and y`` of conditions."""

    def function(self, m: Maths, x: Scalar, y: Scalar) -> Scalar:
        return m.where(x, y, x)


@final
@dataclass(frozen=True, slots=True)
class Or(Logical):
    """``x or y`` of conditions."""

    def function(self, m: Maths, x: Scalar, y: Scalar) -> Scalar:
        return m.where(x, x, y)


@final
@dataclass(frozen=True, slots=True)
class Xor(Logical):
    """Either ``x`` or ``y`` of conditions, not both."""

    def function(self, m: Maths, x: Scalar, y: Scalar) -> Scalar:
        return m.where(x, m.equal(y, False), m.equal(y, True))


@final
@dataclass(frozen=True, slots=True)
class Not(Pointwise):
    """``not x`` of a condition."""

    def infer(self, *operands: Fact) -> Fact:
        check.arity(operands, 1)
        check.conditions(*operands)
        return Fact("bool", operands[0].shape)

    def formula(self, m: Maths, *operands: Scalar) -> Scalar:
        return m.equal(operands[0], False)


@final
@dataclass(frozen=True, slots=True)
class Where(Pointwise):
    """``x`` where the condition holds, ``y`` elsewhere; operands ``(condition, x, y)``."""

    def infer(self, *operands: Fact) -> Fact:
        check.arity(operands, 3)
        check.conditions(operands[0])
        check.same_dtype(*operands[1:])
        return Fact(operands[1].dtype, broadcast(operands))

    def affine(self, *moving: int) -> bool:
        return 0 not in moving

    def formula(self, m: Maths, *operands: Scalar) -> Scalar:
        return m.where(*operands)
