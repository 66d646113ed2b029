"""Shape inference: the fact of every value of a network, from the facts of its inputs."""

from __future__ import annotations

from collections.abc import Mapping

from atrous.errors import ArgumentError, NetworkError
from atrous.graph.fact import Fact
from atrous.graph.network import Network, Node

#: Constants of at most this many elements are followed through the nodes: shape arithmetic, never weights.
SMALL = 4096


def infer_facts(network: Network, inputs: Mapping[str, Fact]) -> dict[str, Fact]:
    """The facts of all values. Values that depend on a symbolic size are left out; constants keep their elements.

    Raises ``NetworkError`` naming the node whose operands do not fit.
    """
    facts = {name: Fact.of(array) for name, array in network.constants.items()} | dict(inputs)
    for node in network.nodes:
        operands = [facts.get(name) for name in node.inputs]
        known = [fact for fact in operands if fact is not None and fact.concrete]
        if len(known) < len(operands):
            continue
        facts[node.output] = infer_node(node, *known)
    return facts


def infer_node(node: Node, *operands: Fact) -> Fact:
    """The fact of one node's output; with its elements when they are few and follow from constants."""
    try:
        fact = node.layer.infer(*operands)
        values = [operand.value for operand in operands if operand.value is not None and operand.count <= SMALL]
        if fact.value is None and fact.count <= SMALL and len(values) == len(operands):
            return Fact.of(node.layer.evaluate(*values))
    except (NetworkError, ArgumentError) as error:
        raise NetworkError(f"node {node.name!r} ({type(node.layer).__name__}): {error}") from None
    return fact
