"""Removing what no output needs."""

from __future__ import annotations

from atrous.graph.network import Network, Node
from atrous.graph.passes.rewrite import rebuilt


def remove_dead(network: Network) -> Network:
    """Nodes and constants that no output depends on are dropped; inputs stay, they are the caller's."""
    needed = set(network.outputs)
    kept: list[Node] = []
    for node in reversed(network.nodes):
        if node.output in needed:
            needed.update(node.inputs)
            kept.append(node)
    return rebuilt(network, reversed(kept))
