"""The same network in another floating-point type."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from atrous.errors import ArgumentError
from atrous.graph.fact import Fact
from atrous.graph.layer import Layer
from atrous.graph.layers import Cast, ConstantOfShape
from atrous.graph.network import Network

_FLOATS = ("float32", "float64")


def cast_network(network: Network, dtype: str) -> Network:
    """Every float32 or float64 input, constant and cast in ``dtype`` ("float32" or "float64"); integers stay."""
    if dtype not in _FLOATS:
        raise ArgumentError(f"dtype: got {dtype!r}; it must be one of {', '.join(_FLOATS)}")

    def other(name: str) -> str:
        return dtype if name in _FLOATS else name

    def layer(old: Layer) -> Layer:
        return replace(old, dtype=other(old.dtype)) if isinstance(old, Cast | ConstantOfShape) else old

    inputs = {name: Fact(other(fact.dtype), fact.shape) for name, fact in network.inputs.items()}
    constants = {name: array.astype(np.dtype(other(array.dtype.name)), copy=False) for name, array in network.constants.items()}
    nodes = tuple(replace(node, layer=layer(node.layer)) for node in network.nodes)
    return replace(network, inputs=inputs, constants=constants, nodes=nodes)
