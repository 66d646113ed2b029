"""Layers between transposes, done on the signal as it lay before: the transposes meet, and are gone.

Networks written with channels last (ConvNeXt's blocks: transpose, normalise, two linear layers, transpose) so become networks
of pointwise convolutions, which tile and stream as others do.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from atrous.geometry import Explicit
from atrous.graph.fact import Array
from atrous.graph.layer import Layer, Pointwise
from atrous.graph.layers import Conv, Identity, Linear, Standardise, Transpose
from atrous.graph.network import Network, Node
from atrous.graph.passes.rewrite import fresh, known_facts, rebuilt

#: Where output axis ``i`` of a transpose comes from: axis ``order[i]``.
Order = tuple[int, ...]


def meet_transposes(network: Network) -> Network:
    """Pointwise and linear layers and standardisations between transposes work without; kept if fewer transposes are left."""
    if sum(isinstance(node.layer, Transpose) for node in network.nodes) < 2:
        return network
    lifting = _Lifting(network)
    for node in network.nodes:
        lifting.take(node)
    for name in network.outputs:
        lifting.give(name)
    made = rebuilt(network, lifting.nodes, lifting.constants)
    before, after = (sum(isinstance(node.layer, Transpose) for node in each.nodes) for each in (network, made))
    return made if after < before else network


class _Lifting:
    """The nodes written so far, and the values that are put off: each is a transpose of another one."""

    def __init__(self, network: Network) -> None:
        self.network, self.facts = network, known_facts(network)
        self.nodes: list[Node] = []
        self.constants: dict[str, Array] = {}
        self._put_off: dict[str, tuple[str, Order, str]] = {}  # what it is a transpose of, how, and whose name the node gets
        self._given: set[str] = set()

    def take(self, node: Node) -> None:
        """One node of the network."""
        if isinstance(node.layer, Transpose) and node.inputs[0] in self.facts:
            order = node.layer.order(self.facts[node.inputs[0]].rank)
            source, own, _ = self._put_off.get(node.inputs[0], (node.inputs[0], tuple(range(len(order))), ""))
            self._put_off[node.output] = (source, tuple(own[axis] for axis in order), node.name)
            return
        if not self._lift(node):
            for name in node.inputs:
                self.give(name)
            self.nodes.append(replace(node, inputs=tuple(map(self._plain, node.inputs))))

    def _plain(self, name: str) -> str:
        """Another name of the same value, where transposes undo each other."""
        source, order, _ = self._put_off.get(name, (name, (), ""))
        return source if _idle(order) and name not in self.network.outputs else name

    def give(self, name: str) -> None:
        """Make a value that was put off."""
        if name not in self._put_off or name in self._given or self._plain(name) != name:
            return
        source, order, whose = self._put_off[name]
        self._given.add(name)
        self.nodes.append(Node(whose, Identity() if _idle(order) else Transpose(order), (source,), name))

    def _lift(self, node: Node) -> bool:
        """Put off the transpose behind a node that works as well before it."""
        orders = {self._put_off[name][1] for name in node.inputs if name in self._put_off}
        held = [name in self.network.constants for name in node.inputs]
        if len(orders) != 1 or not all(a or name in self._put_off for a, name in zip(held, node.inputs, strict=True)):
            return False
        (order,) = orders
        if _idle(order) or any(self._rank(name) != len(order) for name, a in zip(node.inputs, held, strict=True) if not a):
            return False
        layer = _lifted(node.layer, order, held)
        if layer is None:
            return False
        names = []
        for name, a in zip(node.inputs, held, strict=True):
            names.append(self._moved(node, name, order) if a else self._put_off[name][0])
        value = fresh(self.network, f"{node.output}/before", (*self.constants, *(each.output for each in self.nodes)))
        self.nodes.append(Node(node.name, layer, tuple(names), value))
        self._put_off[node.output] = (value, order, f"{node.name}/transposed")
        return True

    def _rank(self, name: str) -> int:
        return self.facts[name].rank if name in self.facts else -1

    def _moved(self, node: Node, name: str, order: Order) -> str:
        """A constant that is broadcast to a transposed value, or the weights of a linear layer, before the transpose."""
        array = self.network.constants[name]
        if isinstance(node.layer, Linear):
            moved = array.reshape(*array.shape, *(1,) * (len(order) - 2)) if array.ndim == 2 else array
        elif array.size == 1 and array.ndim <= 1:
            return name
        else:
            full = array.reshape((1,) * (len(order) - array.ndim) + array.shape)
            moved = np.ascontiguousarray(full.transpose(np.argsort(order)))
        made = fresh(self.network, f"{node.name}/{name}", self.constants)
        self.constants[made] = moved
        return made


def _idle(order: Order) -> bool:
    """Whether all axes stay where they are."""
    return order == tuple(range(len(order)))


def _lifted(layer: Layer, order: Order, held: list[bool]) -> Layer | None:
    """The layer that does before a transpose what this one does after it; ``held`` tells which operands are constants."""
    rank = len(order)
    match layer:
        case Pointwise():
            return layer
        case Standardise() if all(held[1:]):
            return replace(layer, axes=tuple(sorted(order[axis] for axis in layer.axes)))
        case Linear() if all(held[1:]) and rank > 2 and order[-1] == 1:
            ones = (1,) * (rank - 2)
            return Conv(ones, ones, ones, Explicit.zeros(rank - 2))
    return None
