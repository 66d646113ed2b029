"""Layers that consist of others, written out as those: what the engine has kernels for.

A network keeps a layer normalisation as one layer, for people to read and for other formats; a program has its means,
differences and quotients. Variances are taken in two passes, of what is centred already.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import singledispatch

import numpy as np

from atrous.graph.fact import Array, Fact
from atrous.graph.layer import Layer
from atrous.graph.layers import (
    Add,
    ArgExtreme,
    ArgMax,
    BatchNorm,
    Div,
    Equal,
    Exp,
    Expand,
    GroupNorm,
    Log,
    LogSoftmax,
    LpNorm,
    Mul,
    Not,
    Or,
    Range,
    ReduceL1,
    ReduceL2,
    ReduceMax,
    ReduceMean,
    ReduceMeanSquare,
    ReduceMin,
    ReduceSum,
    Reshape,
    Shape,
    Sqrt,
    Squeeze,
    Standardise,
    Sub,
    Unsqueeze,
    Where,
)
from atrous.graph.network import Network, Node
from atrous.graph.passes.rewrite import known_facts, rebuilt


class Parts:
    """Writes the parts of one node after another, with names that tell whose parts they are."""

    def __init__(self, network: Network) -> None:
        self.constants: dict[str, Array] = {}
        self.nodes: list[Node] = []
        self._values = {*network.inputs, *network.constants, *(node.output for node in network.nodes)}
        self._names = {node.name for node in network.nodes}
        self._whose = ""
        self.facts: Mapping[str, Fact] = known_facts(network)

    def of(self, node: Node) -> bool:
        """Write out a node; ``False`` where it consists of nothing else, or where too little is known of what it reads."""
        if any(name not in self.facts for name in node.inputs):
            return False
        self._whose, first = node.name, len(self.nodes)
        parts(node.layer, self, *node.inputs)
        if len(self.nodes) == first:
            return False
        last = self.nodes[-1]
        self.nodes[-1] = Node(node.name, last.layer, last.inputs, node.output)
        return True

    def __call__(self, layer: Layer, what: str, *inputs: str) -> str:
        """One part, which is ``what`` of the node; its value's name."""
        hint = f"{self._whose}/{what}"
        value = _unused(hint, self._values)
        self.nodes.append(Node(_unused(hint, self._names), layer, inputs, value))
        return value

    def constant(self, array: Array, what: str) -> str:
        """A new constant."""
        name = _unused(f"{self._whose}/{what}", self._values)
        self.constants[name] = array
        return name

    def number(self, value: float, like: str, what: str) -> str:
        """One number, in the type of a value."""
        return self.constant(np.asarray(value, self.facts[like].dtype).reshape(1), what)


def _unused(hint: str, taken: set[str]) -> str:
    name, count = hint, 1
    while name in taken:
        count += 1
        name = f"{hint}.{count}"
    taken.add(name)
    return name


def lower_compounds(network: Network) -> Network:
    """Normalisations by the signal's own statistics, log-softmaxes, and the batch norms left, as the layers they consist of."""
    if not has_compounds(network):
        return network
    writer = Parts(network)
    for node in network.nodes:
        if not isinstance(node.layer, _COMPOUND) or not writer.of(node):
            writer.nodes.append(node)
    return rebuilt(network, writer.nodes, writer.constants)


def has_compounds(network: Network) -> bool:
    """Whether any layer consists of others."""
    return any(isinstance(node.layer, _COMPOUND) for node in network.nodes)


_COMPOUND = (ArgExtreme, BatchNorm, GroupNorm, LogSoftmax, LpNorm, Standardise)


@singledispatch
def parts(layer: Layer, part: Parts, *inputs: str) -> None:
    """Write what a layer consists of, the result last; nothing for a layer that is its own only part."""


@parts.register
def _(layer: Standardise, part: Parts, *inputs: str) -> None:
    x, *rest = inputs
    centred = part(Sub(), "centred", x, part(ReduceMean(layer.axes), "mean", x)) if layer.centred else x
    variance = part(ReduceMeanSquare(layer.axes), "variance", centred)
    y = part(Div(), "standardised", centred, _deviation(part, variance, layer.epsilon, x))
    for step, operand in zip((Mul(), Add()), rest, strict=False):
        y = part(step, "affine", y, operand)


