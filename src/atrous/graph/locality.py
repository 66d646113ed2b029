"""Which nodes of a network are not local: their outputs read more, the larger the signal is."""

from __future__ import annotations

from collections.abc import Mapping

from atrous.errors import NetworkError
from atrous.geometry import Whole
from atrous.graph.fact import Fact
from atrous.graph.facts import infer_node
from atrous.graph.network import Network, Node

#: By how much every axis of the signal grows: the strides that networks have divide it, so that what fits still fits.
GROWTH = 6720


def global_nodes(network: Network, facts: Mapping[str, Fact]) -> frozenset[str]:
    """The names of the nodes of which an output reads a whole axis that grows with the signal.

    ``facts`` are those of all values, or of as many as are known. Seen is what grows when all axes of the inputs but the first
    two do: a mean over the last axis is local where that axis holds channels, and a softmax over axis 1 is not where that one
    is space. Where sizes are fixed on the way, so that a larger signal does not fit, a node is what its layer says.
    """
    grown = _grown(network, facts)
    found = set()
    for node in network.nodes:
        known = facts.get(node.output)
        if known is not None and known.value is not None:
            continue  # follows from sizes and constants, and reads nothing
        if any(name not in grown for name in (*node.inputs, node.output)):
            if not node.layer.local:
                found.add(node.name)
        elif _reads_what_grows(node, facts, grown):
            found.add(node.name)
    return frozenset(found)


def _grown(network: Network, facts: Mapping[str, Fact]) -> dict[str, Fact]:
    """The facts of a larger signal, of those values that it fits."""
    grown = {name: Fact.of(array) for name, array in network.constants.items()}
    for name in network.inputs:
        if name not in facts:
            continue
        sizes = facts[name].sizes
        grown[name] = Fact(facts[name].dtype, (*sizes[:2], *(size + GROWTH for size in sizes[2:])))
    for node in network.nodes:
        if node.output in facts and all(name in grown for name in node.inputs):
            try:
                grown[node.output] = infer_node(node, *(grown[name] for name in node.inputs))
            except NetworkError:
                continue
    return grown


def _reads_what_grows(node: Node, facts: Mapping[str, Fact], grown: Mapping[str, Fact]) -> bool:
    now, then = ([each[name] for name in node.inputs] for each in (facts, grown))
    for pulls, small, large in zip(node.layer.reads(*now), now, then, strict=True):
        sizes = zip(pulls, small.sizes, large.sizes, strict=True)
        if small.value is None and any(isinstance(pull.map, Whole) and a != b for pull, a, b in sizes):
            return True
    return False
