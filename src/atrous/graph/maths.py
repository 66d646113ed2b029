"""The scalar functions that layers write their formulas in.

A pointwise layer says what it computes once, as a formula over a ``Maths``. NumPy arrays with ``NumpyMaths`` make the
formula the oracle and the constant folder; the engine's own ``Maths`` turns the very same formula into vector code. Operands
support ``+ - * /`` and unary minus between themselves and with Python floats.
"""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np

#: A NumPy array, or the engine's vector in code generation.
Scalar = Any


class Maths(Protocol):
    """What a formula may use beside ``+ - * /``. NaN propagates through every one of them."""

    def exp(self, x: Scalar) -> Scalar: ...
    def log(self, x: Scalar) -> Scalar: ...
    def sqrt(self, x: Scalar) -> Scalar: ...
    def tanh(self, x: Scalar) -> Scalar: ...
    def erf(self, x: Scalar) -> Scalar: ...
    def pow(self, x: Scalar, y: Scalar) -> Scalar: ...
    def abs(self, x: Scalar) -> Scalar: ...
    def floor(self, x: Scalar) -> Scalar: ...
    def ceil(self, x: Scalar) -> Scalar: ...
    def round(self, x: Scalar) -> Scalar:
        """To the nearest integer, halves to even."""
        ...

    def maximum(self, x: Scalar, y: Scalar) -> Scalar: ...
    def minimum(self, x: Scalar, y: Scalar) -> Scalar: ...
    def less(self, x: Scalar, y: Scalar) -> Scalar:
        """The condition ``x < y``, for ``where``; false where either is NaN."""
        ...

    def equal(self, x: Scalar, y: Scalar) -> Scalar:
        """The condition ``x == y``; false where either is NaN."""
        ...

    def where(self, condition: Scalar, x: Scalar, y: Scalar) -> Scalar: ...
    def cast(self, x: Scalar, dtype: str) -> Scalar:
        """Convert the element type; floats to integers round towards zero and saturate."""
        ...


def _erf(x: Scalar) -> Scalar:
    from math import erf

    return np.vectorize(erf, otypes=[np.asarray(x).dtype])(x)


class NumpyMaths:
    """``Maths`` on NumPy arrays."""

    exp = staticmethod(np.exp)
    log = staticmethod(np.log)
    sqrt = staticmethod(np.sqrt)
    tanh = staticmethod(np.tanh)
    erf = staticmethod(_erf)
    pow = staticmethod(np.power)
    abs = staticmethod(np.abs)
    floor = staticmethod(np.floor)
    ceil = staticmethod(np.ceil)
    round = staticmethod(np.rint)
    maximum = staticmethod(np.maximum)
    minimum = staticmethod(np.minimum)
    less = staticmethod(np.less)
    equal = staticmethod(np.equal)
    where = staticmethod(np.where)

    @staticmethod
    def cast(x: Scalar, dtype: str) -> Scalar:
        target = np.dtype(dtype)
        if np.issubdtype(target, np.integer) and np.issubdtype(np.asarray(x).dtype, np.floating):
            bounds = np.iinfo(target)
            x = np.clip(np.trunc(np.nan_to_num(x, nan=0.0)), bounds.min, bounds.max)
        return np.asarray(x).astype(target)
