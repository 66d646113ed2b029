"""One ATen operator while it is being read: its arguments by their names in the operator's schema."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from torch import fx

from atrous.errors import UnsupportedError
from atrous.graph import layers as L
from atrous.graph.fact import Array
from atrous.graph.layer import Layer
from atrous.importers.builder import Builder

#: What an operator gives: the name of a value, or several for an operator that returns a list.
Made = str | tuple[str, ...]
#: Reads one operator, adds its layers, and says which values it made.
Rule = Callable[["Call"], Made]


class Call:
    """What a rule needs to turn one operator into layers."""

    def __init__(self, node: fx.Node, name: str, values: Mapping[fx.Node, Made], builder: Builder) -> None:
        schema = node.target._schema  # type: ignore[union-attr]
        given = dict(zip((argument.name for argument in schema.arguments), node.args, strict=False)) | node.kwargs
        defaults = {a.name: a.default_value if a.has_default_value() else None for a in schema.arguments}
        self.arguments: dict[str, Any] = defaults | given
        self.name, self.output = name, node.name
        self.values, self.builder = values, builder
        #: What PyTorch says of the result: a tensor without elements, or several.
        self.result_like: Any = node.meta.get("val")

    def __getitem__(self, name: str) -> Any:
        """An argument that is no tensor, as PyTorch has it."""
        return self.arguments[name]

    def has(self, name: str) -> bool:
        """Whether the operator has this argument, and it is given."""
        return self.arguments.get(name) is not None

    def value(self, name: str) -> str:
        """The value of a tensor argument."""
        return self.as_value(self.arguments[name])

    def as_value(self, argument: Any) -> str:
        """The value that an argument stands for; a number becomes a constant of the type of the result's operands."""
        if isinstance(argument, fx.Node):
            made = self.values[argument]
            if not isinstance(made, str):
                raise UnsupportedError(f"{argument.name!r} is a list; a tensor is wanted")
            return made
        return self.constant(np.asarray(argument, self.number_type()), "number")

    def number_type(self) -> str:
        """The element type of the first tensor argument."""
        nodes = (argument for argument in self.arguments.values() if isinstance(argument, fx.Node))
        first = next(nodes, None)
        return "float32" if first is None else self.builder.fact(self.as_value(first), "operand").dtype

    def integers(self, name: str, count: int) -> tuple[int, ...]:
        """One integer for each of ``count`` axes; a single one stands for all."""
        found = self.arguments[name]
        given = tuple(found) if isinstance(found, list | tuple) else (found,)
        if not all(isinstance(item, int) for item in given):
            raise UnsupportedError(f"argument {name} is {given}, which depends on open sizes; give fixed ones")
        return given * count if len(given) == 1 else given

    def rank(self, name: str = "") -> int:
        """How many axes a tensor argument has (the first argument unless named)."""
        return self.builder.fact(self.value(name or next(iter(self.arguments))), "operand").rank

    def size(self, name: str, axis: int) -> int:
        """The size of one axis of a tensor argument, which must not be open."""
        found = self.arguments[name].meta["val"].shape[axis]
        if not isinstance(found, int):
            raise UnsupportedError(f"axis {axis} of its operand {name} has an open size; export the module with a fixed one")
        return found

    def sizes(self, name: str) -> tuple[int, ...]:
        """All sizes of a tensor argument, none of which may be open."""
        return tuple(self.size(name, axis) for axis in range(self.rank(name)))

    def constant(self, array: Array, hint: str) -> str:
        """A new constant for this operator."""
        return self.builder.constant(array, f"{self.name}/{hint}")

    def indices(self, numbers: Sequence[int], hint: str) -> str:
        """A new constant of integers."""
        return self.constant(np.array(numbers, np.int64), hint)

    def vector(self, numbers: Sequence[Any], hint: str) -> str:
        """Integers of which some follow from open sizes, as one value."""
        if all(isinstance(number, int) for number in numbers):
            return self.indices(numbers, hint)
        parts = [self.as_value(n) if isinstance(n, fx.Node) else self.indices([n], hint) for n in numbers]
        return self.emit(L.Concat(0), *parts)

    def emit(self, layer: Layer, *inputs: str) -> str:
        """A layer on the way; gives its value's name."""
        return self.builder.add(layer, inputs, f"{self.name}/{type(layer).__name__.lower()}")

    def result(self, layer: Layer, *inputs: str) -> str:
        """The layer that makes the operator's result."""
        return self.builder.add(layer, inputs, self.name, self.output)
