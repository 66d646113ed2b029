"""Matrix products with constant weights are linear layers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from atrous.graph.fact import Array
from atrous.graph.layers import Linear, MatMul
from atrous.graph.network import Network, Node
from atrous.graph.passes.rewrite import fresh, rebuilt


def matmul_to_linear(network: Network) -> Network:
    """``MatMul(x, w)`` with a constant ``w (C, K)`` becomes ``Linear(x, wᵀ)``."""
    made: dict[str, Array] = {}

    def rewritten(node: Node) -> Node:
        if not isinstance(node.layer, MatMul):
            return node
        weights = network.constants.get(node.inputs[1])
        if weights is None or weights.ndim != 2:
            return node
        name = fresh(network, f"{node.name}/weights", made)
        made[name] = np.ascontiguousarray(weights.T)
        return replace(node, layer=Linear(), inputs=(node.inputs[0], name))

    nodes = [rewritten(node) for node in network.nodes]
    return rebuilt(network, nodes, made)
