"""Removing layers that change nothing."""

from __future__ import annotations

from dataclasses import replace

from atrous.graph.fact import Fact
from atrous.graph.facts import infer_facts
from atrous.graph.layer import Layer
from atrous.graph.layers import Cast, Concat, Expand, Identity, Pad, Reshaping, Resize, Slice, Tile, Transpose
from atrous.graph.network import Network, Node
from atrous.graph.passes.rewrite import rebuilt


def _changes_nothing(layer: Layer, output: Fact, operands: list[Fact]) -> bool:
    """Whether the layer gives its first operand back, seen from exact facts."""
    x = operands[0]
    match layer:
        case Identity():
            return True
        case Cast(dtype=dtype):
            return x.dtype == dtype
        case Reshaping() | Expand() | Tile() | Resize():
            return x.sizes == output.sizes
        case Transpose():
            return layer.order(x.rank) == tuple(range(x.rank))
        case Pad():
            return not any(lo or hi for lo, hi in layer.pairs(*operands))
        case Slice():
            return all(taken == range(size) for taken, size in zip(layer.ranges(*operands), x.sizes, strict=True))
        case Concat():
            return len(operands) == 1
    return False


def remove_identities(network: Network) -> Network:
    """Identities, casts to the same type, and movements that leave all in place are bypassed."""
    facts = infer_facts(network, network.inputs)
    names: dict[str, str] = {}
    nodes: list[Node] = []
    for node in network.nodes:
        node = replace(node, inputs=tuple(names.get(name, name) for name in node.inputs))
        if node.output not in network.outputs and _idle(node, facts):
            names[node.output] = node.inputs[0]
        else:
            nodes.append(node)
    for node in [node for node in nodes if node.output in network.outputs and _idle(node, facts)]:
        _hand_over(node, nodes, network)
    return rebuilt(network, nodes)


def _idle(node: Node, facts: dict[str, Fact]) -> bool:
    operands = [facts[name] for name in node.inputs if name in facts]
    if node.output not in facts or len(operands) < len(node.inputs):
        return isinstance(node.layer, Identity)
    return _changes_nothing(node.layer, facts[node.output], operands)


def _hand_over(idle: Node, nodes: list[Node], network: Network) -> None:
    """Let the maker of an idle node's operand make the network's output itself, if nothing else reads the operand."""
    source = idle.inputs[0]
    makers = [i for i, node in enumerate(nodes) if node.output == source]
    readers = [node for node in nodes if source in node.inputs]
    if makers and len(readers) == 1 and source not in network.outputs:
        nodes[makers[0]] = replace(nodes[makers[0]], output=idle.output)
        nodes.remove(idle)
