"""Fusing pointwise layers into the layer before them, so that values are stored once."""

from __future__ import annotations

from collections.abc import Mapping

from atrous.graph.fact import Fact
from atrous.graph.layer import Fused, Pointwise, Step
from atrous.graph.layers import Conv, ConvTranspose, Linear, Pool
from atrous.graph.network import Network, Node
from atrous.graph.passes.rewrite import known_facts, rebuilt, sole_reader

#: What may take the pointwise layers after it along.
_STARTS = (Conv, ConvTranspose, Linear, Pool, Pointwise)


def fuse_epilogues(network: Network) -> Network:
    """Chains of pointwise layers become steps of the Conv, ConvTranspose, Linear, pool or pointwise layer before them.

    A further operand of a step has the result's shape, or is one number, or one number for each channel. The type does not
    change on the way. The fused node stands where its last step stood, so all its operands are there. Of two layers that are
    added, the later one takes the sum: so a sum of many runs along with them, and none of them waits for its end in memory.
    """
    facts, readers = known_facts(network), network.consumers()
    starts = {node.output: place for place, node in enumerate(network.nodes) if isinstance(node.layer, _STARTS)}
    taken: set[str] = set()
    fused: dict[str, Node] = {}
    for node in network.nodes:
        if node.name in taken or node.output not in starts:
            continue
        chain = _chain(network, readers, facts, node, taken, starts)
        if chain:
            fused[chain[-1].name] = _fuse(node, chain)
            taken.update((node.name, *(link.name for link in chain)))
            starts |= dict.fromkeys((link.output for link in chain), starts[node.output])
    nodes = [fused.get(node.name, node) for node in network.nodes if node.name in fused or node.name not in taken]
    return rebuilt(network, nodes)


def _chain(
    network: Network,
    readers: Mapping[str, list[Node]],
    facts: Mapping[str, Fact],
    start: Node,
    taken: set[str],
    starts: Mapping[str, int],
) -> list[Node]:
    chain: list[Node] = []
    value = start.output
    channel = facts[value].rank - 1 if isinstance(start.layer, Linear) and value in facts else 1
    while (node := sole_reader(network, readers, value)) is not None and node.name not in taken:
        if not _fusable(node, value, facts, channel):
            break
        others = [name for name in node.inputs if name != value and len(readers.get(name, ())) == 1]
        if any(starts.get(name, -1) > starts[start.output] for name in others):
            break  # that one takes it
        chain.append(node)
        value = node.output
    return chain


def _fusable(node: Node, value: str, facts: Mapping[str, Fact], channel: int) -> bool:
    if not isinstance(node.layer, Pointwise) or any(name not in facts for name in (*node.inputs, node.output)):
        return False
    running, result = facts[value], facts[node.output]
    if (running.dtype, running.sizes) != (result.dtype, result.sizes):
        return False
    extra = [facts[name] for name in node.inputs if name != value]
    return all(fact.dtype == running.dtype and _fits(fact, running, channel) for fact in extra)


def _fits(extra: Fact, running: Fact, channel: int) -> bool:
    """Whether an operand has the running value's shape, or varies along its channels at most."""
    shape = (1,) * (running.rank - extra.rank) + extra.sizes
    return shape == running.sizes or all(size == 1 for i, size in enumerate(shape) if i != channel)


def _fuse(body: Node, chain: list[Node]) -> Node:
    steps, inputs, value = [], list(body.inputs), body.output
    for node in chain:
        assert isinstance(node.layer, Pointwise)
        extra = [name for name in node.inputs if name != value]
        steps.append(Step(node.layer, len(extra), node.inputs.index(value)))
        inputs += extra
        value = node.output
    return Node(body.name, Fused(body.layer, tuple(steps), len(body.inputs)), tuple(inputs), value)
