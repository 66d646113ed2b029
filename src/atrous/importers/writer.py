"""Collects the nodes and constants of an ONNX model that is being written."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import onnx
from onnx import helper

from atrous.graph.fact import Array, Fact
from atrous.graph.network import Network
from atrous.importers.tensors import to_tensor

#: The opset that models are written in, unless a layer needs a newer one.
OPSET = 21


class Writer:
    """Nodes, initializers and names; unless ``exact``, the sizes in ``facts`` are trials, good for ranks and types only."""

    def __init__(self, network: Network, facts: Mapping[str, Fact], exact: bool = True) -> None:
        self.facts, self.exact = facts, exact
        self.nodes: list[onnx.NodeProto] = []
        self.opset = OPSET
        self.initializers = [to_tensor(array, name) for name, array in network.constants.items()]
        self._taken = {*network.inputs, *network.constants, *(node.output for node in network.nodes)}

    def fresh(self, hint: str) -> str:
        """A value name that nothing has."""
        name, count = hint, 1
        while name in self._taken:
            count += 1
            name = f"{hint}.{count}"
        self._taken.add(name)
        return name

    def require(self, opset: int) -> None:
        """Write in this opset at least."""
        self.opset = max(self.opset, opset)

    def constant(self, array: Array, hint: str) -> str:
        """A new initializer."""
        name = self.fresh(hint)
        self.initializers.append(to_tensor(array, name))
        return name

    def integers(self, values: Iterable[int], hint: str) -> str:
        """A new initializer of int64."""
        return self.constant(np.array(list(values), np.int64), hint)

    def node(self, operator: str, inputs: Sequence[str], output: str, **attributes: Any) -> None:
        """One node; attributes that are ``None`` are left out."""
        given = {key: value for key, value in attributes.items() if value is not None}
        self.nodes.append(helper.make_node(operator, list(inputs), [output], name=output, **given))

    def step(self, operator: str, inputs: Sequence[str], hint: str, **attributes: Any) -> str:
        """One node on the way, with an invented name for its value."""
        output = self.fresh(hint)
        self.node(operator, inputs, output, **attributes)
        return output
