"""Reading ONNX models: a file, its bytes or a parsed model becomes a ``Network``."""

from __future__ import annotations

import warnings
from collections.abc import Mapping

import onnx
from onnx import defs

from atrous.errors import FileError, NetworkError, UnsupportedError
from atrous.graph.fact import Array, Dim, Fact
from atrous.graph.network import Network
from atrous.importers.builder import Builder
from atrous.importers.conversion import convert
from atrous.importers.inlining import opset_of
from atrous.importers.source import Readable, Source, read_model
from atrous.importers.tensors import WIDENED, dtype_of, to_array


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
    constants = _initializers(graph, source)
    builder = Builder(_inputs(graph, constants, source))
    for name, array in constants.items():
        builder.constant(array, name, exact=True)
    builder.reserve([name for node in graph.node for name in node.output])
    _warn_widened(graph, source)
    convert(proto, opset, builder, source)
    return builder.network(graph.name or "network", [value.name for value in graph.output])


def _opset(proto: onnx.ModelProto, source: Source) -> int:
    opset = opset_of(proto.opset_import, 1)
    newest = defs.onnx_opset_version()
    inside = (opset_of(function.opset_import, opset) for function in proto.functions)
    for version in (opset, *inside):
        if not 1 <= version <= newest:
            raise UnsupportedError(f"{source.label}: uses opset {version}; atrous reads opsets 1 to {newest}")
    return opset


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
