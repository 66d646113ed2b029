"""What layers check of their operands, with one wording of each complaint."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

from atrous import geometry
from atrous.errors import ArgumentError, NetworkError
from atrous.geometry import TransposedWindow, Window
from atrous.graph.fact import Array, Fact

#: More axes than NumPy of all versions holds, and more elements than any memory, are refused before anything is computed.
MOST_AXES, MOST_ELEMENTS = 32, 2**48


def arity(operands: Sequence[Any], least: int, most: int | None = None) -> None:
    """Refuse a wrong number of operands; ``most`` defaults to ``least``."""
    most = least if most is None else most
    if not least <= len(operands) <= most:
        wanted = str(least) if least == most else f"{least} to {most}"
        raise NetworkError(f"got {len(operands)} operands; this layer takes {wanted}")


def same_dtype(*operands: Fact) -> None:
    """Refuse operands of different types: nothing is converted in silence."""
    types = {fact.dtype for fact in operands}
    if len(types) > 1:
        seen = ", ".join(map(repr, operands))
        raise NetworkError(f"operands {seen} have different types; all must agree: insert a Cast")


def conditions(*operands: Fact) -> None:
    """Refuse operands that are no truth values."""
    for fact in operands:
        if fact.dtype != "bool":
            raise NetworkError(f"condition {fact!r} must have type bool: insert a Cast")


def floats(fact: Fact) -> None:
    """Refuse an operand of integers or booleans."""
    if not fact.dtype.startswith("float"):
        raise NetworkError(f"operand {fact!r} must hold floats: insert a Cast")


def rank(fact: Fact, what: str, wanted: int) -> None:
    """Refuse an operand with another number of axes."""
    if fact.rank != wanted:
        raise NetworkError(f"{what} {fact!r} has {fact.rank} axes; this layer needs {wanted}")


def shape(fact: Fact, what: str, wanted: tuple[int, ...]) -> None:
    """Refuse an operand of another shape."""
    if fact.sizes != wanted:
        raise NetworkError(f"{what} has shape {fact.sizes}; it must be {wanted}")


def some(fact: Fact) -> None:
    """Refuse an operand without elements, of which there is no mean."""
    if fact.count == 0:
        raise NetworkError(f"operand {fact!r} is empty; a reduction needs at least one element")


def axis(value: int, rank: int) -> int:
    """An axis in ``-rank .. rank-1`` as one in ``0 .. rank-1``."""
    if not -rank <= value < rank:
        raise NetworkError(f"axis {value} does not exist in a value with {rank} axes; it must be in {-rank}..{rank - 1}")
    return value % rank


def axes(values: Sequence[int], rank: int) -> tuple[int, ...]:
    """Several axes, each in range and none twice."""
    found = tuple(axis(value, rank) for value in values)
    if len(set(found)) < len(found):
        raise NetworkError(f"axes {tuple(values)} name an axis twice; each may stand once")
    return found


def result(dtype: str, shape: Sequence[int]) -> Fact:
    """The fact of a result whose shape is given as numbers; refuses what no memory holds."""
    if len(shape) > MOST_AXES or prod(shape) > MOST_ELEMENTS:
        seen = f"{len(shape)} axes and {prod(shape)} elements"
        raise NetworkError(f"the result would have {seen}; at most {MOST_AXES} and 2**48 are possible")
    return Fact(dtype, tuple(shape))


def value(fact: Fact, what: str) -> Array:
    """The elements of an operand that must be known before the run: a shape, a start, a padding."""
    if fact.value is None:
        raise NetworkError(
            f"{what} {fact!r} is computed from data; it must be a constant or follow from the shapes of the inputs"
        )
    return fact.value


def integers(fact: Fact, what: str) -> tuple[int, ...]:
    """The elements of a known operand as integers."""
    if fact.dtype not in ("int32", "int64"):
        raise NetworkError(f"{what} {fact!r} must hold integers of type int64 (or int32)")
    return tuple(int(item) for item in value(fact, what).reshape(-1))


def output_sizes(windows: Sequence[Window | TransposedWindow], sizes: Sequence[int]) -> tuple[int, ...]:
    """The sizes that windows give; refuses those that give no output."""
    try:
        return geometry.output_sizes(windows, sizes)
    except ArgumentError as error:
        raise NetworkError(str(error)) from None
