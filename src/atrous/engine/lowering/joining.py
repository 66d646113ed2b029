"""Concatenation without copies: values that only a Concat reads are written straight into their slice of its result."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from atrous.engine.lowering.tape import Tape
from atrous.engine.view import Layout, View
from atrous.geometry import Box
from atrous.graph.fact import Fact
from atrous.graph.layer import Fused, Layer, Pointwise
from atrous.graph.layers.convolution import Conv, ConvTranspose
from atrous.graph.layers.movement import Concat
from atrous.graph.layers.pooling import Pool
from atrous.graph.layers.resize import Resize
from atrous.graph.network import Network, Node


def slices(
    network: Network,
    facts: Mapping[str, Fact],
    boxes: Mapping[str, Box],
    layouts: Mapping[str, Layout | None],
    wanted: Mapping[str, View],
    tape: Tape,
) -> dict[str, View]:
    """Where values are best written: the outputs' ``wanted`` places, and slices of the results of concatenations of channels.

    A layer may still write elsewhere; whoever reads takes its result from where it is.
    """
    places, readers = dict(wanted), network.consumers()
    makers = {node.output: node for node in network.nodes}
    for node in reversed(network.nodes):
        if not _joins_channels(node.layer, facts, node) or node.output not in boxes:
            continue
        made = {name for name in node.inputs if name in makers and _writes(makers[name].layer)}
        free = {name for name in made if len(readers[name]) == 1 and name not in network.outputs and name in boxes}
        if not free:
            continue
        box = boxes[node.output]
        if node.output not in places:
            rows = layouts.get(node.output) is Layout.ROWS
            places[node.output] = tape.schedule.array(box, facts[node.output].dtype, rows)
        whole = places[node.output]
        offset = 0
        for name in node.inputs:
            channels = facts[name].sizes[1]
            part = Box((box.lo[0], offset, *box.lo[2:]), (box.hi[0], offset + channels, *box.hi[2:]))
            own = Box((box.lo[0], 0, *box.lo[2:]), (box.hi[0], channels, *box.hi[2:]))
            if name in free and boxes[name] == own and box.contains(part) and not part.empty:
                places[name] = replace(whole.crop(part), box=own)
            offset += channels
    return places


def _joins_channels(layer: Layer, facts: Mapping[str, Fact], node: Node) -> bool:
    rank = facts[node.output].rank
    return isinstance(layer, Concat) and rank > 2 and layer.axis % rank == 1


def _writes(layer: Layer) -> bool:
    """Whether a layer's kernels write to any strides: others give views of what they read, or whole rows."""
    body = layer.body if isinstance(layer, Fused) else layer
    return isinstance(body, Conv | ConvTranspose | Pool | Pointwise | Resize | Concat)
