"""Building a network while the nodes of a model are read: values, constants, fresh names."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

import numpy as np

from atrous.errors import ArgumentError, NetworkError, UnsupportedError
from atrous.graph.fact import Array, Fact
from atrous.graph.facts import infer_node, trial
from atrous.graph.layer import Layer
from atrous.graph.layers import ConstantOfShape, Expand, Identity
from atrous.graph.network import Network, Node

#: Constants are computed while loading up to this many bytes.
LIMIT = 2**31


class Builder:
    """Collects nodes and constants. A layer whose operands are all constants becomes a constant at once."""

    def __init__(self, inputs: dict[str, Fact]) -> None:
        self.inputs = inputs
        self.constants: dict[str, Array] = {}
        self.nodes: list[Node] = []
        #: Values that a rule wanted to know before the run, and which depend on data.
        self.asked: set[str] = set()
        self._facts = {name: trial(fact, {}) for name, fact in inputs.items()}
        self._open = {name for name, fact in inputs.items() if not fact.concrete}  # what depends on open sizes
        self._taken: set[str] = set(inputs)
        self._names: set[str] = set()

    def reserve(self, values: Sequence[str]) -> None:
        """Keep value names of the model free from invented ones."""
        self._taken.update(values)

    def fresh(self, hint: str) -> str:
        """A value name that nothing has."""
        return self._unique(hint, self._taken)

    @staticmethod
    def _unique(hint: str, taken: set[str]) -> str:
        name, count = hint, 1
        while name in taken:
            count += 1
            name = f"{hint}.{count}"
        taken.add(name)
        return name

    def constant(self, array: Array, hint: str, exact: bool = False) -> str:
        """A new constant; its name is ``hint``, made unique unless ``exact``."""
        name = hint if exact else self.fresh(hint)
        self.constants[name] = array
        self._facts[name] = Fact.of(array)
        return name

    def add(self, layer: Layer, inputs: Sequence[str], name: str, output: str | None = None) -> str:
        """A layer at the end; its output's name is invented unless given."""
        made = self.fresh(name) if output is None else output
        values = [self.constants[value] for value in inputs if value in self.constants]
        if len(values) == len(inputs) and self._fold(layer, values, name, made):
            return made
        node = Node(self._unique(name, self._names), layer, tuple(inputs), made)
        self.nodes.append(node)
        if not self._open.isdisjoint(inputs):
            self._open.add(made)
        operands = [self._facts[value] for value in inputs if value in self._facts]
        if len(operands) == len(inputs):
            with suppress(NetworkError):  # a trial size may not fit where the true one does
                self._facts[made] = infer_node(node, *operands)
        return made

    def _fold(self, layer: Layer, values: list[Array], name: str, made: str) -> bool:
        try:
            fact = layer.infer(*map(Fact.of, values))
        except (NetworkError, ArgumentError) as error:
            raise NetworkError(f"node {name!r} ({type(layer).__name__}): {error}") from None
        # ConstantOfShape and Expand are views of their value, whatever their size.
        if not isinstance(layer, ConstantOfShape | Expand) and fact.count * np.dtype(fact.dtype).itemsize > LIMIT:
            return False
        self.constant(layer.evaluate(*values), made, exact=True)
        return True

    def value(self, name: str, what: str) -> Array:
        """The elements of a value that must be a constant, or follow from sizes that the model fixes."""
        known = self._facts.get(name)
        if known is not None and known.value is not None and name not in self._open:
            return known.value
        if name not in self.constants:
            self.asked.add(name)
            raise UnsupportedError(f"{what} {name!r} is computed from data; atrous needs it to be a constant")
        return self.constants[name]

    def fact(self, name: str, what: str) -> Fact:
        """Rank, type and fixed sizes of a value; symbolic sizes have meaningless trial numbers."""
        if name not in self._facts:
            raise UnsupportedError(f"the number of axes of {what} {name!r} does not follow from the model; atrous needs it")
        return self._facts[name]

    def network(self, name: str, outputs: Sequence[str]) -> Network:
        """The network of all that was added, constants that nothing reads left out; an output that is given twice is copied."""
        seen: set[str] = set()
        for place, value in enumerate(outputs):
            if value in seen:
                copy = Node(self._unique(value, self._names), Identity(), (value,), self.fresh(value))
                self.nodes.append(copy)
                outputs = (*outputs[:place], copy.output, *outputs[place + 1 :])
            seen.add(value)
        read = {value for node in self.nodes for value in node.inputs} | set(outputs)
        constants = {key: array for key, array in self.constants.items() if key in read}
        return Network(name, self.inputs, tuple(outputs), tuple(self.nodes), constants)
