"""A network: named values, and nodes that make values from values; a directed acyclic graph in topological order."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

import atrous
from atrous.errors import NetworkError
from atrous.graph.fact import Array, Fact
from atrous.graph.facts import infer_facts, input_facts
from atrous.graph.layer import Fused, Layer, Pointwise

if TYPE_CHECKING:
    from pathlib import Path

    from atrous.engine import Program
    from atrous.report import Field, Report

#: Shapes of a network's inputs: by name, or the shape itself where there is one input.
Shapes = Mapping[str, Sequence[int]] | Sequence[int]


@dataclass(frozen=True, slots=True)
class Node:
    """One layer at its place: the values it reads and the one value it makes."""

    name: str
    layer: Layer
    inputs: tuple[str, ...]
    output: str


@dataclass(frozen=True, eq=False, repr=False)
class Network:
    """A convolutional network. ``inputs`` may have symbolic dimensions; ``constants`` are the weights by value name.

    Every value has one maker: it is an input, a constant, or the output of one node; nodes stand after what they read.
    Raises ``NetworkError`` otherwise, naming the node.
    """

    name: str
    inputs: Mapping[str, Fact]
    outputs: tuple[str, ...]
    nodes: tuple[Node, ...]
    constants: Mapping[str, Array] = field(default_factory=dict)

    def __post_init__(self) -> None:
        known = set(self.inputs)
        for name in self.constants:
            _introduce(name, known, "a constant")
        makers = {node.output: node for node in self.nodes}
        names: set[str] = set()
        for node in self.nodes:
            if node.name in names:
                raise NetworkError(f"node name {node.name!r} appears twice; names must differ")
            names.add(node.name)
            for value in node.inputs:
                if value not in known:
                    raise NetworkError(_unknown(value, node, makers))
            _introduce(node.output, known, f"the output of node {node.name!r}")
        for name in self.outputs:
            if name not in known:
                raise NetworkError(f"output {name!r} is not made by any node; outputs must be values of the network")
        if twice := [name for name in self.outputs if self.outputs.count(name) > 1]:
            raise NetworkError(
                f"output {twice[0]!r} is listed twice; outputs must differ: give it once, or through an Identity"
            )

    def __repr__(self) -> str:
        takes = ", ".join(f"{name} {fact!r}" for name, fact in self.inputs.items())
        size = f"{len(self.nodes)} layers, {self.parameters:,} parameters"
        return f"Network {self.name!r}: {takes} -> {', '.join(self.outputs)}; {size}"

    @property
    def parameters(self) -> int:
        """How many trained numbers the network holds: constants in trained places of its layers, shared ones once.

        Running statistics of batch norms are not trained. A constant that is added or multiplied counts when it varies along
        exactly one axis (a bias or a scale for each channel): scalars and tables such as anchor boxes are settings.
        """
        names = set().union(*(self.trained(node) for node in self.nodes))
        return sum(self.constants[name].size for name in names)

    def trained(self, node: Node) -> set[str]:
        """The constants of one node that count as parameters."""
        body = node.layer.body if isinstance(node.layer, Fused) else node.layer
        places = [node.inputs[i] for i in body.trained if i < len(node.inputs)]
        held = [name for name in places if name in self.constants]
        if isinstance(body, Pointwise):
            held = [name for name in held if sum(size > 1 for size in self.constants[name].shape) == 1]
        return {name for name in held if np.issubdtype(self.constants[name].dtype, np.floating)}

    def macs(self, shapes: Shapes | None = None) -> int:
        """Multiply-adds of convolutions and linear maps on inputs of these shapes (not needed where all are fixed).

        Every tap counts, those on padding too; nothing else does. One multiply-add is two FLOP.
        """
        facts = infer_facts(self, input_facts(self, shapes))
        return sum(node.layer.macs(facts[node.output], *(facts[name] for name in node.inputs)) for node in self.nodes)

    # What the floors above do with a network, at hand as methods: each is the front door's function of the same name.

    def compile(self, threads: int | None = None, accuracy: str = "default") -> Program:
        """A callable program for this machine: ``atrous.compile(network, threads, accuracy=accuracy)``."""
        return atrous.compile(self, threads, accuracy=accuracy)

    def inspect(self, shapes: Shapes | None = None, *, symbolic: bool = False, effective: int = 0) -> Report:
        """Sizes, costs, receptive field and coverage of every layer: ``atrous.inspect(network, shapes, ...)``."""
        return atrous.inspect(self, shapes, symbolic=symbolic, effective=effective)

    def _repr_html_(self) -> str:
        """How Jupyter shows a network: its report, open sizes left open."""
        return self.inspect(symbolic=True)._repr_html_()

    def receptive_field(self, shapes: Shapes | None = None) -> dict[str, tuple[Field, ...]]:
        """What each output sees of the input: ``atrous.receptive_field(network, shapes)``."""
        return atrous.receptive_field(self, shapes)

    def run(self, source: object, out: object = None, **options: Any) -> Array | Path:
        """Run on an array or a file of any size: ``atrous.run(network, source, out, ...)``."""
        return atrous.run(self, source, out, **options)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the network as an ONNX file: ``atrous.save(network, path)``."""
        atrous.save(self, path)

    def consumers(self) -> dict[str, list[Node]]:
        """The nodes that read each value, in order; a node that reads it twice stands twice."""
        readers: dict[str, list[Node]] = {}
        for node in self.nodes:
            for name in node.inputs:
                readers.setdefault(name, []).append(node)
        return readers


def _introduce(name: str, known: set[str], what: str) -> None:
    if name in known:
        raise NetworkError(f"value {name!r} is {what} but exists already; every value must have one maker")
    known.add(name)


def _unknown(value: str, node: Node, makers: Mapping[str, Node]) -> str:
    if value not in makers:
        return f"node {node.name!r} reads {value!r}, which nothing makes; it must be an input, a constant or a node's output"
    later = makers[value].name
    return f"node {node.name!r} reads {value!r} before node {later!r} makes it; put the nodes in order with sort_nodes"


def sort_nodes(nodes: Iterable[Node]) -> tuple[Node, ...]:
    """The nodes in topological order, otherwise as they stood; raises ``NetworkError`` naming the nodes of a cycle."""
    waiting = list(nodes)
    makers = {node.output: node for node in waiting}
    done: dict[str, Node] = {}
    active: dict[str, None] = {}
    for start in waiting:
        stack = [(start, iter(start.inputs))]
        while stack:
            node, rest = stack[-1]
            active[node.output] = None
            for value in rest:
                if value in active and value not in done:
                    path = [makers[name].name for name in active if name in makers]
                    cycle = path[list(active).index(value) :]
                    raise NetworkError(f"nodes {' -> '.join((*cycle, cycle[0]))} form a cycle; a network must not have one")
                if value in makers and value not in done:
                    stack.append((makers[value], iter(makers[value].inputs)))
                    break
            else:
                stack.pop()
                active.pop(node.output)
                done.setdefault(node.output, node)
    return tuple(done.values())
