"""The nodes of a model, one after the other through the rules for their operators, into a network."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

import onnx

from atrous.errors import NetworkError, UnsupportedError
from atrous.graph.layers import Identity
from atrous.graph.network import Node, sort_nodes
from atrous.importers import dense, normalisation, pointwise, resizing, structure, windowed
from atrous.importers.builder import Builder
from atrous.importers.call import Call, Rule
from atrous.importers.inlining import DOMAINS, MOST_NESTED, Functions, Placed, branch, captured
from atrous.importers.source import Source
from atrous.importers.tensors import to_array

#: One rule for each operator of ONNX's default domain.
RULES: Mapping[str, Rule] = {
    **windowed.RULES,
    **normalisation.RULES,
    **pointwise.RULES,
    **resizing.RULES,
    **structure.RULES,
    **dense.RULES,
}

#: How many outputs the rules of these operators make; those of the others make one.
OUTPUTS: Mapping[str, int] = {
    "BatchNormalization": 3,
    "CausalConvWithState": 2,
    "Dropout": 2,
    "LayerNormalization": 3,
    "MaxPool": 2,
    "Split": 2**31,
}


def convert(proto: onnx.ModelProto, opset: int, builder: Builder, source: Source) -> None:
    """Every node of the model's graph. What is unsupported is collected, and reported together."""
    try:
        conversion = _Conversion(proto, opset, builder, source)
        conversion.nodes(conversion.functions.expand(proto.graph.node, opset), [value.name for value in proto.graph.output])
    except UnsupportedError as error:
        raise UnsupportedError(f"{source.label}: {error}") from None
    except NetworkError as error:
        raise NetworkError(f"{source.label}: {error}") from None
    if conversion.problems:
        raise UnsupportedError(f"{source.label}: " + "; ".join(conversion.problems))
    for value in proto.graph.output:
        if value.name not in builder.known:
            raise NetworkError(f"{source.label}: output {value.name!r} is made by no node; the model is incomplete")


def _has_rule(node: onnx.NodeProto) -> bool:
    return node.domain in DOMAINS and (node.op_type in RULES or node.op_type == "If")


class _Conversion:
    """What is shared by the graph of a model and the branches in it."""

    def __init__(self, proto: onnx.ModelProto, opset: int, builder: Builder, source: Source) -> None:
        self.builder, self.source = builder, source
        self.functions = Functions(proto, opset, _has_rule, builder.fresh)
        self.problems: list[str] = []
        self._broken: set[str] = set()
        self._nested = 0

    def nodes(self, nodes: Iterable[Placed], outputs: Sequence[str]) -> None:
        """All of one graph, which gives ``outputs``."""
        placed = list(nodes)
        _refuse_unknown(placed)
        read = set().union(outputs, *(captured(each.node) for each in placed))
        for name, each in _in_order(placed, self.builder.known | self._broken):
            node = each.node
            if self._broken & captured(node):
                self._broken.update(node.output)
                continue
            label = f"node {name!r} ({node.op_type}, opset {each.opset})"
            try:
                if node.op_type == "If":
                    self._branch(name, each, read)
                else:
                    _convert_node(Call(node, name, each.opset, self.builder, self.source, read), node.op_type)
            except UnsupportedError as error:
                self.problems.append(f"{label}: {error}")
                self._broken.update(node.output)
            except NetworkError as error:
                raise NetworkError(f"{label}: {error}") from None

    def _branch(self, name: str, each: Placed, read: set[str]) -> None:
        """The branch that the condition takes, in place of the node; the other one is not even looked at."""
        call = Call(each.node, name, each.opset, self.builder, self.source, read)
        condition = call.value(0)
        if condition.size != 1 or condition.dtype != bool:
            raise NetworkError(
                f"its condition is {condition.dtype.name} with {condition.size} elements; it must be one boolean"
            )
        way = "then_branch" if condition.all() else "else_branch"
        graph = next((held.g for held in each.node.attribute if held.name == way and held.HasField("g")), None)
        if graph is None:
            raise NetworkError(f"attribute {way} is missing")
        if self._nested == MOST_NESTED:
            raise UnsupportedError(f"it stands in {MOST_NESTED} other branches; atrous reads no deeper ones")
        taken = branch(graph, each.node.output, name, self.builder.fresh)
        for value, tensor in taken.tensors.items():
            self.builder.constant(to_array(tensor, self.source), value, exact=True)
        self._nested += 1
        self.nodes(self.functions.expand(taken.nodes, each.opset), [value for value in each.node.output if value in read])
        self._nested -= 1


def _refuse_unknown(nodes: Iterable[Placed]) -> None:
    """All operators that have no rule, in one message."""
    unknown: dict[str, list[str]] = {}
    opset = 0
    for i, each in enumerate(nodes):
        node = each.node
        if not _has_rule(node):
            kind = f"{node.domain}.{node.op_type}" if node.domain else node.op_type
            unknown.setdefault(kind, []).append(node.name or f"{node.op_type}_{i}")
            opset = each.opset
    if unknown:
        listed = "; ".join(f"{kind} (nodes {', '.join(names)})" for kind, names in sorted(unknown.items()))
        raise UnsupportedError(f"opset {opset} operators that atrous does not have: {listed}")


def _named(nodes: Iterable[Placed]) -> Iterator[tuple[str, Placed]]:
    """Every node with a name that no other has."""
    taken: set[str] = set()
    for i, each in enumerate(nodes):
        name = each.node.name or f"{each.node.op_type}_{i}"
        while name in taken:
            name = f"{name}_{i}"
        taken.add(name)
        yield name, each


def _in_order(placed: Iterable[Placed], known: set[str]) -> list[tuple[str, Placed]]:
    """The nodes sorted by what they read; refuses values made twice or not at all, and cycles."""
    nodes = dict(_named(placed))
    makers: dict[str, str] = {}
    for name, each in nodes.items():
        for value in filter(None, each.node.output):
            if value in makers or value in known:
                raise NetworkError(
                    f"node {name!r} makes value {value!r}, which exists already; every value must have one maker"
                )
            makers[value] = name
    reads = {name: captured(each.node) for name, each in nodes.items()}
    for name, values in reads.items():
        for value in sorted(values):
            if value not in makers and value not in known:
                raise NetworkError(f"node {name!r} reads {value!r}, which nothing makes; the model is incomplete")
    places = [
        Node(name, Identity(), tuple(makers[value] for value in sorted(reads[name]) if value in makers), name) for name in nodes
    ]
    return [(place.name, nodes[place.name]) for place in sort_nodes(places)]


def _convert_node(call: Call, operator: str) -> None:
    parted = operator == "Split"
    if not any(call.outputs if parted else call.outputs[:1]):
        raise NetworkError("has no first output; every node must make a value")
    call.only_outputs(OUTPUTS.get(operator, 1))
    RULES[operator](call)
    call.attributes.finish()
