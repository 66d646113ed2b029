"""Batch norms and per-channel scales and shifts before a linear layer: folded into its weights.

A convolution of ``a*x + c`` per channel is that of ``x`` with weights ``w*a`` and ``sum(w*c)`` more bias. At a border that is
padded this holds for the scale alone: what is padded is 0, not ``c``. So a shift goes only into layers that pad nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from atrous.geometry import Explicit
from atrous.graph.fact import Array, Fact
from atrous.graph.layers import Conv, ConvTranspose, Linear
from atrous.graph.network import Network, Node
from atrous.graph.passes.channelwise import MAPS, Affine, Form, affine_of
from atrous.graph.passes.products import Products
from atrous.graph.passes.rewrite import fresh, known_facts, rebuilt


def fold_preceding(network: Network) -> Network:
    """Batch norms and constant per-channel Add, Sub, Mul, Div, Neg go into the layers that read them, if all readers allow it.

    Readers are Conv, ConvTranspose or Linear, one or several. Where one of them pads, or meets an input with some of its taps
    only, what comes after the last shift is folded: a pure scale.
    """
    readers = network.consumers()
    ends = [node for node in network.nodes if isinstance(node.layer, MAPS) and _all_take(network, readers, node.output)]
    if not ends:
        return network
    facts = known_facts(network)
    made: dict[str, Array] = {}
    changed: dict[str, Node] = {}
    gone: set[str] = set()
    products = Products(network)
    makers = {node.output: node for node in network.nodes}
    for last in ends:
        takers = readers[last.output]
        known = all(name in facts for name in (last.output, *(taker.output for taker in takers)))  # so they fit each other
        found = _chain(network, makers, readers, facts, last.output) if known else None
        if found is not None and found.nodes and all(_holds(network, taker, found.affine) for taker in takers):
            gone.update(node.name for node in found.nodes)
            for taker in takers:
                changed[taker.name] = _fold(network, taker, found, made, products)
    products.multiply()
    return rebuilt(network, [changed.get(node.name, node) for node in network.nodes if node.name not in gone], made)


@dataclass(frozen=True, slots=True)
class _Chain:
    """Nodes from the last one back, and what they do together to ``source``."""

    nodes: tuple[Node, ...]
    source: str
    affine: Affine


def _all_take(network: Network, readers: Mapping[str, list[Node]], value: str) -> bool:
    """Whether a value has readers, and all of them could take what is done to its channels."""
    able = all(
        isinstance(node.layer, Conv | ConvTranspose | Linear)
        and node.inputs[0] == value
        and all(name in network.constants for name in node.inputs[1:])
        for node in readers.get(value, ())
    )
    return able and value in readers and value not in network.outputs


def _form(node: Node, fact: Fact) -> Form:
    axis = fact.rank - 1 if isinstance(node.layer, Linear) else 1
    return fact.rank, axis, fact.sizes[axis]


def _chain(
    network: Network,
    makers: Mapping[str, Node],
    readers: Mapping[str, list[Node]],
    facts: Mapping[str, Fact],
    value: str,
) -> _Chain | None:
    """The affine nodes before a value, back to the first one that all its readers can take."""
    takers = readers[value]
    forms = {_form(taker, facts[value]) for taker in takers}
    if len(forms) > 1:
        return None
    (form,) = forms
    shifts = all(_adds_everywhere(taker) for taker in takers)
    scale, shift = np.ones(form[2]), np.zeros(form[2])
    chain: list[Node] = []
    while (node := makers.get(value)) is not None and (not chain or _alone(network, readers, value)):
        source = next((name for name in node.inputs if name not in network.constants), "")
        step = affine_of(node, source, network.constants, form) if _same(facts, source, value) else None
        if step is None or not all(np.isfinite(part).all() for part in step) or (np.any(step[1]) and not shifts):
            break
        scale, shift = scale * step[0], shift + scale * step[1]
        chain.append(node)
        value = source
    return _Chain(tuple(chain), value, (scale, shift))


def _alone(network: Network, readers: Mapping[str, list[Node]], value: str) -> bool:
    return len(readers[value]) == 1 and value not in network.outputs


def _same(facts: Mapping[str, Fact], one: str, other: str) -> bool:
    """Whether two values have one type and shape: nothing was broadcast between them."""
    return one in facts and (facts[one].dtype, facts[one].sizes) == (facts[other].dtype, facts[other].sizes)


def _adds_everywhere(node: Node) -> bool:
    """Whether every output meets every tap with an input: only then do shifts of channels add the same everywhere."""
    match node.layer:
        case Conv(padding=Explicit(pairs)):
            return all(end <= 0 for pair in pairs for end in pair)
        case ConvTranspose(padding=Explicit(pairs)) as layer:
            single = not any(layer.output_padding) and {*layer.kernel, *layer.strides} == {1}
            return single and all(end >= 0 for pair in pairs for end in pair)
    return isinstance(node.layer, Linear)


def _holds(network: Network, node: Node, affine: Affine) -> bool:
    """Whether the new weights and bias are finite in their type."""
    weights, bias = network.constants[node.inputs[1]], _bias(network, node, affine[1])
    largest = max(float(weights.max(initial=0)), -float(weights.min(initial=0))) * np.abs(affine[0]).max(initial=0)
    limit = np.finfo(weights.dtype).max
    return bool(largest <= limit and np.all(np.abs(bias) <= limit))


def _grouped(node: Node, weights: Array) -> tuple[Array, int]:
    """Weights as (groups, channels, channels, taps), and which of the two axes between has the input channels of a group."""
    match node.layer:
        case Conv(groups=groups):
            return weights.reshape(groups, len(weights) // groups, weights.shape[1], -1), 2
        case ConvTranspose(groups=groups):
            return weights.reshape(groups, len(weights) // groups, weights.shape[1], -1), 1
    return weights.reshape(1, *weights.shape, 1), 2


def _bias(network: Network, node: Node, shift: Array) -> Array:
    """The bias with what a shift of the input adds, in float64."""
    weights, *bias = (network.constants[name] for name in node.inputs[1:])
    grouped, axis = _grouped(node, weights)
    if not np.any(shift):
        return bias[0] if bias else np.zeros(1, weights.dtype)
    added = np.einsum(grouped, [0, 1, 2, 3], shift.reshape(len(grouped), -1), [0, axis], [0, 3 - axis]).reshape(-1)
    return np.asarray(added + bias[0] if bias else added)


def _fold(network: Network, node: Node, chain: _Chain, made: dict[str, Array], products: Products) -> Node:
    """The node with scale and shift in its weights, reading what the chain read; the weights are left to ``products``."""
    weights, (scale, shift) = network.constants[node.inputs[1]], chain.affine
    grouped, axis = _grouped(node, weights)
    along = [len(grouped), 1, 1, 1]
    along[axis] = grouped.shape[axis]
    names = [fresh(network, f"{node.name}/scaled weights", made)]
    made[names[0]] = products.add(grouped, scale.reshape(along)).reshape(weights.shape)
    if np.any(shift):
        names.append(fresh(network, f"{node.name}/shifted bias", made))
        made[names[1]] = _bias(network, node, shift).astype(weights.dtype)
    else:
        names += node.inputs[2:]
    return replace(node, inputs=(chain.source, *names))
