"""Which box of every value must be computed so that wanted boxes of the outputs come out exact.

Boxes are pushed back through the nodes in reverse, the hull taken over all consumers, and clipped to each value's true
extent: what lies outside is padding, and padding belongs to the layer that reads it (DESIGN, contract 4).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from atrous.geometry import Box, Pull, hull, pull_back
from atrous.graph.fact import Fact
from atrous.graph.layer import Layer
from atrous.graph.network import Network


@dataclass(frozen=True, eq=False)
class Demands:
    """The demands of one network with known facts: its layers are asked once for their geometry, its boxes many times."""

    network: Network
    facts: Mapping[str, Fact]

    @cached_property
    def _pulls(self) -> tuple[tuple[tuple[Pull, ...], ...], ...]:
        return tuple(node.layer.reads(*(self.facts[name] for name in node.inputs)) for node in self.network.nodes)

    def __call__(self, wanted: Mapping[str, Box]) -> dict[str, Box]:
        """The box of every value that ``wanted`` needs, the wanted ones and the inputs included; others are left out."""
        asked: dict[str, list[Box]] = {name: [box] for name, box in wanted.items()}
        boxes: dict[str, Box] = {}
        for node, operands in zip(reversed(self.network.nodes), reversed(self._pulls), strict=True):
            box = hull(asked.get(node.output, ()))
            if box is None:
                continue
            box = boxes[node.output] = made_together(box, node.layer, self.facts[node.output])
            for name, pulls in zip(node.inputs, operands, strict=True):
                asked.setdefault(name, []).append(pull_back(box, pulls).clip(self.facts[name].sizes))
        for name in (*self.network.inputs, *self.network.constants):
            box = hull(asked.get(name, ()))
            if box is not None:
                boxes[name] = box
        return boxes


def demand(network: Network, facts: Mapping[str, Fact], wanted: Mapping[str, Box]) -> dict[str, Box]:
    """The box of every value that ``wanted`` needs, for one question; ``Demands`` serves many."""
    return Demands(network, facts)(wanted)


def made_together(box: Box, layer: Layer, fact: Fact) -> Box:
    """The box with the axes whole along which the layer makes all elements together."""
    lo, hi = list(box.lo), list(box.hi)
    for axis in layer.together:
        if axis < fact.rank:
            lo[axis], hi[axis] = 0, fact.sizes[axis]
    return Box(tuple(lo), tuple(hi))
