"""Batch norms and per-channel scales and shifts: folded into the weights before them, or made plain arithmetic.

A linear layer followed by ``y -> a*y + c`` per channel is the same layer with weights ``a*w`` and bias ``a*b + c``. A whole
chain of such maps is multiplied out in float64, so that the weights are rounded once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from atrous.graph.fact import Array
from atrous.graph.layers import Add, BatchNorm, Conv, ConvTranspose, Linear, Mul
from atrous.graph.network import Network, Node
from atrous.graph.passes.channelwise import Affine, Form, affine_of, statistics
from atrous.graph.passes.products import Products
from atrous.graph.passes.rewrite import fresh, known_facts, rebuilt, sole_reader


def fold_affine(network: Network) -> Network:
    """Batch norms and constant per-channel Add, Sub, Mul, Div, Neg go into the Conv, ConvTranspose or Linear before them."""
    facts, readers = known_facts(network), network.consumers()
    made: dict[str, Array] = {}
    changed: dict[str, Node] = {}
    gone: set[str] = set()
    products = Products(network)
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


def _chain(network: Network, readers: Mapping[str, list[Node]], value: str, form: Form) -> tuple[list[Node], Affine]:
    """The affine nodes that follow a value one by one, and what they do together."""
    chain: list[Node] = []
    scale, shift = np.ones(form[2]), np.zeros(form[2])
    while (node := sole_reader(network, readers, value)) is not None:
        step = affine_of(node, value, network.constants, form)
        if step is None or not all(np.isfinite(part).all() for part in step):
            break
        scale, shift = scale * step[0], shift * step[0] + step[1]
        chain.append(node)
        value = node.output
    return chain, (scale, shift)


def _fold(network: Network, node: Node, output: str, affine: Affine, made: dict[str, Array], products: Products) -> Node:
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


def lower_batch_norm(network: Network) -> Network:
    """Batch norms that no linear layer precedes, with the scales and shifts after them, become one Mul and one Add."""
    facts, readers = known_facts(network), network.consumers()
    made: dict[str, Array] = {}
    lowered: dict[str, list[Node]] = {}
    for node in network.nodes:
        constants = [network.constants[name] for name in node.inputs[1:] if name in network.constants]
        if not isinstance(node.layer, BatchNorm) or len(constants) < 4 or node.output not in facts or node.name in lowered:
            continue
        own = statistics(node.layer, constants)
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
