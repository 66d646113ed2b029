"""Where a model comes from: reading the file, and the folder that its external data must stay in."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

import onnx
from google.protobuf.message import DecodeError

from atrous.errors import ArgumentError, FileError
from atrous.importers.external import ExternalFiles

#: What ``load`` takes: a path, the bytes of a model, or a model that is parsed already.
Readable: TypeAlias = str | os.PathLike[str] | bytes | onnx.ModelProto


@dataclass(frozen=True, slots=True)
class Source:
    """Name of a model for messages, the folder of its external data (``None``: there is none), and what was read there."""

    label: str
    folder: Path | None = None
    files: ExternalFiles = field(default_factory=ExternalFiles, repr=False, compare=False)

    def external(self, location: str) -> Path:
        """The path of an external data file; refused when it is not a plain file inside the model's folder."""
        if self.folder is None:
            raise FileError(
                f"{self.label}: refers to external data {location!r}; load the model by its path, or save it as one file"
            )
        relative = Path(location)
        folder = self.folder.resolve()
        path = (folder / relative).resolve()
        if not location or relative.is_absolute() or ".." in relative.parts or not path.is_relative_to(folder):
            raise FileError(f"{self.label}: external data {location!r} lies outside the model's folder; it must lie inside")
        if not path.is_file():
            raise FileError(f"{self.label}: external data {location!r} is missing; put it beside the model")
        return path


def read_model(model: Readable) -> tuple[onnx.ModelProto, Source]:
    """The parsed model and where it came from; raises ``FileError`` when there is no whole model."""
    proto, source = _read(model)
    # Protobuf gives bytes where a file has a string that is no UTF-8.
    if not all(isinstance(text, str) for text in _texts(proto)):
        raise FileError(f"{source.label}: holds a name that is not UTF-8 text: the file is damaged")
    return proto, source


def _texts(proto: onnx.ModelProto) -> Iterator[object]:
    """Every name in a model that is read here."""
    yield from (entry.domain for entry in proto.opset_import)
    yield from _graph_texts(proto.graph)
    for function in proto.functions:
        yield from (function.name, function.domain, function.overload, *function.input, *function.output)
        yield from (entry.domain for entry in function.opset_import)
        yield from _attribute_texts(function.attribute_proto)
        yield from _node_texts(function.node)


def _graph_texts(graph: onnx.GraphProto) -> Iterator[object]:
    yield graph.name
    yield from _node_texts(graph.node)
    for tensor in graph.initializer:
        yield tensor.name
        for entry in tensor.external_data:
            yield from (entry.key, entry.value)
    for value in (*graph.input, *graph.output):
        yield value.name
        yield from (dim.dim_param for dim in value.type.tensor_type.shape.dim)


def _node_texts(nodes: Iterable[onnx.NodeProto]) -> Iterator[object]:
    for node in nodes:
        yield from (node.name, node.op_type, node.domain, node.overload, *node.input, *node.output)
        yield from _attribute_texts(node.attribute)


def _attribute_texts(attributes: Iterable[onnx.AttributeProto]) -> Iterator[object]:
    for attribute in attributes:
        yield from (attribute.name, attribute.ref_attr_name, attribute.t.name)
        if attribute.HasField("g"):
            yield from _graph_texts(attribute.g)


def _read(model: Readable) -> tuple[onnx.ModelProto, Source]:
    if isinstance(model, onnx.ModelProto):
        return model, Source("the model")
    if isinstance(model, bytes | bytearray | memoryview):
        return _parse(bytes(model), "the model"), Source("the model")
    if not isinstance(model, str | os.PathLike):
        raise ArgumentError(f"model: got {type(model).__name__}; give a path, the bytes of an ONNX file, or a ModelProto")
    path = Path(model)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise FileError(f"{path}: cannot be read: {error.strerror or error}") from None
    return _parse(data, str(path)), Source(str(path), path.parent)


def _parse(data: bytes, label: str) -> onnx.ModelProto:
    proto = onnx.ModelProto()
    try:
        proto.ParseFromString(data)
    except (DecodeError, RuntimeError, ValueError):
        raise FileError(f"{label}: is damaged, cut short, or not an ONNX model ({len(data)} bytes)") from None
    if not proto.HasField("graph") or not proto.graph.output:
        raise FileError(f"{label}: holds no ONNX graph ({len(data)} bytes); it is damaged or not an ONNX model")
    return proto
