"""Reading safetensors files: eight bytes, a header in JSON, and plain numbers; nothing in it can run, and nothing is believed.

    bytes 0..8     the length n of the header, little-endian
    bytes 8..8+n   JSON: {name: {"dtype": "F32", "shape": [64, 3, 7, 7], "data_offsets": [begin, end]}, ...}
    the rest       the data, where the offsets count from; tensors follow each other without gaps

The format is that of https://github.com/huggingface/safetensors. 16-bit floats are widened to float32, which holds each of
their values.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from atrous.errors import FileError
from atrous.graph.fact import Array

#: The longest header that is read, in bytes: room for more than a hundred thousand tensors.
MOST_HEADER = 2**24
#: The format's element types that atrous has: as the file holds them, and as they come out.
TYPES: Mapping[str, tuple[str, str]] = {
    "F64": ("<f8", "float64"),
    "F32": ("<f4", "float32"),
    "F16": ("<f2", "float32"),
    "BF16": ("<u2", "float32"),
    "I64": ("<i8", "int64"),
    "I32": ("<i4", "int32"),
    "I16": ("<i2", "int16"),
    "I8": ("|i1", "int8"),
    "U64": ("<u8", "uint64"),
    "U32": ("<u4", "uint32"),
    "U16": ("<u2", "uint16"),
    "U8": ("|u1", "uint8"),
    "BOOL": ("|u1", "bool"),
}


@dataclass(frozen=True, slots=True)
class Entry:
    """Where one tensor lies: its type in the file, its sizes, and its bytes, counted from the end of the header."""

    dtype: str
    shape: tuple[int, ...]
    begin: int
    end: int


def read_safetensors(path: str | os.PathLike[str]) -> dict[str, Array]:
    """Every tensor of a file, by name.

    The whole header is checked before any tensor is read, so a damaged or hostile file costs no more memory than its size.
    Raises ``FileError`` that names the file and the tensor.
    """
    path = Path(path)
    try:
        data = np.fromfile(path, np.uint8) if path.is_file() else _missing(path)
    except OSError as error:
        raise FileError(f"{path}: cannot be read: {error.strerror or error}") from None
    start, header = _header(data, path)
    entries = {name: _entry(value, f"{path}: tensor {name!r}") for name, value in header.items()}
    _check_places(entries, len(data) - start, path)
    return {name: _array(data[start + entry.begin : start + entry.end], entry) for name, entry in entries.items()}


def _missing(path: Path) -> Array:
    raise FileError(f"{path}: cannot be read: there is no file of this name")


def _header(data: Array, path: Path) -> tuple[int, dict[str, Any]]:
    """Where the data starts, and the tensors of the header; its free text is dropped."""
    if len(data) < 8:
        raise FileError(f"{path}: holds {len(data)} bytes; a safetensors file begins with 8 that give its header's length")
    length = int.from_bytes(data[:8].tobytes(), "little")
    if length > min(MOST_HEADER, len(data) - 8):
        raise FileError(
            f"{path}: names a header of {length} bytes in a file of {len(data)}, at most {MOST_HEADER} are possible: "
            "it is damaged, cut short, or no safetensors file"
        )
    try:
        header = json.loads(data[8 : 8 + length].tobytes().decode("utf-8"), object_pairs_hook=_once)
    except (ValueError, RecursionError) as error:
        raise FileError(
            f"{path}: has a header that is not legal JSON ({error}): it is damaged or no safetensors file"
        ) from None
    if not isinstance(header, dict):
        raise FileError(f"{path}: has a header that is no JSON object: it is damaged or no safetensors file")
    header.pop("__metadata__", None)
    for name in header:
        if len(name) > 1000 or not name.isprintable():
            raise FileError(f"{path}: has a tensor named {_short(name)}; names must be printable, of at most 1000 characters")
    return 8 + length, header


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name appears twice")
    return found


def _entry(value: Any, what: str) -> Entry:
    if not isinstance(value, dict) or value.keys() != {"dtype", "shape", "data_offsets"}:
        raise FileError(f"{what} must have dtype, shape and data_offsets, and nothing else: the file is damaged")
    dtype, shape, offsets = value["dtype"], value["shape"], value["data_offsets"]
    if not isinstance(dtype, str) or dtype not in TYPES:
        raise FileError(f"{what} has element type {dtype!r}; atrous reads {', '.join(TYPES)}")
    if not _sizes(shape) or len(shape) > 32:
        raise FileError(f"{what} has shape {_short(shape)}; it must be a list of at most 32 sizes of at least 0")
    if not _sizes(offsets) or len(offsets) != 2:
        raise FileError(f"{what} has data_offsets {_short(offsets)}; they must be two numbers, begin and end")
    entry = Entry(dtype, tuple(shape), *offsets)
    wanted = prod(entry.shape) * np.dtype(TYPES[dtype][0]).itemsize
    if entry.end - entry.begin != wanted:
        raise FileError(
            f"{what} holds {entry.end - entry.begin} bytes, type {dtype} and shape {_short(shape)} need {wanted}: "
            "the file is damaged"
        )
    return entry


def _sizes(value: Any) -> bool:
    return isinstance(value, list) and all(type(size) is int and 0 <= size < 2**48 for size in value)


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _check_places(entries: Mapping[str, Entry], held: int, path: Path) -> None:
    """The tensors lie one after the other and fill the file, as the format asks: nothing is read twice or hidden."""
    place = 0
    for name, entry in sorted(entries.items(), key=lambda item: (item[1].begin, item[1].end)):
        if entry.end > held:
            rule = f"the data has {held} bytes"
        elif entry.begin != place:
            rule = f"the tensor before it ends at {place}, and there must be no gap nor overlap"
        else:
            place = entry.end
            continue
        raise FileError(f"{path}: tensor {name!r} lies at bytes {entry.begin} to {entry.end}; {rule}: the file is damaged")
    if place != held:
        raise FileError(f"{path}: holds {held} bytes of data, its tensors end at {place}: the file is damaged")


def _array(data: Array, entry: Entry) -> Array:
    stored, dtype = TYPES[entry.dtype]
    # An own copy: the numbers need not lie aligned in the file.
    numbers = np.frombuffer(data.tobytes(), stored).reshape(entry.shape)
    if entry.dtype == "BF16":
        return (numbers.astype(np.uint32) << 16).view(np.float32)
    return numbers.astype(dtype)
