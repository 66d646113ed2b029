"""Which box of every value must be computed so that wanted boxes of the outputs come out exact.

Boxes are pushed back through the nodes in reverse, the hull taken over all consumers, and clipped to each value's true
extent: what lies outside is padding, and padding belongs to the layer that reads it (DESIGN, contract 4).
"""

from __future__ import annotations

from collections.abc import Mapping

from atrous.geometry import Box, hull, pull_back
from atrous.graph.fact import Fact
from atrous.graph.network import Network


def demand(network: Network, facts: Mapping[str, Fact], wanted: Mapping[str, Box]) -> dict[str, Box]:
    """The box of every value that ``wanted`` needs, the wanted ones and the inputs included; unneeded values are left out."""
    asked: dict[str, list[Box]] = {name: [box] for name, box in wanted.items()}
    boxes: dict[str, Box] = {}
    for node in reversed(network.nodes):
        box = hull(asked.get(node.output, ()))
        if box is None:
            continue
        box = boxes[node.output] = whole_channels(box, facts[node.output])
        for name, pulls in zip(node.inputs, node.layer.reads(*(facts[name] for name in node.inputs)), strict=True):
            asked.setdefault(name, []).append(pull_back(box, pulls).clip(facts[name].sizes))
    for name in (*network.inputs, *network.constants):
        box = hull(asked.get(name, ()))
        if box is not None:
            boxes[name] = box
    return boxes


def whole_channels(box: Box, fact: Fact) -> Box:
    """The box with all channels (axis 1): kernels make the channels of a place together."""
    if fact.rank < 2:
        return box
    return Box((box.lo[0], 0, *box.lo[2:]), (box.hi[0], fact.sizes[1], *box.hi[2:]))
