"""Activation maps: what a network computes on its way, for chosen layers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from atrous.engine.arrays import as_array
from atrous.engine.compiler import Compiler
from atrous.engine.program import Program
from atrous.errors import ArgumentError
from atrous.graph.fact import Array
from atrous.graph.network import Network


def activations(
    network: Network, x: Any, names: Sequence[str], threads: int | None = None, *, compiler: Compiler | None = None
) -> dict[str, Array]:
    """What chosen layers make of an input: their activation maps, by the names that were asked for.

    The chosen values become the network's outputs, and what no longer leads to one is left out: neither computed, nor asked
    whether it fits the input's size. Numbers agree with a plain run within rounding, as layers that are looked at are not
    fused with their neighbours.

    Args:
        x: the input, ``(N, C, *space)`` of the network's type; a mapping from input names to arrays where there are several.
        names: layers as ``inspect`` lists them, or values of the network (inputs too); a layer comes first where both have
            the name.
        threads: as for ``compile``.
        compiler: what makes the kernels, if not the process's own, which keeps them on disk.

    Raises:
        ArgumentError: a name is unknown, or the input does not fit.

    Example:
        >>> import numpy as np
        >>> from atrous.graph.networks import lenet
        >>> maps = activations(lenet(), np.zeros((1, 1, 32, 32), np.float32), ["c1", "s2"])
        >>> [(name, each.shape) for name, each in maps.items()]
        [('c1', (1, 6, 28, 28)), ('s2', (1, 6, 14, 14))]
    """
    values = value_names(network, names)
    inputs = _by_name(network, x)
    known = {**network.constants, **inputs}
    wanted = tuple(dict.fromkeys(value for value in values.values() if value not in known))
    made: dict[str, Array] = {}
    if wanted:
        results = Program(replace(network, outputs=wanted), threads, compiler)(*inputs.values())
        made = dict(zip(wanted, results if len(wanted) > 1 else (results,), strict=True))
    return {name: made[value] if value in made else known[value] for name, value in values.items()}


def value_names(network: Network, names: Sequence[str]) -> dict[str, str]:
    """The value that each name of a layer or value stands for; raises ``ArgumentError`` for names that are unknown.

    >>> from atrous.graph.networks import lenet
    >>> value_names(lenet(), ["c1"])
    {'c1': 'c1'}
    """
    if isinstance(names, str) or not names:
        raise ArgumentError(f"names: got {names!r}; give a list of layers, such as {[node.name for node in network.nodes[:1]]}")
    makers = {node.output: node.output for node in network.nodes}
    known = dict.fromkeys((*network.inputs, *network.constants))
    values = {name: name for name in known} | makers | {node.name: node.output for node in network.nodes}
    if unknown := [name for name in names if name not in values]:
        layers = ", ".join(node.name for node in network.nodes)
        raise ArgumentError(f"names: {', '.join(map(repr, unknown))} is no layer of {network.name}; it has {layers}")
    return {name: values[name] for name in names}


def _by_name(network: Network, x: Any) -> dict[str, Array]:
    """The arrays of all inputs in the network's order."""
    names = list(network.inputs)
    if not isinstance(x, Mapping):
        if len(names) != 1:
            raise ArgumentError(f"x: got one array; the network takes {len(names)}: give a mapping with {', '.join(names)}")
        x = {names[0]: x}
    if odd := set(names) ^ set(x):
        raise ArgumentError(f"x: {sorted(odd)} are missing or unknown; the network takes {', '.join(names)}")
    return {name: as_array(name, x[name], network.inputs[name].dtype) for name in names}
