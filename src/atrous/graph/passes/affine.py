"""Batch norms and per-channel scales and shifts: folded into the weights before them, or made plain arithmetic.

A linear layer followed by ``y -> a*y + c`` per channel is the same layer with weights ``a*w`` and bias ``a*b + c``. A whole
chain of such maps is multiplied out in float64, so that the weights are rounded once.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from math import prod
from threading import Thread

import numpy as np

from atrous.graph.fact import Array
from atrous.graph.layer import Layer
from atrous.graph.layers import Add, BatchNorm, Conv, ConvTranspose, Div, Linear, Mul, Neg, Sub
from atrous.graph.network import Network, Node
from atrous.graph.passes.rewrite import fresh, known_facts, rebuilt, sole_reader
from atrous.target import available_cores

#: Products of fewer elements than this together are not worth a second thread.
_MANY = 2**20
#: ``(a, c)`` of ``y -> a*y + c``, one number for each channel, or one for all.
Affine = tuple[Array, Array]
#: Weights, what they are multiplied by, and where the product goes.
Product = tuple[Array, Array, Array]


def fold_affine(network: Network) -> Network:
    """Batch norms and constant per-channel Add, Sub, Mul, Div, Neg go into the Conv, ConvTranspose or Linear before them."""
    facts, readers = known_facts(network), network.consumers()
    made: dict[str, Array] = {}
    changed: dict[str, Node] = {}
    gone: set[str] = set()
    products = _Products(network)
    for node in network.nodes:
        if not isinstance(node.layer, Conv | ConvTranspose | Linear) or node.output not in facts:
            continue
        if any(name not in network.constants for name in node.inputs[1:]):
            continue
        rank = facts[node.output].rank
        channels = int(facts[node.output].sizes[rank - 1 if isinstance(node.layer, Linear) else 1])
        axis = rank - 1 if isinstance(node.layer, Linear) else 1
        chain, affine = _chain(network, readers, node.output, (rank, axis, channels))
        if chain:
            changed[chain[-1].name] = _fold(network, node, chain[-1].output, affine, made, products)
            gone.update((node.name, *(link.name for link in chain)))
    products.multiply()
    nodes = [changed.get(node.name, node) for node in network.nodes if node.name in changed or node.name not in gone]
    return rebuilt(network, nodes, made)


def _chain(
    network: Network, readers: Mapping[str, list[Node]], value: str, form: tuple[int, int, int]
) -> tuple[list[Node], Affine]:
    """The affine nodes that follow a value one by one, and what they do together."""
    chain: list[Node] = []
    scale, shift = np.ones(form[2]), np.zeros(form[2])
    while (node := sole_reader(network, readers, value)) is not None:
        step = _affine(node, value, network.constants, form)
        if step is None or not all(np.isfinite(part).all() for part in step):
            break
        scale, shift = scale * step[0], shift * step[0] + step[1]
        chain.append(node)
        value = node.output
    return chain, (scale, shift)


def _affine(node: Node, value: str, constants: Mapping[str, Array], form: tuple[int, int, int]) -> Affine | None:
    """``(a, c)`` of a node as a map of ``value``; ``None`` when it is something else."""
    others = [constants[name] for name in node.inputs if name in constants]
    if isinstance(node.layer, BatchNorm):
        on_channels = node.inputs[0] == value and form[1] == 1 and len(others) == 4
        return _statistics(node.layer, others) if on_channels else None
    if isinstance(node.layer, Neg):
        return np.array(-1.0), np.array(0.0)
    if len(node.inputs) != 2 or len(others) != 1:
        return None
    number = _per_channel(others[0], *form)
    return None if number is None else _arithmetic(node.layer, number, first=node.inputs[0] == value)


def _arithmetic(layer: Layer, number: Array, first: bool) -> Affine | None:
    one, zero = np.array(1.0), np.array(0.0)
    match layer:
        case Add():
            return one, number
        case Mul():
            return number, zero
        case Sub():
            return (one, -number) if first else (-one, number)
        case Div() if first and np.all(number):
            return 1 / number, zero
    return None


def _statistics(layer: BatchNorm, operands: list[Array]) -> Affine | None:
    """A batch norm as scale and shift."""
    scale, bias, mean, var = (array.astype(np.float64) for array in operands)
    if np.any(var + layer.epsilon <= 0):
        return None
    factor = scale / np.sqrt(var + layer.epsilon)
    return factor, bias - mean * factor


def _per_channel(constant: Array, rank: int, axis: int, channels: int) -> Array | None:
    """A constant as one number for each channel, when it broadcasts so to a value of this rank."""
    if constant.ndim > rank or not np.issubdtype(constant.dtype, np.floating):
        return None
    shape = (1,) * (rank - constant.ndim) + constant.shape
    if any(size != 1 for i, size in enumerate(shape) if i != axis) or shape[axis] not in (1, channels):
        return None
    return constant.reshape(-1).astype(np.float64)


def _fold(network: Network, node: Node, output: str, affine: Affine, made: dict[str, Array], products: _Products) -> Node:
    """The node with scale and shift in its weights, making ``output`` itself; the weights are left to ``products``."""
    weights, *bias = (network.constants[name] for name in node.inputs[1:])
    scale, shift = affine
    by_output: tuple[int, ...] = (len(weights), *(1,) * (weights.ndim - 1))
    shape = weights.shape
    if isinstance(node.layer, ConvTranspose):
        shape = (node.layer.groups, -1, *weights.shape[1:])
        by_output = (node.layer.groups, 1, -1, *(1,) * (weights.ndim - 2))
    scaled = products.add(weights.reshape(shape), scale.reshape(by_output)).reshape(weights.shape)
    names = []
    for what, array in (("weights", scaled), ("bias", (bias[0] * scale if bias else 0.0) + shift)):
        names.append(fresh(network, f"{node.name}/{what}", made))
        made[names[-1]] = array.astype(weights.dtype, copy=False)
    return replace(node, inputs=(node.inputs[0], *names), output=output)


class _Products:
    """Products of weights and scales, in the weights' type, rounded once from float64; computed at last, on all cores.

    Of what a large network takes before its first run, this is a good part. All lie in one array for each type, which a system
    gives in large pages: a few faults instead of thousands. What is never written takes no memory.
    """

    def __init__(self, network: Network) -> None:
        self._room = {
            dtype: np.empty(sum(_stored(array) for array in network.constants.values() if array.dtype == dtype), dtype)
            for dtype in {array.dtype for array in network.constants.values()}
        }
        self._rows: list[Product] = []

    def add(self, weights: Array, scale: Array) -> Array:
        """Where ``weights * scale`` will be, in C order."""
        room = self._room[weights.dtype]
        if room.size < weights.size:  # one constant, scaled for several nodes
            room = np.empty(weights.size, weights.dtype)
        out, self._room[weights.dtype] = room[: weights.size].reshape(weights.shape), room[weights.size :]
        self._rows.append((weights, scale, out))
        return out

    def multiply(self) -> None:
        """Compute them all."""
        count = min(available_cores(), len(self._rows)) if sum(out.size for *_, out in self._rows) >= _MANY else 1
        rest = iter(self._rows)
        helpers = [Thread(target=_each, args=(rest,), daemon=True) for _ in range(count - 1)]
        with contextlib.suppress(RuntimeError):  # a system may refuse threads
            for helper in helpers:
                helper.start()
        _each(rest)
        for helper in helpers:
            if helper.ident is not None:
                helper.join()


def _stored(array: Array) -> int:
    """How many elements a constant has in memory: one number may be repeated to any size."""
    return prod(size for size, step in zip(array.shape, array.strides, strict=True) if step)


def _each(rest: Iterator[Product]) -> None:
    """Those products that no other thread has taken, without a copy of the weights in float64."""
    with np.errstate(all="ignore"):
        for weights, scale, out in rest:
            np.multiply(weights, scale, out=out, casting="same_kind")


def lower_batch_norm(network: Network) -> Network:
    """Batch norms that no linear layer precedes, with the scales and shifts after them, become one Mul and one Add."""
    facts, readers = known_facts(network), network.consumers()
    made: dict[str, Array] = {}
    lowered: dict[str, list[Node]] = {}
    for node in network.nodes:
        constants = [network.constants[name] for name in node.inputs[1:] if name in network.constants]
        if not isinstance(node.layer, BatchNorm) or len(constants) < 4 or node.output not in facts or node.name in lowered:
            continue
        own = _statistics(node.layer, constants)
        if own is None:
            continue
        rank, channels = facts[node.output].rank, int(facts[node.output].sizes[1])
        chain, after = _chain(network, readers, node.output, (rank, 1, channels))
        affine = (own[0] * after[0], own[1] * after[0] + after[1])
        last = chain[-1] if chain else node
        lowered |= {link.name: [] for link in (node, *chain)}
        lowered[last.name] = _scale_and_shift(network, node, last.output, rank, affine, made)
    nodes = [new for node in network.nodes for new in lowered.get(node.name, [node])]
    return rebuilt(network, nodes, made)


def _scale_and_shift(
    network: Network, node: Node, output: str, rank: int, affine: Affine, made: dict[str, Array]
) -> list[Node]:
    names = []
    dtype = network.constants[node.inputs[1]].dtype
    for what, numbers in zip(("scale", "shift"), affine, strict=True):
        names.append(fresh(network, f"{node.name}/{what}", made))
        made[names[-1]] = numbers.reshape(-1, *(1,) * (rank - 2)).astype(dtype)
    middle = fresh(network, f"{node.name}/scaled", made)
    scaled = Node(f"{node.name}/scale", Mul(), (node.inputs[0], names[0]), middle)
    return [scaled, Node(node.name, Add(), (middle, names[1]), output)]
