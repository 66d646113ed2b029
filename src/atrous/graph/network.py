"""A network: named values, and nodes that make values from values; a directed acyclic graph in topological order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from atrous.graph.fact import Array, Fact
from atrous.graph.layer import Layer


@dataclass(frozen=True, slots=True)
class Node:
    """One layer at its place: the values it reads and the one value it makes."""

    name: str
    layer: Layer
    inputs: tuple[str, ...]
    output: str


@dataclass(frozen=True, eq=False)
class Network:
    """A convolutional network. ``inputs`` may have symbolic dimensions; ``constants`` are the weights by value name."""

    name: str
    inputs: Mapping[str, Fact]
    outputs: tuple[str, ...]
    nodes: tuple[Node, ...]
    constants: Mapping[str, Array] = field(default_factory=dict)
