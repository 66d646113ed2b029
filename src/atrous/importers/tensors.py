"""Constants of a model as arrays, and arrays as constants of a model."""

from __future__ import annotations

from math import prod

import numpy as np
import onnx
from onnx import TensorProto, numpy_helper

from atrous.errors import FileError, UnsupportedError
from atrous.graph.fact import Array
from atrous.importers.external import MOST_SPARSE
from atrous.importers.source import Source

#: ONNX's element types, by the name of the NumPy type that holds them here; 16-bit floats are widened.
TYPES: dict[int, str] = {
    TensorProto.FLOAT: "float32",
    TensorProto.DOUBLE: "float64",
    TensorProto.INT8: "int8",
    TensorProto.INT16: "int16",
    TensorProto.INT32: "int32",
    TensorProto.INT64: "int64",
    TensorProto.UINT8: "uint8",
    TensorProto.UINT16: "uint16",
    TensorProto.UINT32: "uint32",
    TensorProto.UINT64: "uint64",
    TensorProto.BOOL: "bool",
    TensorProto.FLOAT16: "float32",
    TensorProto.BFLOAT16: "float32",
}
#: The element types that lose nothing but their name: float32 holds each of their values.
WIDENED = frozenset({TensorProto.FLOAT16, TensorProto.BFLOAT16})
#: Back to ONNX: the first type of each name.
CODES: dict[str, int] = {name: code for code, name in reversed(TYPES.items())}

_FIELDS: dict[int, str] = {
    TensorProto.FLOAT: "float_data",
    TensorProto.DOUBLE: "double_data",
    TensorProto.INT64: "int64_data",
    TensorProto.UINT32: "uint64_data",
    TensorProto.UINT64: "uint64_data",
}


def dtype_of(code: int, what: str) -> str:
    """The NumPy type of an ONNX element type; ``UnsupportedError`` names ``what`` has another one."""
    if code not in TYPES:
        known = TensorProto.DataType.keys()
        name = TensorProto.DataType.Name(code) if code in TensorProto.DataType.values() else str(code)
        raise UnsupportedError(f"{what} has element type {name} of ONNX's {len(known)}; atrous has {', '.join(sorted(CODES))}")
    return TYPES[code]


def to_array(tensor: onnx.TensorProto, source: Source) -> Array:
    """The elements of a tensor; its bytes are counted before anything is allocated."""
    what = f"{source.label}: tensor {tensor.name!r}"
    dtype = dtype_of(tensor.data_type, what)
    if tensor.HasField("segment") or any(dim < 0 for dim in tensor.dims):
        raise FileError(f"{what} has dimensions {list(tensor.dims)}; they must not be negative, nor a segment: it is damaged")
    count = prod(tensor.dims)
    width = 2 if tensor.data_type in WIDENED else np.dtype(dtype).itemsize
    if tensor.data_location == TensorProto.EXTERNAL:
        return _external(tensor, source, count, width)
    if tensor.HasField("raw_data"):
        held, wanted, unit = len(tensor.raw_data), count * width, "bytes"
    else:
        held, wanted, unit = len(getattr(tensor, _FIELDS.get(tensor.data_type, "int32_data"))), count, "elements"
    if held != wanted:
        raise FileError(f"{what} holds {held} {unit}, dimensions {list(tensor.dims)} need {wanted}: the file is damaged")
    array = np.asarray(numpy_helper.to_array(tensor))
    return array.astype(dtype) if array.dtype != dtype else array


def sparse_array(tensor: onnx.SparseTensorProto, source: Source) -> Array:
    """A sparse tensor with its zeros; its places are checked, and its size limited, before anything is allocated."""
    what = f"{source.label}: sparse tensor {tensor.values.name!r}"
    values, places = to_array(tensor.values, source), to_array(tensor.indices, source)
    shape = tuple(int(dim) for dim in tensor.dims)
    size = prod(shape)
    if any(dim < 0 for dim in shape) or size * values.itemsize > MOST_SPARSE:
        raise FileError(f"{what} has dimensions {list(shape)}; they must not be negative, nor more than {MOST_SPARSE} bytes")
    if values.ndim != 1 or places.dtype != np.int64 or places.shape not in ((len(values),), (len(values), len(shape))):
        raise FileError(f"{what} has {values.shape} values at {places.shape} places; each must have one: the file is damaged")
    bounds = np.array(shape if places.ndim == 2 else (size,), np.int64)
    if np.any(places < 0) or np.any(places >= bounds):
        raise FileError(f"{what} has places outside its dimensions {list(shape)}: the file is damaged")
    array = np.zeros(shape, values.dtype)
    array[tuple(places.T) if places.ndim == 2 else np.unravel_index(places, shape)] = values
    return array


def _external(tensor: onnx.TensorProto, source: Source, count: int, width: int) -> Array:
    entries = {entry.key: entry.value for entry in tensor.external_data}
    path = source.external(entries.get("location", ""))
    what = f"{source.label}: tensor {tensor.name!r}"
    try:
        offset, length = int(entries.get("offset", 0)), int(entries.get("length", count * width))
    except ValueError:
        raise FileError(f"{what} has external offset or length that is no number: the file is damaged") from None
    held = path.stat().st_size
    if length != count * width or offset < 0 or offset + length > held:
        raise FileError(
            f"{what} lies at {offset} with {length} bytes in {path.name!r} of {held} bytes, "
            f"and dimensions {list(tensor.dims)} need {count * width}: the file is damaged"
        )
    code = tensor.data_type
    plain = np.dtype(f"u{width}" if code in WIDENED else TYPES[code]).newbyteorder("<")

    def read() -> Array:
        return _widen(np.fromfile(path, plain, count, offset=offset), code)

    return source.files.once(path, offset, length, code, read, what).reshape(tuple(tensor.dims))


def _widen(array: Array, code: int) -> Array:
    """Sixteen-bit floats read as integers, as the float32 numbers that they are."""
    if code == TensorProto.FLOAT16:
        return array.view(np.dtype("<f2")).astype(np.float32)
    if code == TensorProto.BFLOAT16:
        return (array.astype(np.uint32) << 16).view(np.float32)
    return array.astype(TYPES[code], copy=False)


def to_tensor(array: Array, name: str) -> onnx.TensorProto:
    """An array as a tensor of a model."""
    return numpy_helper.from_array(np.ascontiguousarray(array).reshape(array.shape), name)
