"""Frames of constants around a signal, made by the layer that reads it: nothing is copied to make room for them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import inf

from atrous.geometry import Explicit
from atrous.graph.fact import Fact
from atrous.graph.layer import Layer
from atrous.graph.layers import AveragePool, Clip, Conv, LpPool, MaxPool, Pad, Pool, Relu, Sigmoid
from atrous.graph.network import Network, Node
from atrous.graph.passes.rewrite import known_facts, rebuilt


def pad_inside(network: Network) -> Network:
    """A constant Pad of space goes into the Conv, MaxPool, AveragePool or LpPool that read it, if they pad the same number.

    That is 0, and −∞ for MaxPool; there 0 will do as well after a Relu, Sigmoid or Clip that gives nothing below, if each
    window has an element of the signal. Of several readers all take it, or none.
    """
    if not any(isinstance(node.layer, Pad) for node in network.nodes):
        return network
    facts, readers = known_facts(network), network.consumers()
    makers = {node.output: node for node in network.nodes}
    changed: dict[str, Node] = {}
    gone: set[str] = set()
    for node in network.nodes:
        frame = _frame(network, node, facts, makers)
        takers = readers.get(node.output, [])
        if frame is None or not takers or node.output in network.outputs:
            continue
        wider = {taker.name: _padded(taker.layer, frame) for taker in takers if taker.inputs[0] == node.output}
        layers = {name: layer for name, layer in wider.items() if layer is not None}
        if len(layers) == len(takers):  # a reader that reads it twice counts twice
            gone.add(node.name)
            for taker in takers:
                inputs = (node.inputs[0], *taker.inputs[1:])
                changed[taker.name] = replace(taker, layer=layers[taker.name], inputs=inputs)
    return rebuilt(network, [changed.get(node.name, node) for node in network.nodes if node.name not in gone])


@dataclass(frozen=True, slots=True)
class _Frame:
    """What a Pad puts around each spatial axis, and whether the signal inside has no negative element."""

    pairs: tuple[tuple[int, int], ...]
    value: float
    around_positive: bool


def _frame(network: Network, node: Node, facts: Mapping[str, Fact], makers: Mapping[str, Node]) -> _Frame | None:
    x, *settings = node.inputs
    if not isinstance(node.layer, Pad) or node.layer.mode != "constant" or not {x, node.output} <= facts.keys():
        return None
    if any(name not in network.constants for name in settings):  # sizes on trial do not count
        return None
    pairs = node.layer.pairs(facts[x], *(Fact.of(network.constants[name]) for name in settings))
    if any(pairs[0] + pairs[1]) or min((end for pair in pairs for end in pair), default=0) < 0:
        return None
    value = float(network.constants[settings[1]].reshape(())) if len(settings) > 1 else 0.0
    return _Frame(pairs[2:], value, _nowhere_negative(makers.get(x)))


def _nowhere_negative(node: Node | None) -> bool:
    match node.layer if node is not None else None:
        case Relu() | Sigmoid():
            return True
        case Clip(low=low):
            return low is not None and low >= 0
    return False


def _padded(layer: Layer, frame: _Frame) -> Layer | None:
    """The layer with the frame added to its own padding; ``None`` where that would be another one."""
    if not isinstance(layer, Conv | Pool) or not isinstance(layer.padding, Explicit):
        return None
    if isinstance(layer, Pool) and layer.ceil and any(hi for _, hi in frame.pairs):
        return None  # a last window may start in the frame, and not in padding
    own = layer.padding.pairs
    pairs = tuple((a + lo, b + hi) for (a, b), (lo, hi) in zip(own, frame.pairs, strict=True))
    padding = Explicit(pairs)
    match layer:
        case Conv() | LpPool() if frame.value == 0:
            return replace(layer, padding=padding)
        case AveragePool() if frame.value == 0 and (layer.count_include_pad or not any(map(any, own))):
            return replace(layer, padding=padding, count_include_pad=True)
        case MaxPool() if frame.value == -inf or (frame.value == 0 and frame.around_positive and _meets(layer, pairs)):
            return replace(layer, padding=padding)
    return None


def _meets(layer: MaxPool, pairs: tuple[tuple[int, int], ...]) -> bool:
    """Whether every window has an element of a signal that is padded so."""
    dense = all(step == 1 for step in layer.dilations)
    return dense and all(max(pair) < taps for taps, pair in zip(layer.kernel, pairs, strict=True))
