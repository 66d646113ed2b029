"""Random networks in whole numbers, and what perturbing them shows.

All weights are 1 and all signals are 0 but for one element, so every value is a whole number that no rounding touches and that
is positive exactly where the perturbed element has influence: nothing cancels, and no rectifier hides anything.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from itertools import count
from math import prod

import numpy as np
from hypothesis import assume
from hypothesis import strategies as st

from atrous.errors import ArgumentError, NetworkError
from atrous.geometry import Explicit
from atrous.graph import layers as L
from atrous.graph.builder import Builder, Value
from atrous.graph.evaluate import evaluate
from atrous.graph.fact import Array, Fact
from atrous.graph.network import Network

Integer = Callable[[int, int], int]
#: So many elements of a value at most, so that a thousand graphs take seconds.
MOST = {1: 60, 2: 150}


@dataclass(frozen=True)
class Case:
    """A network of one input ``x (1, 1, *sizes)`` in float64 whose weights are 1."""

    network: Network
    sizes: tuple[int, ...]

    @property
    def shape(self) -> tuple[int, ...]:
        return (1, 1, *self.sizes)


@dataclass(frozen=True)
class Writer:
    """Writes random layers; every setting is drawn for each axis by itself, paddings for each end."""

    b: Builder
    axes: int
    draw: Integer
    numbers: Iterator[int] = field(default_factory=count)

    def name(self) -> str:
        """A new name for a constant."""
        return f"constant{next(self.numbers)}"

    def each(self, low: int, high: int) -> tuple[int, ...]:
        return tuple(self.draw(low, high) for _ in range(self.axes))

    def ends(self, most: tuple[int, ...]) -> tuple[tuple[int, int], ...]:
        return tuple((self.draw(0, n), self.draw(0, n)) for n in most)

    def conv(self, x: Value, widest: int = 4) -> Value:
        kernel, padding = self.each(1, widest), self.ends((2,) * self.axes)
        stride, dilation = self.each(1, 3), self.each(1, 3)
        return self.b.conv(x, 1, kernel, stride=stride, padding=padding, dilation=dilation, bias=False)

    def layer(self, x: Value) -> Value:
        """Any layer that keeps the number of axes."""
        kind = self.draw(0, 6)
        kernel, stride = self.each(1, 4), self.each(1, 3)
        inner = self.ends(tuple(k // 2 for k in kernel))
        if kind <= 2:
            return self.conv(x)
        if kind == 3:
            return self.b.max_pool(x, kernel, stride=stride, padding=inner)
        if kind == 4:
            return self.b.relu(x)
        return self.transposed(x, kernel, stride)

    def transposed(self, x: Value, kernel: tuple[int, ...], stride: tuple[int, ...]) -> Value:
        dilation = self.each(1, 2)
        cut = self.ends(tuple((k - 1) // 2 for k in kernel))
        layer = L.ConvTranspose(kernel, stride, dilation, Explicit(cut), (0,) * self.axes)
        weights = self.b.constant(self.name(), np.ones((1, 1, *kernel), np.float32))
        return self.b.add(layer, x, weights, name=None, kind="up")

    def joined(self, before: Value, x: Value) -> Value:
        """A second way around a layer, with settings of its own; both are cut to the size that they share."""
        other = self.conv(before, 3)
        shared = tuple(map(min, x.fact.sizes[2:], other.fact.sizes[2:]))
        return self.b.plus(self.cut(x, shared), self.cut(other, shared))

    def cut(self, x: Value, sizes: tuple[int, ...]) -> Value:
        if x.fact.sizes[2:] == sizes:
            return x
        bounds = ((0,) * self.axes, sizes, tuple(range(2, 2 + self.axes)))
        names = [self.name() for _ in bounds]
        operands = [self.b.constant(name, np.array(each, np.int64)) for name, each in zip(names, bounds, strict=True)]
        return self.b.add(L.Slice(), x, *operands, name=None, kind="cut")


@st.composite
def graphs(draw: st.DrawFn, axes: int) -> Case:
    """A chain of layers with branches that meet again."""

    def integer(low: int, high: int) -> int:
        return draw(st.integers(low, high))

    sizes = tuple(integer(4, 28 if axes == 1 else 10) for _ in range(axes))
    b = Builder("random")
    writer = Writer(b, axes, integer)
    x = b.input("x", (1, 1, *sizes))
    try:
        for _ in range(integer(1, 4)):
            before, x = x, writer.layer(x)
            if integer(0, 2) == 0:
                x = writer.joined(before, x)
            assume(prod(x.fact.sizes) <= MOST[axes])
    except (ArgumentError, NetworkError):
        assume(False)
    network = b.build(x)
    ones = {name: np.ones_like(w, np.float64) if w.dtype.kind == "f" else w for name, w in network.constants.items()}
    return Case(replace(network, constants=ones, inputs={"x": Fact("float64", (1, 1, *sizes))}), sizes)


def influence(case: Case) -> Array:
    """``(*inputs, *outputs)``: whether each input influences each output; all perturbations as one batch."""
    (output,) = case.network.outputs
    table = evaluate(case.network, {"x": np.eye(prod(case.sizes)).reshape(-1, 1, *case.sizes)})[output]
    np.testing.assert_array_equal(table, np.rint(table))
    return (table > 0).reshape(*case.sizes, *table.shape[2:])
