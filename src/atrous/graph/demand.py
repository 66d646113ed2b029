"""Which box of every value must be computed so that wanted boxes of the outputs come out exact.

Boxes are pushed back through the nodes in reverse, the hull taken over all consumers, and clipped to each value's true
extent: what lies outside is padding, and padding belongs to the layer that reads it (DESIGN, contract 4).
"""

from __future__ import annotations

from collections.abc import Mapping

from atrous.geometry import Box, hull, pull_back
from atrous.graph.fact import Fact
from atrous.graph.layer import Layer
from atrous.graph.network import Network


def demand(network: Network, facts: Mapping[str, Fact], wanted: Mapping[str, Box]) -> dict[str, Box]:
    """The box of every value that ``wanted`` needs, the wanted ones and the inputs included; unneeded values are left out."""
    asked: dict[str, list[Box]] = {name: [box] for name, box in wanted.items()}
    boxes: dict[str, Box] = {}
    for node in reversed(network.nodes):
        box = hull(asked.get(node.output, ()))
        if box is None:
            continue
        box = boxes[node.output] = made_together(box, node.layer, facts[node.output])
        for name, pulls in zip(node.inputs, node.layer.reads(*(facts[name] for name in node.inputs)), strict=True):
            asked.setdefault(name, []).append(pull_back(box, pulls).clip(facts[name].sizes))
    for name in (*network.inputs, *network.constants):
        box = hull(asked.get(name, ()))
        if box is not None:
            boxes[name] = box
    return boxes


def made_together(box: Box, layer: Layer, fact: Fact) -> Box:
    """The box with the axes whole along which the layer makes all elements together."""
    lo, hi = list(box.lo), list(box.hi)
    for axis in layer.together:
        if axis < fact.rank:
            lo[axis], hi[axis] = 0, fact.sizes[axis]
    return Box(tuple(lo), tuple(hi))
