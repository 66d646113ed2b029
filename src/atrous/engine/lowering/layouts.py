"""Which layout each value of a network is best written in: what its readers want, found from the outputs backwards.

A convolution wants what its planned algorithm reads; layers that take any layout want what their own readers want, so that a
layout is changed once, at the border of the part of the network that needs another.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import singledispatch

from atrous.engine.lowering.convolution import dense_of, signal_of
from atrous.engine.lowering.tape import Tape
from atrous.engine.lowering.upsampling import upsamples
from atrous.engine.view import Layout
from atrous.graph.fact import Fact
from atrous.graph.layer import Fused, Layer, Pointwise
from atrous.graph.layers.convolution import Conv, ConvTranspose
from atrous.graph.layers.movement import Concat, DepthToSpace, Pad, Slice
from atrous.graph.layers.pooling import Pool
from atrous.graph.layers.resize import Resize
from atrous.graph.layers.softmax import Softmax
from atrous.graph.network import Network, Node

Wanted = Layout | None


def layouts(network: Network, facts: Mapping[str, Fact], tape: Tape) -> dict[str, Wanted]:
    """The wanted layout of every value that has one; callers' arrays lie in rows."""
    found: dict[str, Wanted] = dict.fromkeys(network.outputs, Layout.ROWS)
    for node in reversed(network.nodes):
        mine = found.get(node.output)
        read, others = wants(node.layer, node, [facts[name] for name in node.inputs], facts[node.output], mine, tape)
        for name, layout in zip(node.inputs, [read, *[others] * (len(node.inputs) - 1)], strict=True):
            if layout is not None:
                found.setdefault(name, layout)
    return found


@singledispatch
def wants(layer: Layer, node: Node, facts: list[Fact], output: Fact, mine: Wanted, tape: Tape) -> tuple[Wanted, Wanted]:
    """The layout that the first operand and the other ones are best in, if the result is best in ``mine``."""
    return None, None


@wants.register(Pointwise)
@wants.register(Concat)
@wants.register(Pad)
@wants.register(Slice)
@wants.register(DepthToSpace)
@wants.register(Resize)
def _(layer: Layer, node: Node, facts: list[Fact], output: Fact, mine: Wanted, tape: Tape) -> tuple[Wanted, Wanted]:
    return mine, mine


@wants.register(Pool)
def _(layer: Layer, node: Node, facts: list[Fact], output: Fact, mine: Wanted, tape: Tape) -> tuple[Wanted, Wanted]:
    return Layout.CHANNELS, Layout.CHANNELS


@wants.register
def _(layer: ConvTranspose, node: Node, facts: list[Fact], output: Fact, mine: Wanted, tape: Tape) -> tuple[Wanted, Wanted]:
    if mine is Layout.ROWS and upsamples(layer, facts[0], output, tape.compiler.target):
        return Layout.ROWS, Layout.ROWS
    return Layout.CHANNELS, Layout.CHANNELS


@wants.register
def _(layer: Softmax, node: Node, facts: list[Fact], output: Fact, mine: Wanted, tape: Tape) -> tuple[Wanted, Wanted]:
    return Layout.CHANNELS if layer.local else None, None


@wants.register
def _(layer: Fused, node: Node, facts: list[Fact], output: Fact, mine: Wanted, tape: Tape) -> tuple[Wanted, Wanted]:
    return wants(layer.body, node, facts, output, mine, tape)


@wants.register
def _(layer: Conv, node: Node, facts: list[Fact], output: Fact, mine: Wanted, tape: Tape) -> tuple[Wanted, Wanted]:
    weights = facts[1].value
    if weights is None:
        return None, None
    dense = dense_of(layer, weights, None, list(node.inputs), facts[0].sizes, output.sizes)
    codelet = dense.plan(tape, node.name, facts[0].dtype, (), signal_of(facts[0], output, None, mine)).codelet
    return codelet.READS, codelet.WRITES
