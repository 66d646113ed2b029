"""Identical branches: what is computed twice from the same values is computed once."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from dataclasses import replace
from hashlib import blake2b

import numpy as np

from atrous.graph.layers import Identity
from atrous.graph.network import Network, Node
from atrous.graph.passes.rewrite import rebuilt


def share_branches(network: Network) -> Network:
    """Nodes of equal layers that read the same values, constants by their elements, become the first of them.

    Outputs of the network keep their names: of several that are one now, the others are made by an Identity.
    """
    twins = _Twins(network)
    first = {node.output: twins.first(node) for node in network.nodes}
    given = {first[name]: name for name in reversed(network.outputs) if name in first}
    given |= {name: name for name in network.outputs if first.get(name) == name}
    names = {name: given.get(value, value) for name, value in first.items()}
    nodes: list[Node] = []
    for node in network.nodes:
        if first[node.output] == node.output:
            inputs = tuple(names.get(name, name) for name in node.inputs)
            nodes.append(replace(node, inputs=inputs, output=names[node.output]))
        elif node.output in network.outputs and names[node.output] != node.output:
            nodes.append(Node(node.name, Identity(), (names[node.output],), node.output))
    return rebuilt(network, nodes)


class _Twins:
    """The values made so far, by what they are made of.

    Constants are told apart by type and shape at first, and by a digest of their elements only where that would not do: the
    weights of most networks are never read.
    """

    def __init__(self, network: Network) -> None:
        self._constants = network.constants
        self._same: dict[str, str] = {}
        self._like: dict[Hashable, Node] = {}
        self._equal: dict[Hashable, str] = {}
        self._digests: dict[str, bytes] = {}

    def first(self, node: Node) -> str:
        """The value of the first node that computes the same as this one, which may be itself."""
        form = (node.layer, tuple(self._form(name) for name in node.inputs))
        like = self._like.setdefault(form, node)
        found = node.output
        if like is not node:
            self._equal.setdefault((form, *self._held(like)), like.output)
            found = self._equal.setdefault((form, *self._held(node)), node.output)
        self._same[node.output] = found
        return found

    def _form(self, name: str) -> Hashable:
        if name in self._constants:
            return (self._constants[name].dtype.str, self._constants[name].shape)
        return self._same.get(name, name)

    def _held(self, node: Node) -> Iterator[bytes]:
        """The elements of a node's constants, digested."""
        for name in node.inputs:
            if name in self._constants:
                yield self._digest(name)

    def _digest(self, name: str) -> bytes:
        if name not in self._digests:
            array = self._constants[name]
            stored = array[tuple(slice(None) if step else slice(1) for step in array.strides)]  # one number may fill any size
            digest = blake2b(repr(stored.shape).encode(), digest_size=20)
            digest.update(np.ascontiguousarray(stored).data)
            self._digests[name] = digest.digest()
        return self._digests[name]
