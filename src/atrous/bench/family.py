"""The family of a layer, from the problem alone: what decides how it is best computed."""

from __future__ import annotations

from collections.abc import Callable

from atrous.problem import Problem

#: At most so many input or output channels are few: fewer than fill two vectors of 16.
FEW = 21

#: The families in the order in which they are tried; the last one takes the rest, pointwise layers among it.
FAMILIES: tuple[tuple[str, Callable[[Problem], bool]], ...] = (
    ("depthwise", lambda p: p.groups == p.channels > 1),
    ("grouped", lambda p: p.groups > 1),
    ("few channels", lambda p: min(p.channels, p.filters) <= FEW),
    ("1-d", lambda p: p.axes == 1),
    ("3-d", lambda p: p.axes == 3),
    ("transposed", lambda p: p.transposed),
    ("dense", lambda p: True),
)


def family_of(problem: Problem) -> str:
    """The first family that a problem belongs to.

    >>> family_of(Problem.parse("conv:f32:c64:i56x56:k64:w3x3:p1:g64"))
    'depthwise'
    """
    return next(name for name, belongs in FAMILIES if belongs(problem))
