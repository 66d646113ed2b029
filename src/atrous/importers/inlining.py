"""Functions that a model defines, and branches whose condition is known, written out in place.

Every value gets a name of its own. Nothing a file says makes this run long or take much memory: recursion is refused, and what
functions expand to is limited.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

import onnx

from atrous.errors import NetworkError, UnsupportedError

#: Functions may call each other this deep, and expand to so many nodes, and bytes beyond those of the model.
MOST_DEPTH, MOST_NODES, MOST_BYTES = 64, 2**16, 2**28
#: Branches may stand in each other this deep.
MOST_NESTED = 16

#: The names of ONNX's own operators.
DOMAINS = ("", "ai.onnx")

#: Name, domain and overload of a function.
_Key = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Placed:
    """A node of a model, and the opset of ONNX's operators where it stands."""

    node: onnx.NodeProto
    opset: int


def opset_of(entries: Iterable[onnx.OperatorSetIdProto], default: int) -> int:
    """The version of ONNX's own operators."""
    return max((int(entry.version) for entry in entries if entry.domain in DOMAINS), default=default)


def subgraphs(node: onnx.NodeProto) -> Iterator[onnx.GraphProto]:
    """The graphs among a node's attributes: branches."""
    return (attribute.g for attribute in node.attribute if attribute.HasField("g"))


def captured(node: onnx.NodeProto) -> set[str]:
    """The values that a node reads, those that its branches read from outside too."""
    names = {name for name in node.input if name}
    for graph in subgraphs(node):
        inside = _made_in(graph)
        for inner in graph.node:
            names |= captured(inner) - inside
        names |= {value.name for value in graph.output} - inside
    return names


def _made_in(graph: onnx.GraphProto) -> set[str]:
    made = {name for node in graph.node for name in node.output if name}
    return made | {tensor.name for tensor in graph.initializer} | {value.name for value in graph.input}


Attributes = Mapping[str, onnx.AttributeProto]


def renamed(node: onnx.NodeProto, names: Mapping[str, str], given: Attributes) -> onnx.NodeProto:
    """A copy of a node with its values under other names, and a function's attributes put where it refers to them."""
    copy = onnx.NodeProto(op_type=node.op_type, domain=node.domain, name=node.name, overload=node.overload)
    copy.input.extend(names.get(name, name) for name in node.input)
    copy.output.extend(names.get(name, name) for name in node.output)
    for attribute in node.attribute:
        source = given.get(attribute.ref_attr_name) if attribute.ref_attr_name else attribute
        if source is None:
            continue  # left out by the caller, and without a default
        held = copy.attribute.add()
        if source.HasField("g"):
            held.type = source.type
            _rename_graph(source.g, held.g, names, given)
        else:
            held.CopyFrom(source)
        held.name = attribute.name
    return copy


def _rename_graph(graph: onnx.GraphProto, copy: onnx.GraphProto, names: Mapping[str, str], given: Attributes) -> None:
    """A branch inside: what it reads from outside has other names now, what it makes itself has not."""
    inside = _made_in(graph)
    outside = {name: new for name, new in names.items() if name not in inside}
    copy.name = graph.name
    copy.initializer.extend(graph.initializer)
    copy.sparse_initializer.extend(graph.sparse_initializer)
    copy.input.extend(graph.input)
    copy.output.extend(onnx.ValueInfoProto(name=outside.get(value.name, value.name)) for value in graph.output)
    copy.node.extend(renamed(node, outside, given) for node in graph.node)


