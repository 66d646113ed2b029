"""Constant folding, and fixing the sizes of a network's inputs, which makes shape arithmetic constant."""

from __future__ import annotations

from dataclasses import replace
from itertools import compress

import numpy as np

from atrous.graph.fact import Array, Fact
from atrous.graph.facts import infer_facts, infer_node, input_facts
from atrous.graph.network import Network, Node, Shapes
from atrous.graph.passes.dead import remove_dead
from atrous.graph.passes.rewrite import rebuilt

#: A constant may become this much larger than what it is made of, in bytes.
GROWTH = 2**28


def fold_constants(network: Network) -> Network:
    """Every node whose result follows from constants and known shapes becomes a constant."""
    facts = infer_facts(network, network.inputs)
    made: dict[str, Array] = {}
    keep = [not _fold(node, facts, {**network.constants, **made}, made) for node in network.nodes]
    return rebuilt(network, compress(network.nodes, keep), made)


def _fold(node: Node, facts: dict[str, Fact], constants: dict[str, Array], made: dict[str, Array]) -> bool:
    fact = facts.get(node.output)
    if fact is not None and fact.value is not None:
        made[node.output] = fact.value
        return True
    operands = [constants[name] for name in node.inputs if name in constants]
    if len(operands) < len(node.inputs):
        return False
    fact = infer_node(node, *map(Fact.of, operands))
    if fact.count * np.dtype(fact.dtype).itemsize > GROWTH + sum(array.nbytes for array in operands):
        return False
    made[node.output] = node.layer.evaluate(*operands)
    return True


def specialise(network: Network, shapes: Shapes | None = None) -> Network:
    """The network for inputs of these shapes: no symbolic sizes are left, and shape arithmetic is folded.

    Raises ``ArgumentError`` when the shapes do not fit the inputs, ``NetworkError`` naming the node that they do not fit.
    """
    return remove_dead(fold_constants(replace(network, inputs=input_facts(network, shapes))))
