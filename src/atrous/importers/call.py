"""One ONNX node while it is being read: its operands, attributes and outputs."""

from __future__ import annotations

from collections.abc import Callable, Container, Sequence

import onnx

from atrous.errors import NetworkError, UnsupportedError
from atrous.graph.fact import Array
from atrous.graph.layer import Layer
from atrous.importers.attributes import Attributes
from atrous.importers.builder import Builder
from atrous.importers.source import Source


class Call:
    """What a rule needs to turn one ONNX node into layers."""

    def __init__(
        self, node: onnx.NodeProto, name: str, opset: int, builder: Builder, source: Source, read: Container[str] = ()
    ) -> None:
        self.attributes = Attributes(node)
        self.inputs = list(node.input)
        self.outputs = list(node.output)
        self.name = name
        self.opset = opset
        self.builder = builder
        self.source = source
        self.read = read

    def has(self, place: int) -> bool:
        """Whether the optional operand at ``place`` is given."""
        return place < len(self.inputs) and bool(self.inputs[place])

    def operand(self, place: int) -> str:
        """The value name of an operand that must be given."""
        if not self.has(place):
            raise NetworkError(f"operand {place} is missing; it has {len(self.inputs)}")
        return str(self.inputs[place])

    def operands(self, least: int, most: int) -> list[str]:
        """All operands, between ``least`` and ``most``, none left out."""
        if not least <= len(self.inputs) <= most:
            raise NetworkError(f"has {len(self.inputs)} operands; it takes {least} to {most}")
        while self.inputs and not self.inputs[-1]:
            self.inputs.pop()
        return [self.operand(i) for i in range(max(least, len(self.inputs)))]

    def value(self, place: int) -> Array:
        """The elements of an operand that must be a constant."""
        return self.builder.value(self.operand(place), f"operand {place},")

    def integers(self, place: int) -> tuple[int, ...]:
        """The elements of a constant operand, as integers."""
        array = self.value(place)
        if array.dtype.kind != "i":
            raise NetworkError(f"operand {place} holds {array.dtype.name}; it must hold integers")
        return tuple(int(item) for item in array.reshape(-1))

    def rank(self, place: int) -> int:
        """How many axes an operand has."""
        return self.builder.fact(self.operand(place), f"operand {place},").rank

    def dtype(self, place: int) -> str:
        """The element type of an operand."""
        return self.builder.fact(self.operand(place), f"operand {place},").dtype

    def constant(self, array: Array, hint: str) -> str:
        """A new constant for this node."""
        return self.builder.constant(array, f"{self.name}/{hint}")

    def emit(self, layer: Layer, *inputs: str) -> str:
        """A layer on the way; gives its value's name."""
        return self.builder.add(layer, inputs, f"{self.name}/{type(layer).__name__.lower()}")

    def result(self, layer: Layer, *inputs: str, place: int = 0) -> None:
        """The layer that makes output ``place``."""
        name = self.name if place == 0 else f"{self.name}/{place}"
        self.builder.add(layer, inputs, name, self.outputs[place])

    def wants(self, place: int) -> bool:
        """Whether anything reads output ``place``."""
        return place < len(self.outputs) and self.outputs[place] in self.read

    def only_outputs(self, count: int) -> None:
        """Refuse a model that reads an output beyond the first ``count``."""
        if extra := [name for place, name in enumerate(self.outputs) if place >= count and self.wants(place)]:
            made = "the first output" if count == 1 else f"the first {count} outputs"
            raise UnsupportedError(f"outputs {', '.join(extra)} are read; atrous makes {made} only")


#: Reads one node, and adds its layers.
Rule = Callable[[Call], None]


def positive(name: str, values: Sequence[int], count: int) -> tuple[int, ...]:
    """One integer of at least 1 for each spatial axis."""
    if len(values) != count or any(value < 1 for value in values):
        raise NetworkError(f"attribute {name} is {list(values)}; it must hold {count} integers of at least 1")
    return tuple(values)
