"""Which box of every value must be computed so that wanted boxes of the outputs come out exact.

Boxes are pushed back through the nodes in reverse, the hull taken over all consumers, and clipped to each value's true
extent: what lies outside is padding, and padding belongs to the layer that reads it (DESIGN, contract 4).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from atrous.geometry import Box, Pull, hull, pull_back
from atrous.graph.fact import Fact
from atrous.graph.layer import Layer
from atrous.graph.network import Network, Node

#: A value that a node reads: its name, its sizes, and the maps of its axes.
_Operand = tuple[str, tuple[int, ...], tuple[Pull, ...]]


@dataclass(frozen=True, eq=False)
class Demands:
    """The demands of one network with known facts: its layers are asked once for their geometry, its boxes many times."""

    network: Network
    facts: Mapping[str, Fact]
    #: For values that are computed by blocks on a grid: the grid, as ``Box.aligned`` takes it. What a part of a block is made
    #: from is what all of it is made from.
    grids: Mapping[str, Sequence[tuple[int, int]]] = field(default_factory=dict)

    @cached_property
    def _backwards(self) -> tuple[tuple[Node, tuple[_Operand, ...]], ...]:
        """The nodes from the last to the first, each with what it reads."""
        return tuple((node, tuple(self._operands(node))) for node in reversed(self.network.nodes))

    def _operands(self, node: Node) -> Iterator[_Operand]:
        facts = [self.facts[name] for name in node.inputs]
        for name, fact, pulls in zip(node.inputs, facts, node.layer.reads(*facts), strict=True):
            yield name, fact.sizes, pulls

    def __call__(self, wanted: Mapping[str, Box], held: Mapping[str, Box] | None = None) -> dict[str, Box]:
        """The box of every value that ``wanted`` needs, the wanted ones and the inputs included; others are left out.

        Of values ``held`` already, only what lies beyond that is computed, and asked of what they are made from.
        """
        held = held or {}
        asked: dict[str, list[Box]] = {name: [box] for name, box in wanted.items()}
        boxes: dict[str, Box] = {}
        for node, operands in self._backwards:
            box = hull(asked.get(node.output, ()))
            if box is None:
                continue
            box = boxes[node.output] = made_together(box, node.layer, self.facts[node.output])
            made = box.beyond(held.get(node.output))
            if made.empty:
                continue
            if node.output in self.grids:
                made = made.aligned(self.grids[node.output], self.facts[node.output].sizes)
            for name, sizes, pulls in operands:
                asked.setdefault(name, []).append(pull_back(made, pulls).clip(sizes))
        for name in (*self.network.inputs, *self.network.constants):
            box = hull(asked.get(name, ()))
            if box is not None:
                boxes[name] = box
        return boxes | {name: box for name, box in wanted.items() if name not in boxes}  # the empty ones need nothing


def demand(network: Network, facts: Mapping[str, Fact], wanted: Mapping[str, Box]) -> dict[str, Box]:
    """The box of every value that ``wanted`` needs, for one question; ``Demands`` serves many."""
    return Demands(network, facts)(wanted)


def made_together(box: Box, layer: Layer, fact: Fact) -> Box:
    """The box with the axes whole along which the layer makes all elements together."""
    if not layer.together:
        return box
    lo, hi = list(box.lo), list(box.hi)
    for axis in layer.together:
        if axis < fact.rank:
            lo[axis], hi[axis] = 0, fact.sizes[axis]
    return Box(tuple(lo), tuple(hi))
