"""Building a network while the nodes of a model are read: values, constants, fresh names."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace

import numpy as np

from atrous.errors import ArgumentError, NetworkError, UnsupportedError
from atrous.graph.fact import Array, Fact
from atrous.graph.facts import infer_node, trial_inputs
from atrous.graph.layer import Layer
from atrous.graph.layers import ConstantOfShape, Expand, Identity, Shape
from atrous.graph.network import Network, Node
from atrous.graph.passes import remove_dead

#: Constants are computed while loading up to this many bytes.
LIMIT = 2**31


class Builder:
    """Collects nodes and constants. A layer whose operands are all constants becomes a constant at once."""

    def __init__(self, inputs: dict[str, Fact]) -> None:
        self.inputs = inputs
        self.constants: dict[str, Array] = {}
        self.nodes: list[Node] = []
        self._asked: list[str] = []  # what a rule wanted to know before the run, and depends on data
        self._facts = trial_inputs(inputs)
        #: The facts that hold whatever sizes the inputs leave open, and so the elements too that these have.
        self._certain = {name: fact for name, fact in inputs.items() if fact.concrete}
        self._fixed = False
        self._taken: set[str] = set(inputs)
        self._names: set[str] = set()
        self._counts: dict[str, int] = {}

    @property
    def known(self) -> set[str]:
        """All values so far."""
        return {*self.inputs, *self.constants, *(node.output for node in self.nodes)}

    def reserve(self, values: Sequence[str]) -> None:
        """Keep value names of the model free from invented ones."""
        self._taken.update(values)

    def fresh(self, hint: str) -> str:
        """A value name that nothing has."""
        return self._unique(hint, self._taken)

    def _unique(self, hint: str, taken: set[str]) -> str:
        name = hint
        while name in taken:
            self._counts[hint] = self._counts.get(hint, 1) + 1
            name = f"{hint}.{self._counts[hint]}"
        taken.add(name)
        return name

    def constant(self, array: Array, hint: str, exact: bool = False) -> str:
        """A new constant; its name is ``hint``, made unique unless ``exact``."""
        name = hint if exact else self.fresh(hint)
        self.constants[name] = array
        self._facts[name] = self._certain[name] = Fact.of(array)
        return name

    def add(self, layer: Layer, inputs: Sequence[str], name: str, output: str | None = None) -> str:
        """A layer at the end; its output's name is invented unless given."""
        made = self.fresh(name) if output is None else output
        values = [self.constants[value] for value in inputs if value in self.constants]
        if len(values) == len(inputs) and self._fold(layer, values, name, made):
            return made
        node = Node(self._unique(name, self._names), layer, tuple(inputs), made)
        self.nodes.append(node)
        self._infer(node)
        return made

    def _infer(self, node: Node) -> None:
        """What is known of a node's output: for certain, and under trial sizes."""
        certain = self._inferred(node, self._certain)
        guessed = any(self._certain.get(value) is not self._facts.get(value) for value in node.inputs)
        fact = self._inferred(node, self._facts) if certain is None or guessed else certain
        if fact is not None:
            self._facts[node.output] = fact
            if certain is None and isinstance(node.layer, Shape):  # how many axes there are is certain, not their sizes
                certain = replace(fact, value=None)
        if certain is not None:
            self._certain[node.output] = certain

    @staticmethod
    def _inferred(node: Node, facts: dict[str, Fact]) -> Fact | None:
        operands = [facts[value] for value in node.inputs if value in facts]
        if len(operands) == len(node.inputs):
            with suppress(NetworkError):  # a trial size may not fit where the true one does
                return infer_node(node, *operands)
        return None

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
        """The elements of a value that must be a constant, or follow from shapes that the model fixes."""
        if name in self.constants:
            return self.constants[name]
        fact = self._certain.get(name)
        if fact is None or fact.value is None:
            self._asked.append(name)
            raise UnsupportedError(f"{what} {name!r} is computed from data; atrous needs it to be a constant")
        self._fixed = True
        return fact.value

    @property
    def asked(self) -> set[str]:
        """The inputs that must be known before the run for the rules that asked so far."""
        makers = {node.output: node for node in self.nodes}
        waiting, seen = list(self._asked), set[str]()
        while waiting:
            name = waiting.pop()
            if name not in seen and name in makers:
                waiting.extend(makers[name].inputs)
            seen.add(name)
        return seen.intersection(self.inputs)

    def fact(self, name: str, what: str) -> Fact:
        """Rank, type and fixed sizes of a value; symbolic sizes have meaningless trial numbers."""
        if name not in self._facts:
            raise UnsupportedError(f"the number of axes of {what} {name!r} does not follow from the model; atrous needs it")
        return self._facts[name]

    def network(self, name: str, outputs: Sequence[str]) -> Network:
        """The network of all that was added, without constants that nothing reads, and what only led to known elements.

        An output that is given twice is copied.
        """
        seen: set[str] = set()
        for place, value in enumerate(outputs):
            if value in seen:
                copy = Node(self._unique(value, self._names), Identity(), (value,), self.fresh(value))
                self.nodes.append(copy)
                outputs = (*outputs[:place], copy.output, *outputs[place + 1 :])
            seen.add(value)
        read = {value for node in self.nodes for value in node.inputs} | set(outputs)
        constants = {key: array for key, array in self.constants.items() if key in read}
        network = Network(name, self.inputs, tuple(outputs), tuple(self.nodes), constants)
        return remove_dead(network) if self._fixed else network
