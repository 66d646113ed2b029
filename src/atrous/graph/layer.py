"""What every layer is: a frozen value that knows its own shapes, geometry, cost and meaning.

A layer holds its attributes (kernel, stride, axis, ...); its operands, weights included, are named by the node that holds it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from atrous.errors import NetworkError
from atrous.geometry import SAME, Pull, Whole
from atrous.graph.fact import Array, Fact
from atrous.graph.maths import Maths, NumpyMaths, Scalar


class Layer(ABC):
    """One operator. Subclasses are final frozen dataclasses; everything known about the operator stands in its class."""

    #: Linear in its first operand (affine counts): the only non-linear layers of a convolutional network are its activations.
    #: ``affine`` says it of several operands.
    linear: ClassVar[bool] = False
    #: An output reads a neighbourhood whose size does not grow with the signal. What is not local cannot be tiled. A layer says
    #: so for axes 0 and 1 being batch and channels; ``graph.locality`` knows what the axes of a network's values hold.
    local: ClassVar[bool] = True
    #: Axes of the output whose elements are always made together: a kernel makes all channels of a place.
    together: ClassVar[tuple[int, ...]] = (1,)
    #: Which operands are trained parameters when they are constants.
    trained: ClassVar[tuple[int, ...]] = ()
    #: Operands whose elements must be known before a run: shapes, starts, paddings, and weights, which kernels pack.
    fixed: ClassVar[tuple[int, ...]] = ()

    @abstractmethod
    def infer(self, *operands: Fact) -> Fact:
        """The fact of the output, from concrete operands; raises ``NetworkError`` when the operands do not fit."""

    @abstractmethod
    def reads(self, *operands: Fact) -> tuple[tuple[Pull, ...], ...]:
        """The geometry rule: for each operand, for each of its axes, the output axis and the map it is read through."""

    @abstractmethod
    def evaluate(self, *operands: Array) -> Array:
        """The oracle: the output in NumPy, written from the definition. For tests and constant folding, not for speed."""

    def affine(self, *moving: int) -> bool:
        """Whether the output is affine in the operands at these places together, the others being constants.

        A product is in each factor and is not in both.
        """
        return self.linear and set(moving) <= {0}

    def macs(self, output: Fact, *operands: Fact) -> int:
        """Multiply-adds of the layer's convolutions and linear maps, every tap counted, those on padding too."""
        return 0

    def real_macs(self, output: Fact, *operands: Fact) -> int:
        """Those of ``macs`` whose tap lands on the signal, not on padding (of transposed layers: on an output that exists)."""
        return self.macs(output, *operands)


def whole(fact: Fact) -> tuple[Pull, ...]:
    """The geometry rule of an operand that every output reads completely."""
    return tuple(Pull(0, Whole(size)) for size in fact.sizes)


def broadcast(operands: Sequence[Fact]) -> tuple[int, ...]:
    """The shape that operands have together under NumPy's rule; raises ``NetworkError`` when they do not fit."""
    try:
        return np.broadcast_shapes(*(fact.sizes for fact in operands))
    except ValueError:
        seen = ", ".join(map(repr, operands))
        raise NetworkError(f"operands {seen} do not broadcast: aligned at the last axis, sizes must agree or be 1") from None


def broadcast_reads(output: Sequence[int], operand: Fact) -> tuple[Pull, ...]:
    """The geometry rule of an operand that is broadcast to the output's shape."""
    lead = len(output) - operand.rank
    return tuple(Pull(lead + i, SAME if size == output[lead + i] else Whole(size)) for i, size in enumerate(operand.sizes))


class Pointwise(Layer):
    """A layer whose output element depends on the elements at the same place (after broadcasting) and on nothing else."""

    @abstractmethod
    def formula(self, m: Maths, *operands: Scalar) -> Scalar:
        """What the layer computes, once for the oracle and for the generated code."""

    def infer(self, *operands: Fact) -> Fact:
        return Fact(operands[0].dtype, broadcast(operands))

    def reads(self, *operands: Fact) -> tuple[tuple[Pull, ...], ...]:
        shape = broadcast(operands)
        return tuple(broadcast_reads(shape, operand) for operand in operands)

    def evaluate(self, *operands: Array) -> Array:
        with np.errstate(all="ignore"):
            return np.asarray(self.formula(NumpyMaths(), *operands))


@dataclass(frozen=True, slots=True)
class Step:
    """One pointwise layer of an epilogue: it reads ``extra`` further operands, and the running value at ``position``.

    ``Sub`` fused as ``x - conv`` is ``Step(Sub(), extra=1, position=1)``.
    """

    layer: Pointwise
    extra: int = 0
    position: int = 0


@dataclass(frozen=True, slots=True)
class Fused(Layer):
    """A layer and the pointwise steps applied to its result before its only store.

    The node's operands are the body's first ``operands`` ones, then the extra ones of each step in order.
    """

    body: Layer
    steps: tuple[Step, ...]
    operands: int

    @property
    def local(self) -> bool:  # type: ignore[override]
        return self.body.local

    @property
    def together(self) -> tuple[int, ...]:  # type: ignore[override]
        return self.body.together

    @property
    def trained(self) -> tuple[int, ...]:  # type: ignore[override]
        return self.body.trained

    def infer(self, *operands: Fact) -> Fact:
        value, rest = self.body.infer(*operands[: self.operands]), operands[self.operands :]
        for step in self.steps:
            taken, rest = rest[: step.extra], rest[step.extra :]
            value = step.layer.infer(*taken[: step.position], value, *taken[step.position :])
        return value

    def reads(self, *operands: Fact) -> tuple[tuple[Pull, ...], ...]:
        own = operands[: self.operands]
        shape = self.body.infer(*own).sizes
        extra = tuple(broadcast_reads(shape, operand) for operand in operands[self.operands :])
        return self.body.reads(*own) + extra

    def evaluate(self, *operands: Array) -> Array:
        value, rest = self.body.evaluate(*operands[: self.operands]), operands[self.operands :]
        for step in self.steps:
            taken, rest = rest[: step.extra], rest[step.extra :]
            value = step.layer.evaluate(*taken[: step.position], value, *taken[step.position :])
        return value

    def affine(self, *moving: int) -> bool:
        if not self.body.affine(*(i for i in moving if i < self.operands)):
            return False
        running, first = any(i < self.operands for i in moving), self.operands
        for step in self.steps:
            places = [i for i in range(step.extra + 1) if i != step.position]
            held = [place for extra, place in enumerate(places) if first + extra in moving]
            if not step.layer.affine(*([step.position] if running else []), *held):
                return False
            running, first = running or bool(held), first + step.extra
        return True

    def macs(self, output: Fact, *operands: Fact) -> int:
        return self.body.macs(output, *operands[: self.operands])

    def real_macs(self, output: Fact, *operands: Fact) -> int:
        return self.body.real_macs(output, *operands[: self.operands])
