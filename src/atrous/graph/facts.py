"""Shape inference: the fact of every value of a network, from the facts of its inputs."""

from __future__ import annotations

from collections.abc import Mapping

from atrous.errors import NetworkError
from atrous.graph.fact import Fact
from atrous.graph.network import Network


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
        try:
            facts[node.output] = node.layer.infer(*known)
        except NetworkError as error:
            raise NetworkError(f"node {node.name!r} ({type(node.layer).__name__}): {error}") from None
    return facts