def _deviation(part: Parts, variance: str, epsilon: float, x: str) -> str:
    return part(Sqrt(), "deviation", part(Add(), "damped", variance, part.number(epsilon, x, "epsilon")))


@parts.register
def _(layer: GroupNorm, part: Parts, *inputs: str) -> None:
    """The mean of a group is that of its channels' means, so that only those are reshaped."""
    x, scale, bias = inputs
    rank = part.facts[x].rank
    space = tuple(range(2, rank))
    centred = part(Sub(), "centred", x, _shared(layer, part, part(ReduceMean(space), "mean", x)))
    variance = _shared(layer, part, part(ReduceMeanSquare(space), "variance", centred))
    along = Unsqueeze(tuple(range(1, rank - 1)))
    divisor = _deviation(part, variance, layer.epsilon, x)
    scaled = part(Mul(), "scaled", part(Div(), "standardised", centred, divisor), part(along, "scale", scale))
    part(Add(), "affine", scaled, part(along, "bias", bias))


def _shared(layer: GroupNorm, part: Parts, channels: str) -> str:
    """Numbers of channels as the means of their groups."""
    if layer.groups is None:
        return channels
    grouped = part(Reshape(), "groups", channels, part.constant(np.array([0, layer.groups, -1]), "groups"))
    mean = part(ReduceMean((2,)), "mean", grouped)
    spread = part(Expand(), "spread", mean, part(Shape(), "shape", grouped))
    return part(Reshape(), "channels", spread, part(Shape(), "shape", channels))


@parts.register
def _(layer: BatchNorm, part: Parts, *inputs: str) -> None:
    x, *rest = inputs
    along = Unsqueeze(tuple(range(1, part.facts[x].rank - 1)))
    scale, bias, mean, variance = (part(along, "channels", name) for name in rest)
    factor = part(Div(), "factor", scale, _deviation(part, variance, layer.epsilon, x))
    scaled = part(Mul(), "scaled", part(Sub(), "centred", x, mean), factor)
    part(Add(), "shifted", scaled, bias)


@parts.register
def _(layer: LpNorm, part: Parts, *inputs: str) -> None:
    (x,) = inputs
    norm = part((ReduceL1 if layer.p == 1 else ReduceL2)((layer.axis,)), "norm", x)
    nought = part(Equal(), "nought", norm, part.number(0.0, x, "zero"))
    part(Div(), "quotient", x, part(Where(), "divisor", nought, part.number(1.0, x, "one"), norm))


@parts.register
def _(layer: LogSoftmax, part: Parts, *inputs: str) -> None:
    (x,) = inputs
    axes = layer.axes(part.facts[x].rank)
    lowered = part(Sub(), "lowered", x, part(ReduceMax(axes), "largest", x))
    total = part(ReduceSum(axes), "total", part(Exp(), "powers", lowered))
    part(Sub(), "difference", lowered, part(Log(), "logarithm", total))


@parts.register
def _(layer: ArgExtreme, part: Parts, *inputs: str) -> None:
    """The places of all elements that equal the extreme one, and of NaNs; then the first or the last of these places."""
    (x,) = inputs
    fact = part.facts[x]
    axis = layer.axis % fact.rank
    extreme = part((ReduceMax if isinstance(layer, ArgMax) else ReduceMin)((axis,)), "extreme", x)
    found = part(Equal(), "found", x, extreme)
    if fact.dtype.startswith("float"):
        found = part(Or(), "found", found, part(Not(), "nan", part(Equal(), "number", x, x)))
    size = part(Squeeze(), "size", part(Shape(axis, axis + 1 or None), "sizes", x))
    begin, step = (part.constant(np.array(number, np.int64), "bound") for number in (0, 1))
    places = part(Range(), "places", begin, size, step)
    along = part(Unsqueeze(tuple(range(1, fact.rank - axis))), "along", places) if axis < fact.rank - 1 else places
    nowhere = part.constant(np.array(-1, np.int64), "nowhere") if layer.last else size
    candidates = part(Where(), "candidates", found, along, nowhere)
    part((ReduceMax if layer.last else ReduceMin)((axis,), layer.keepdims), "place", candidates)
