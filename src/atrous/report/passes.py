"""What the passes make of a network: which nodes each of them takes away, makes and changes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from atrous.graph.layer import Fused
from atrous.graph.network import Network, Node
from atrous.graph.passes import optimise


@dataclass(frozen=True, slots=True, eq=False)
class Change:
    """A network before and after one pass. Nodes are told by their names.

    >>> from atrous.graph.networks import resnet18
    >>> last = changes(resnet18())[-1]
    >>> last.name, len(last.before.nodes), len(last.after.nodes), last.gone[0].name, last.changed[0].name
    ('fuse epilogues', 48, 23, 'relu', 'stem.conv')
    """

    name: str
    before: Network
    after: Network

    @property
    def gone(self) -> tuple[Node, ...]:
        """Nodes that are no more, as they were."""
        left = {node.name for node in self.after.nodes}
        return tuple(node for node in self.before.nodes if node.name not in left)

    @property
    def made(self) -> tuple[Node, ...]:
        """Nodes that were not there."""
        known = {node.name for node in self.before.nodes}
        return tuple(node for node in self.after.nodes if node.name not in known)

    @property
    def changed(self) -> tuple[Node, ...]:
        """Nodes that compute something else than before, as they are: of another layer, or with other constants.

        Those that only read or make values of other names are not counted.
        """
        old = {node.name: node for node in self.before.nodes}
        return tuple(node for node in self.after.nodes if node.name in old and self._differs(old[node.name], node))

    def _differs(self, old: Node, new: Node) -> bool:
        if old.layer != new.layer or len(old.inputs) != len(new.inputs):
            return True
        pairs = zip(map(self.before.constants.get, old.inputs), map(self.after.constants.get, new.inputs), strict=True)
        return any(one is not other for one, other in pairs if one is not None and other is not None)


def changes(network: Network) -> tuple[Change, ...]:
    """The passes that changed something, in order, each with the network before and after it."""
    found: list[Change] = []
    optimise(network, lambda name, before, after: found.append(Change(name, before, after)))
    return tuple(change for change in found if change.gone or change.made or change.changed)


def kinds(nodes: Iterable[Node], names: int = 2) -> str:
    """Nodes by what they compute: how many, and the first few ``names`` of each kind.

    >>> from atrous.graph.networks import lenet
    >>> kinds(lenet().nodes[:6], names=1)
    '2 Conv (c1, …), 2 Tanh (tanh, …), 2 AveragePool (s2, …)'
    """
    by_kind: dict[str, list[str]] = {}
    for node in nodes:
        by_kind.setdefault(operator(node), []).append(node.name)
    each = ((kind, found[:names], len(found)) for kind, found in by_kind.items())
    return ", ".join(f"{count} {kind} ({', '.join(first + ['…'] * (count > names))})" for kind, first, count in each)


def operator(node: Node) -> str:
    """What a node computes, with the steps that are fused into it: ``Conv+Add+Relu``."""
    layer = node.layer
    parts = [layer.body, *(step.layer for step in layer.steps)] if isinstance(layer, Fused) else [layer]
    return "+".join(type(part).__name__ for part in parts)
