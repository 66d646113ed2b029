"""What passes share: the facts they may rely on, and putting a rewritten network together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace

from atrous.graph.fact import Array, Fact
from atrous.graph.facts import infer_facts, trial_facts
from atrous.graph.layer import Fused
from atrous.graph.network import Network, Node


def known_facts(network: Network) -> dict[str, Fact]:
    """Exact facts where every input is concrete; otherwise trial ones, of which only ranks and channels mean anything."""
    if all(fact.concrete for fact in network.inputs.values()):
        return infer_facts(network, network.inputs)
    return trial_facts(network)


def rebuilt(network: Network, nodes: Iterable[Node], constants: Mapping[str, Array] | None = None) -> Network:
    """The network with other nodes and further constants; constants that nothing reads any more are dropped."""
    nodes = tuple(nodes)
    held = {**network.constants, **(constants or {})}
    read = {value for node in nodes for value in node.inputs} | set(network.outputs)
    return replace(network, nodes=nodes, constants={name: array for name, array in held.items() if name in read})


def fresh(network: Network, hint: str, taken: Iterable[str] = ()) -> str:
    """A value name that the network does not have, nor ``taken``."""
    used = {*network.inputs, *network.constants, *(node.output for node in network.nodes), *taken}
    name, count = hint, 1
    while name in used:
        count += 1
        name = f"{hint}.{count}"
    return name


def sole_reader(network: Network, readers: Mapping[str, list[Node]], value: str) -> Node | None:
    """The node that alone reads a value, once; ``None`` when others do, or the network gives the value out."""
    found = readers.get(value, [])
    return found[0] if len(found) == 1 and value not in network.outputs else None


def op_counts(network: Network) -> dict[str, int]:
    """How often each layer occurs, for people to read: steps inside fused layers are counted too.

    >>> op_counts(Network("empty", {"x": Fact("float32", (1,))}, ("x",), ()))
    {}
    """
    counts: Counter[str] = Counter()
    for node in network.nodes:
        layer = node.layer
        counts[type(layer.body if isinstance(layer, Fused) else layer).__name__] += 1
        if isinstance(layer, Fused):
            counts.update(f"+{type(step.layer).__name__}" for step in layer.steps)
    return dict(sorted(counts.items()))
