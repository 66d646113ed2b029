"""Reading ONNX models: a file, its bytes or a parsed model becomes a ``Network``."""

from __future__ import annotations

import warnings
from collections.abc import Mapping

import numpy as np
import onnx
from onnx import defs

from atrous.errors import ArgumentError, FileError, NetworkError, UnsupportedError
from atrous.graph.fact import Array, Dim, Fact
from atrous.graph.facts import deciding
from atrous.graph.network import Network
from atrous.importers.builder import Builder
from atrous.importers.conversion import convert
from atrous.importers.inlining import opset_of
from atrous.importers.source import Readable, Source, read_model
from atrous.importers.tensors import WIDENED, dtype_of, to_array


def load(model: Readable, given: Mapping[str, Array] | None = None) -> Network:
    """The network of an ONNX model: a path, the bytes of a file, or a parsed ``ModelProto``.

    Symbolic sizes stay symbolic, 16-bit floats are widened to float32 with a warning, and what depends on constants alone is
    computed. Nothing in the file is executed.

    ``given`` are arrays for inputs by name. Those that must be known before a run (the scales of a Resize, weights that the
    model takes as an input, ...; and arrays without elements) become constants; the others stay inputs.

    Raises ``FileError`` for damaged files and data outside the model's folder, ``UnsupportedError`` listing everything that
    atrous does not have, ``NetworkError`` for graphs that are not legal, and ``ArgumentError`` for arrays that do not fit.
    """
    proto, source = read_model(model)
    graph = proto.graph
    opset = _opset(proto, source)
    constants = _initializers(graph, source)
    arrays = _given(given or {}, _inputs(graph, constants, source))
    more = {name for name, array in arrays.items() if not array.size}
    while True:
        constants |= {name: arrays[name] for name in more}
        builder = _builder(graph, constants, source)
        try:
            convert(proto, opset, builder, source)
        except UnsupportedError:
            more = builder.asked.intersection(arrays)
            if not more:
                raise
            continue
        network = builder.network(graph.name or "network", [value.name for value in graph.output])
        more = set(deciding(network).intersection(arrays))
        if not more:
            _warn_widened(graph, source)
            return network


def _given(given: Mapping[str, Array], inputs: Mapping[str, Fact]) -> dict[str, Array]:
    """The arrays that are given for inputs, checked against what the model says of them."""
    arrays = {}
    for name, array in given.items():
        if name not in inputs:
            raise ArgumentError(f"given: {name!r} is no input of the model; it has {', '.join(inputs) or 'none'}")
        held, fact = np.asarray(array), inputs[name]
        sizes = zip(fact.shape, held.shape, strict=False)
        fits = held.ndim == fact.rank and all(isinstance(dim, str) or dim == size for dim, size in sizes)
        if held.dtype != np.dtype(fact.dtype) or not fits:
            raise ArgumentError(f"given: {name!r} is {Fact(held.dtype.name, held.shape)!r}; the model's input is {fact!r}")
        arrays[name] = held
    return arrays


def _builder(graph: onnx.GraphProto, constants: Mapping[str, Array], source: Source) -> Builder:
    builder = Builder(_inputs(graph, constants, source))
    for name, array in constants.items():
        builder.constant(array, name, exact=True)
    builder.reserve([name for node in graph.node for name in node.output])
    return builder


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
