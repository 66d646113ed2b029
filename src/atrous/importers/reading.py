"""Reading ONNX models: a file, its bytes or a parsed model becomes a ``Network``."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence

import onnx
from onnx import defs

from atrous.errors import FileError, NetworkError, UnsupportedError
from atrous.graph.fact import Array, Dim, Fact
from atrous.graph.layers import Identity
from atrous.graph.network import Network, Node, sort_nodes
from atrous.importers import dense, normalisation, pointwise, structure, windowed
from atrous.importers.builder import Builder
from atrous.importers.call import Call, Rule
from atrous.importers.source import Readable, Source, read_model
from atrous.importers.tensors import WIDENED, dtype_of, to_array

#: One rule for each operator of ONNX's default domain.
RULES: Mapping[str, Rule] = {
    **windowed.RULES,
    **normalisation.RULES,
    **pointwise.RULES,
    **structure.RULES,
    **dense.RULES,
}

#: How many outputs the rules of these operators make; those of the others make one.
OUTPUTS: Mapping[str, int] = {"CausalConvWithState": 2, "Dropout": 2, "LayerNormalization": 3, "Split": 2**31}

_DOMAINS = ("", "ai.onnx")


def load(model: Readable) -> Network:
    """The network of an ONNX model: a path, the bytes of a file, or a parsed ``ModelProto``.

    Symbolic sizes stay symbolic, 16-bit floats are widened to float32 with a warning, and what depends on constants alone is
    computed. Nothing in the file is executed.

    Raises ``FileError`` for damaged files and data outside the model's folder, ``UnsupportedError`` listing everything that
    atrous does not have, and ``NetworkError`` for graphs that are not legal.
    """
    proto, source = read_model(model)
    graph = proto.graph
    opset = _opset(proto, source)
    _refuse_unknown(graph, opset, source)
    constants = _initializers(graph, source)
    builder = Builder(_inputs(graph, constants, source))
    for name, array in constants.items():
        builder.constant(array, name, exact=True)
    builder.reserve([name for node in graph.node for name in node.output])
    _warn_widened(graph, source)
    _convert(graph, opset, builder, source)
    return builder.network(graph.name or "network", [value.name for value in graph.output])


def _opset(proto: onnx.ModelProto, source: Source) -> int:
    versions = [entry.version for entry in proto.opset_import if entry.domain in _DOMAINS]
    opset = max(versions, default=1)
    newest = defs.onnx_opset_version()
    if not 1 <= opset <= newest:
        raise UnsupportedError(f"{source.label}: uses opset {opset}; atrous reads opsets 1 to {newest}")
    return opset


def _refuse_unknown(graph: onnx.GraphProto, opset: int, source: Source) -> None:
    """All operators that have no rule, in one message."""
    unknown: dict[str, list[str]] = {}
    for i, node in enumerate(graph.node):
        if node.domain not in _DOMAINS or node.op_type not in RULES:
            kind = f"{node.domain}.{node.op_type}" if node.domain else node.op_type
            unknown.setdefault(kind, []).append(node.name or f"{node.op_type}_{i}")
    if unknown:
        listed = "; ".join(f"{kind} (nodes {', '.join(names)})" for kind, names in sorted(unknown.items()))
        raise UnsupportedError(f"{source.label}: opset {opset} operators that atrous does not have: {listed}")


def _initializers(graph: onnx.GraphProto, source: Source) -> dict[str, Array]:
    if graph.sparse_initializer:
        raise UnsupportedError(f"{source.label}: has sparse initializers; store them dense")
    arrays: dict[str, Array] = {}
    for tensor in graph.initializer:
        if not tensor.name or tensor.name in arrays:
            raise NetworkError(f"{source.label}: initializer {tensor.name!r} appears twice or has no name; names must differ")
        arrays[tensor.name] = to_array(tensor, source)
    return arrays


def _inputs(graph: onnx.GraphProto, constants: Mapping[str, Array], source: Source) -> dict[str, Fact]:
    facts: dict[str, Fact] = {}
    for value in graph.input:
        if value.name in constants:
            continue
        what = f"{source.label}: input {value.name!r}"
        tensor = value.type.tensor_type
        if not value.type.HasField("tensor_type") or not tensor.HasField("shape"):
            raise UnsupportedError(f"{what} is no tensor of known rank; give its shape in the model")
        if value.name in facts:
            raise NetworkError(f"{what} appears twice; names must differ")
        dims = tuple(_dim(dim, f"{value.name}_{i}", what) for i, dim in enumerate(tensor.shape.dim))
        facts[value.name] = Fact(dtype_of(tensor.elem_type, what), dims)
    return facts


def _dim(dim: onnx.TensorShapeProto.Dimension, generated: str, what: str) -> Dim:
    """A size; a symbol; or a made-up symbol where the model leaves the size open (absent, 0 or -1)."""
    if dim.HasField("dim_value") and dim.dim_value > 0:
        return int(dim.dim_value)
    if dim.HasField("dim_value") and dim.dim_value < -1:
        raise FileError(f"{what} has size {dim.dim_value}; sizes must be positive: the file is damaged")
    return str(dim.dim_param) or generated


def _warn_widened(graph: onnx.GraphProto, source: Source) -> None:
    count = sum(tensor.data_type in WIDENED for tensor in graph.initializer)
    if count:
        warnings.warn(f"{source.label}: {count} tensors of 16-bit floats are widened to float32", stacklevel=3)


def _named(graph: onnx.GraphProto) -> Iterator[tuple[str, onnx.NodeProto]]:
    """Every node with a name that no other has."""
    taken: set[str] = set()
    for i, node in enumerate(graph.node):
        name = node.name or f"{node.op_type}_{i}"
        while name in taken:
            name = f"{name}_{i}"
        taken.add(name)
        yield name, node


def _in_order(graph: onnx.GraphProto, known: set[str]) -> list[tuple[str, onnx.NodeProto]]:
    """The nodes sorted by what they read; refuses values made twice or not at all, and cycles."""
    nodes = dict(_named(graph))
    makers: dict[str, str] = {}
    for name, node in nodes.items():
        for value in filter(None, node.output):
            if value in makers or value in known:
                raise NetworkError(
                    f"node {name!r} makes value {value!r}, which exists already; every value must have one maker"
                )
            makers[value] = name
    for name, node in nodes.items():
        for value in filter(None, node.input):
            if value not in makers and value not in known:
                raise NetworkError(f"node {name!r} reads {value!r}, which nothing makes; the model is incomplete")
    places = [
        Node(name, Identity(), tuple(makers[value] for value in node.input if value in makers), name)
        for name, node in nodes.items()
    ]
    return [(place.name, nodes[place.name]) for place in sort_nodes(places)]


def _convert(graph: onnx.GraphProto, opset: int, builder: Builder, source: Source) -> None:
    """Every node through its rule. What is unsupported is collected, and reported together."""
    problems: list[str] = []
    read = {value for node in graph.node for value in node.input} | {value.name for value in graph.output}
    broken: set[str] = set()
    for name, node in _in_order(graph, {*builder.inputs, *builder.constants}):
        if broken.intersection(node.input):
            broken.update(node.output)
            continue
        label = f"node {name!r} ({node.op_type}, opset {opset})"
        try:
            _convert_node(Call(node, name, opset, builder, source, read), node.op_type)
        except UnsupportedError as error:
            problems.append(f"{label}: {error}")
            broken.update(node.output)
        except NetworkError as error:
            raise NetworkError(f"{source.label}: {label}: {error}") from None
    if problems:
        raise UnsupportedError(f"{source.label}: " + "; ".join(problems))
    _check_outputs(graph.output, builder, source)


def _convert_node(call: Call, operator: str) -> None:
    parted = operator == "Split"
    if not any(call.outputs if parted else call.outputs[:1]):
        raise NetworkError("has no first output; every node must make a value")
    call.only_outputs(OUTPUTS.get(operator, 1))
    RULES[operator](call)
    call.attributes.finish()


def _check_outputs(outputs: Sequence[onnx.ValueInfoProto], builder: Builder, source: Source) -> None:
    made = {*builder.inputs, *builder.constants, *(node.output for node in builder.nodes)}
    for value in outputs:
        if value.name not in made:
            raise NetworkError(f"{source.label}: output {value.name!r} is made by no node; the model is incomplete")
