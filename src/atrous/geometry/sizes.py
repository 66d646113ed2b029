"""Legal sizes: whole numbers, at least as large as their rule asks, and small enough that no 64-bit offset can overflow."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import prod
from operator import index
from typing import SupportsIndex

from atrous.errors import ArgumentError

#: The largest size, extent or count of bytes: half of what a signed 64-bit offset holds, so that sums of two stay legal.
LIMIT = 2**62

#: Bytes of one element by the name of its type.
ITEMSIZE = {"float32": 4, "float64": 8}


def ceil_div(a: int, b: int) -> int:
    """The smallest integer not below ``a / b`` for positive ``b``.

    >>> ceil_div(7, 2), ceil_div(-7, 2)
    (4, -3)
    """
    return -(-a // b)


def within(name: str, value: int) -> int:
    """``value``, or an ``ArgumentError`` when its magnitude is beyond ``LIMIT``.

    >>> within("space", 10)
    10
    """
    if abs(value) > LIMIT:
        raise ArgumentError(f"{name}: got {value}: integer overflow of sizes; at most 2**62 is possible, use smaller sizes")
    return value


def at_least(name: str, value: int, least: int) -> None:
    """Refuse an axis parameter below its least legal value, beyond ``LIMIT``, or one that is not an integer."""
    integer(name, value)
    if value < least:
        raise ArgumentError(f"{name}: got {value}; it must be at least {least}")


def integer(name: str, value: int) -> None:
    """Refuse a value that is not a Python integer within ``LIMIT``."""
    if not isinstance(value, int) or isinstance(value, bool):
        raise ArgumentError(f"{name}: got {value!r}; it must be an integer")
    within(name, value)


def as_integer(name: str, value: SupportsIndex) -> int:
    """A Python integer from anything that is one (NumPy's too); floats and booleans are refused.

    >>> as_integer("stride", 2)
    2
    """
    if isinstance(value, bool) or not isinstance(value, SupportsIndex):
        raise ArgumentError(f"{name}: got {value!r}; it must be an integer")
    return within(name, index(value))


def per_axis(name: str, value: SupportsIndex | Iterable[SupportsIndex], axes: int, least: int = 1) -> tuple[int, ...]:
    """One integer for each of ``axes`` spatial axes, from an integer for all of them or a sequence of one each.

    Raises ``ArgumentError`` when the count is wrong or a value is below ``least``.

    >>> per_axis("stride", 2, 3), per_axis("dilation", [1, 4], 2)
    ((2, 2, 2), (1, 4))
    """
    if isinstance(value, str | bytes):
        raise ArgumentError(f"{name}: got {value!r}; it must be an integer, or one for each of the {axes} spatial axes")
    if isinstance(value, Iterable):
        values = tuple(as_integer(name, each) for each in value)
    else:
        values = (as_integer(name, value),) * axes
    if len(values) != axes:
        raise ArgumentError(f"{name}: got {values} for {axes} spatial axes; give one integer for all, or {axes} of them")
    for each in values:
        at_least(name, each, least)
    return values


def count_bytes(name: str, shape: Sequence[int], itemsize: int) -> int:
    """Bytes of a dense array of this shape; refused when its offsets could overflow.

    >>> count_bytes("x", (1, 3, 224, 224), 4)
    602112
    """
    return within(f"{name}: bytes of shape {tuple(shape)}", prod(shape) * itemsize)