class Functions:
    """The functions of a model; ``expand`` writes calls of them out. ``known`` tells what needs no writing out."""

    def __init__(
        self, proto: onnx.ModelProto, opset: int, known: Callable[[onnx.NodeProto], bool], fresh: Callable[[str], str]
    ):
        self._held: dict[_Key, onnx.FunctionProto] = {}
        for function in proto.functions:
            key = (function.name, _domain(function.domain), function.overload)
            if key in self._held:
                raise NetworkError(f"function {function.name!r} is defined twice; names must differ")
            self._held[key] = function
        self._opset, self._known, self._fresh = opset, known, fresh
        self._nodes, self._bytes = MOST_NODES, MOST_BYTES + (proto.ByteSize() if proto.functions else 0)

    def expand(self, nodes: Iterable[onnx.NodeProto], opset: int, stack: tuple[_Key, ...] = ()) -> Iterator[Placed]:
        """The nodes, calls of functions replaced by what they consist of."""
        for node in nodes:
            key = (node.op_type, _domain(node.domain), node.overload)
            if key not in self._held or self._known(node):
                yield Placed(node, opset)
                continue
            if key in stack or len(stack) == MOST_DEPTH:
                calls = " -> ".join(name for name, *_ in (*stack[-4:], key))
                raise NetworkError(f"functions {calls} call each other, or {MOST_DEPTH} deep; atrous has no recursion")
            function = self._held[key]
            inside = opset_of(function.opset_import, self._opset)
            yield from self.expand(self._body(node, function), inside, (*stack, key))

    def _spend(self, node: onnx.NodeProto) -> None:
        self._nodes, self._bytes = self._nodes - 1, self._bytes - node.ByteSize()
        if self._nodes < 0 or self._bytes < 0:
            raise UnsupportedError(f"the model's functions expand to more than {MOST_NODES} nodes, or to too many bytes")

    def _body(self, call: onnx.NodeProto, function: onnx.FunctionProto) -> Iterator[onnx.NodeProto]:
        self._spend(call)
        if len(call.input) > len(function.input) or len(call.output) > len(function.output):
            raise NetworkError(
                f"node {call.name!r} calls function {function.name!r} with {len(call.input)} operands and {len(call.output)} "
                f"outputs; it has {len(function.input)} and {len(function.output)}"
            )
        label = call.name or call.op_type
        given = {attribute.name: attribute for attribute in (*function.attribute_proto, *call.attribute)}
        names = dict.fromkeys(function.input, "") | dict(zip(function.input, call.input, strict=False))
        wanted = {inner: outer for inner, outer in zip(function.output, call.output, strict=False) if outer}
        for inner, outer in wanted.items():
            if inner in names:
                yield _identity(names[inner], outer, label)
        for node in function.node:
            for name in node.output:
                if name and name not in names:
                    names[name] = wanted.get(name) or self._fresh(f"{label}/{name}")
        for place, node in enumerate(function.node):
            copy = renamed(node, names, given)
            copy.name = f"{label}/{node.name or f'{node.op_type}_{place}'}"
            self._spend(copy)
            yield copy


def _domain(name: str) -> str:
    return "" if name in DOMAINS else name


def _identity(source: str, output: str, label: str) -> onnx.NodeProto:
    return onnx.NodeProto(op_type="Identity", name=f"{label}/output", input=[source], output=[output])


@dataclass(slots=True)
class Branch:
    """What a taken branch consists of, under names of the graph around it."""

    nodes: list[onnx.NodeProto] = field(default_factory=list)
    tensors: dict[str, onnx.TensorProto] = field(default_factory=dict)


def branch(graph: onnx.GraphProto, outputs: Iterable[str], label: str, fresh: Callable[[str], str]) -> Branch:
    """A branch in place of the node that has it; ``outputs`` are that node's."""
    outputs = list(outputs)
    if graph.input or graph.sparse_initializer or len(graph.output) != len(outputs):
        raise NetworkError(
            f"its branch {graph.name!r} has {len(graph.input)} inputs, {len(graph.sparse_initializer)} sparse tensors and "
            f"{len(graph.output)} outputs; it must have none, none and {len(outputs)}"
        )
    taken = Branch()
    made = [name for node in graph.node for name in node.output if name]
    names = {tensor.name: fresh(f"{label}/{tensor.name}") for tensor in graph.initializer}
    results = {value.name: outer for value, outer in zip(graph.output, outputs, strict=True) if outer}
    for name in made:
        names.setdefault(name, results.get(name) or fresh(f"{label}/{name}"))
    for node in graph.node:
        copy = renamed(node, names, {})
        copy.name = f"{label}/{node.name or node.op_type}"
        taken.nodes.append(copy)
    taken.tensors = {names[tensor.name]: tensor for tensor in graph.initializer}
    for value, outer in zip(graph.output, outputs, strict=True):
        if outer and names.get(value.name) != outer:
            taken.nodes.append(_identity(names.get(value.name, value.name), outer, label))
    return taken
