"""Networks written line by line, with weights from one random stream."""

from __future__ import annotations

import numpy as np

from atrous.geometry import Explicit
from atrous.graph import layers as L
from atrous.graph.fact import Array, Fact
from atrous.graph.layer import Layer
from atrous.graph.network import Network, Node

RNG = np.random.default_rng(1)


class Sketch:
    """A network written line by line."""

    def __init__(self, *shape: int | str) -> None:
        self.inputs = {"x": Fact("float32", shape)}
        self.nodes: list[Node] = []
        self.constants: dict[str, Array] = {}

    def __call__(self, layer: Layer, *operands: str | Array) -> str:
        names = []
        for operand in operands:
            if isinstance(operand, str):
                names.append(operand)
            else:
                names.append(f"c{len(self.constants)}")
                self.constants[names[-1]] = operand
        name = f"n{len(self.nodes)}"
        self.nodes.append(Node(f"{type(layer).__name__}_{name}", layer, tuple(names), name))
        return name

    def conv(self, x: str, channels: int, outputs: int, bias: bool = True) -> str:
        layer = L.Conv((3, 3), (1, 1), (1, 1), Explicit(((1, 1), (1, 1))))
        return self(layer, x, *weights((outputs, channels, 3, 3), bias))

    def norm(self, x: str, channels: int) -> str:
        return self(L.BatchNorm(1e-3), x, floats(channels), floats(channels), floats(channels), np.abs(floats(channels)) + 0.1)

    def network(self, *outputs: str) -> Network:
        return Network("sketch", self.inputs, outputs, tuple(self.nodes), self.constants)


def floats(*shape: int) -> Array:
    return RNG.standard_normal(shape).astype(np.float32)


def weights(shape: tuple[int, ...], bias: bool) -> list[Array]:
    return [floats(*shape), *([floats(shape[0])] if bias else [])]


def ints(*values: int) -> Array:
    return np.array(values, np.int64)
