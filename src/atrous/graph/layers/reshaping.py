"""Layers that only name the shape anew: the elements keep their order."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import ClassVar, final

from atrous.errors import NetworkError
from atrous.geometry import SAME, Pull, Whole
from atrous.graph.fact import Array, Fact
from atrous.graph.layer import Layer, whole
from atrous.graph.layers import check


def reshape_reads(source: Sequence[int], result: Sequence[int]) -> tuple[Pull, ...]:
    """The geometry rule of a reshape: axes that stay whole are read in place, merged or split ones completely.

    >>> [pull.map == SAME for pull in reshape_reads((2, 12, 5, 7), (2, 3, 4, 5, 7))]
    [True, False, True, True]
    """
    pulls = [Pull(0, Whole(size)) for size in source]
    i = j = 0
    while i < len(source) and j < len(result) and 0 not in source:
        if source[i] == result[j]:
            pulls[i] = Pull(j, SAME)
            i, j = i + 1, j + 1
        elif source[i] == 1:
            i += 1
        elif result[j] == 1:
            j += 1
        else:
            i, j = _next_boundary(source, result, i, j)
            continue
    return tuple(pulls)


def _next_boundary(source: Sequence[int], result: Sequence[int], i: int, j: int) -> tuple[int, int]:
    """The next pair of axes before which both shapes hold equally many elements."""
    ours, theirs = source[i], result[j]
    i, j = i + 1, j + 1
    while ours != theirs:
        if ours < theirs:
            ours, i = ours * source[i], i + 1
        else:
            theirs, j = theirs * result[j], j + 1
    return i, j


@dataclass(frozen=True, slots=True)
class Reshaping(Layer):
    """A layer whose output has the operand's elements in the same order; operand 0 is the data."""

    linear: ClassVar[bool] = True
    local: ClassVar[bool] = False

    @abstractmethod
    def result(self, *operands: Fact) -> tuple[int, ...]:
        """The new shape."""

    def infer(self, *operands: Fact) -> Fact:
        shape = self.result(*operands)
        if prod(shape) != operands[0].count:
            raise NetworkError(
                f"{operands[0]!r} with {operands[0].count} elements cannot have shape {shape} with {prod(shape)}"
            )
        return check.result(operands[0].dtype, shape)

    def reads(self, *operands: Fact) -> tuple[tuple[Pull, ...], ...]:
        signal = reshape_reads(operands[0].sizes, self.result(*operands))
        return (signal, *(whole(fact) for fact in operands[1:]))

    def evaluate(self, *operands: Array) -> Array:
        return operands[0].reshape(self.infer(*(Fact.of(array) for array in operands)).sizes)


@final
@dataclass(frozen=True, slots=True)
class Reshape(Reshaping):
    """Shape ``(x, shape)``: one -1 takes what is left, a 0 keeps the operand's size unless ``allowzero``."""

    allowzero: bool = False

    fixed: ClassVar[tuple[int, ...]] = (1,)

    def result(self, *operands: Fact) -> tuple[int, ...]:
        check.arity(operands, 2)
        x, shape = operands[0], check.integers(operands[1], "shape")
        if not self.allowzero:
            if any(size == 0 and i >= x.rank for i, size in enumerate(shape)):
                raise NetworkError(f"shape {shape} keeps an axis by 0 that {x!r} does not have; give its size")
            shape = tuple(x.sizes[i] if size == 0 else size for i, size in enumerate(shape))
        if any(size < -1 for size in shape) or shape.count(-1) > 1:
            raise NetworkError(f"shape {shape} is not legal; sizes must be positive, with one -1 at most")
        rest = prod(size for size in shape if size != -1)
        if -1 in shape and (rest == 0 or x.count % rest):
            raise NetworkError(f"{x!r} with {x.count} elements cannot have shape {shape}: {x.count} is no multiple of {rest}")
        return tuple(x.count // rest if size == -1 else size for size in shape)


@final
@dataclass(frozen=True, slots=True)
class Flatten(Reshaping):
    """Two axes: those before ``axis`` merged, and the others merged."""

    axis: int = 1

    def result(self, *operands: Fact) -> tuple[int, ...]:
        check.arity(operands, 1)
        (x,) = operands
        if not -x.rank <= self.axis <= x.rank:
            check.axis(self.axis, x.rank)
        cut = self.axis + x.rank if self.axis < 0 else self.axis
        return (prod(x.sizes[:cut]), prod(x.sizes[cut:]))


@final
@dataclass(frozen=True, slots=True)
class Squeeze(Reshaping):
    """Axes of size 1 removed: ``axes``, or all of them when ``None``."""

    axes: tuple[int, ...] | None = None

    local: ClassVar[bool] = True

    def result(self, *operands: Fact) -> tuple[int, ...]:
        check.arity(operands, 1)
        (x,) = operands
        if self.axes is None:
            return tuple(size for size in x.sizes if size != 1)
        axes = check.axes(self.axes, x.rank)
        if any(x.sizes[i] != 1 for i in axes):
            raise NetworkError(f"axes {self.axes} of {x!r} cannot be squeezed; their sizes must be 1")
        return tuple(size for i, size in enumerate(x.sizes) if i not in axes)


@final
@dataclass(frozen=True, slots=True)
class Unsqueeze(Reshaping):
    """Axes of size 1 inserted, so that they stand at ``axes`` of the result."""

    axes: tuple[int, ...] = (0,)

    local: ClassVar[bool] = True

    def result(self, *operands: Fact) -> tuple[int, ...]:
        check.arity(operands, 1)
        (x,) = operands
        axes = check.axes(self.axes, x.rank + len(self.axes))
        rest = iter(x.sizes)
        return tuple(1 if i in axes else next(rest) for i in range(x.rank + len(axes)))
