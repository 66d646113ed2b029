"""Layers between transposes, done on the signal as it lay before: the transposes meet, and are gone.

Networks written with channels last (ConvNeXt's blocks: transpose, normalise, two linear layers, transpose) so become networks
of pointwise convolutions, which tile and stream as others do; and those of TensorFlow, which come with a transpose before and
after each convolution and pool, keep one at each end at most.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from atrous.graph.fact import Array, Fact
from atrous.graph.layers import Identity, Transpose
from atrous.graph.network import Network, Node
from atrous.graph.passes.lifting import Order, lifted
from atrous.graph.passes.rewrite import fresh, known_facts, rebuilt


def meet_transposes(network: Network) -> Network:
    """What lies between transposes works without them, as far as ``lifted`` knows how; kept if fewer transposes are left.

    Where a transpose is left behind layers that read an input, the input is transposed instead, if that needs no more of them:
    scales and frames of an image then stand beside its convolution.
    """
    if not _count(network):
        return network
    facts = known_facts(network)
    best = min(network, _met(network, facts, {}), key=_count)
    turned: dict[str, Order] = {}
    for name, fact in network.inputs.items():
        left = [node.layer.perm for node in best.nodes if isinstance(node.layer, Transpose) and node.inputs != (name,)]
        orders = [perm for perm in left if perm is not None and len(perm) == fact.rank]
        if orders:
            made = _met(network, facts, {**turned, name: orders[0]})
            if _count(made) <= _count(best):
                best, turned = made, {**turned, name: orders[0]}
    return best


def _met(network: Network, facts: Mapping[str, Fact], inputs: Mapping[str, Order]) -> Network:
    """The network with transposes put off as far as may be, those of some inputs made at once."""
    lifting = _Lifting(network, facts, inputs)
    for node in network.nodes:
        lifting.take(node)
    for name in network.outputs:
        lifting.give(name)
    return rebuilt(network, lifting.nodes, lifting.constants)


def _count(network: Network) -> int:
    return sum(isinstance(node.layer, Transpose) for node in network.nodes)


class _Lifting:
    """The nodes written so far, and the values that are put off: each is a transpose of another one."""

    def __init__(self, network: Network, facts: Mapping[str, Fact], inputs: Mapping[str, Order]) -> None:
        self.network, self.facts = network, facts
        self.nodes: list[Node] = []
        self.constants: dict[str, Array] = {}
        self._put_off: dict[str, tuple[str, Order, str]] = {}  # what it is a transpose of, how, and whose name the node gets
        self._given: set[str] = set(network.inputs)
        for name, order in inputs.items():
            value = fresh(network, f"{name}/transposed")
            self.nodes.append(Node(value, Transpose(order), (name,), value))
            self._put_off[name] = (value, tuple(map(order.index, range(len(order)))), "")

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
        moving = [name for name in node.inputs if name not in self.network.constants]
        if len(orders) != 1 or node.output not in self.facts or not all(name in self._put_off for name in moving):
            return False
        (order,) = orders
        if _idle(order) or any(name not in self.facts or self.facts[name].rank != len(order) for name in moving):
            return False
        held = tuple(self.network.constants.get(name) for name in node.inputs)
        found = lifted(node.layer, order, held)
        if found is None:
            return False
        sources = iter([self._put_off[name][0] for name in moving])
        names = [next(sources) if array is None else self._held(node, array) for array in found.held]
        value = fresh(self.network, f"{node.output}/before", (*self.constants, *(each.output for each in self.nodes)))
        self.nodes.append(Node(node.name, found.layer, tuple(names), value))
        self._put_off[node.output] = (value, found.order, f"{node.name}/transposed")
        return True

    def _held(self, node: Node, array: Array) -> str:
        """The name of a constant operand, which may be a new one."""
        for name in node.inputs:
            if array is self.network.constants.get(name):
                return name
        made = fresh(self.network, f"{node.name}/moved", self.constants)
        self.constants[made] = array
        return made


def _idle(order: Order) -> bool:
    """Whether all axes stay where they are."""
    return order == tuple(range(len(order)))
