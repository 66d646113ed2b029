"""Arrays in memory and memory maps: NumPy's, and anything with DLPack, ``__array__`` or the buffer protocol; no copy."""

from __future__ import annotations

import mmap
from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np

from atrous.errors import ArgumentError
from atrous.geometry import Box
from atrous.graph.fact import Array
from atrous.tiled.source import Sink, Source

_CPU = 1  # DLPack's device type
_FAULT_AROUND = 1 << 16  # the kernel maps this much of a file around each touched page


def as_array(name: str, value: object) -> Array:
    """Any array as NumPy's, sharing its memory where that is possible; refused when it has no numbers to work on."""
    try:
        array = _shared(value)
    except (TypeError, ValueError, RuntimeError, BufferError) as error:
        kind = type(value).__name__
        raise ArgumentError(
            f"{name}: a {kind} gives no array ({error}); pass a NumPy array, or anything with __array__, "
            "DLPack on the CPU or the buffer protocol"
        ) from error
    if array.dtype.hasobject:
        raise ArgumentError(
            f"{name}: an array of {array.dtype} has no numbers to work on; convert it, such as x.astype('float32')"
        )
    if array.ndim == 0:
        raise ArgumentError(f"{name}: got a single number (0-d array); it must have the axes that the network's input has")
    if array.size == 0:
        raise ArgumentError(f"{name}: got shape {array.shape}, which has no elements; every axis must have at least one")
    return array


def _shared(value: object) -> Array:
    if isinstance(value, np.ndarray):
        return value
    device = getattr(value, "__dlpack_device__", None)
    if device is not None and int(device()[0]) == _CPU:
        return np.from_dlpack(value)  # type: ignore[arg-type]
    return np.asarray(value)


class ArraySource(Source):
    """An array in memory; tiles are views of it, except where its byte order or alignment is not the machine's."""

    def __init__(self, array: Array, name: str = "input") -> None:
        super().__init__(name, array.shape, array.dtype.newbyteorder("="))
        self.array = array
        self._viewable = array.dtype.isnative and array.flags.aligned
        self._mapping = _mapping_of(array)
        if self._mapping is None and _is_private_map(array):
            self.held = array.nbytes  # its pages cannot be dropped: the caller's changes live in them

    def read(self, box: Box, into: Array) -> None:
        into[...] = self.array[box.slices()]

    def view(self, box: Box) -> Array | None:
        return self.array[box.slices()] if self._viewable else None

    def scratch(self, shape: Sequence[int]) -> int:
        return 0 if self._mapping is None else _touched(self.array, shape)

    def release(self) -> None:
        _drop_pages(self._mapping)


class ArraySink(Sink):
    """An array in memory: the caller's, or one of our own that is allocated in ``begin``."""

    def __init__(self, shape: Sequence[int], dtype: np.dtype[Any], out: Array | None = None) -> None:
        super().__init__("out", shape, dtype)
        self._out = out
        self._mapping = None if out is None else _mapping_of(out)
        if self._mapping is None:
            self.held = prod(self.shape) * dtype.itemsize
        if out is not None:
            _check_out(out, self.shape, dtype)

    def begin(self) -> None:
        if self._out is None:
            self._out = np.empty(self.shape, self.dtype)

    def write(self, box: Box, tile: Array) -> None:
        assert self._out is not None, "write comes after begin"
        if not np.may_share_memory(self._out, tile):  # else it was computed in place
            self._out[box.slices()] = tile
        _drop_pages(self._mapping)

    def view(self, box: Box) -> Array | None:
        return None if self._out is None else self._out[box.slices()]

    def in_place(self, shape: Sequence[int]) -> bool:
        if self._out is not None and not (
            self._out.flags.c_contiguous and self._out.dtype.isnative and self._out.flags.aligned
        ):
            return False
        cut = [i for i, (part, size) in enumerate(zip(shape, self.shape, strict=True)) if part < size]
        return not cut or all(n == 1 for n in shape[: cut[-1]])

    def scratch(self, shape: Sequence[int]) -> int:
        return 0 if self._mapping is None or self._out is None else _touched(self._out, shape)

    def finish(self) -> Array:
        assert self._out is not None, "finish comes after begin"
        return self._out


def _check_out(out: Array, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
    if not isinstance(out, np.ndarray):
        raise ArgumentError(f"out: got a {type(out).__name__}; it must be a NumPy array or the path of a file")
    if out.shape != shape or out.dtype != dtype:
        raise ArgumentError(
            f"out: got {out.dtype}{list(out.shape)}; the result is {dtype}{list(shape)}, and out must be the same"
        )
    if not out.flags.writeable:
        raise ArgumentError("out: the array is read-only; it must be writable")


def check_apart(array: Array, out: Array) -> None:
    """Refuse to write a result over its own input: later tiles still read the neighbours of earlier ones."""
    if np.may_share_memory(array, out):
        raise ArgumentError("out: the array shares memory with the input; tiles read beyond what they write, use another array")


def _memmap_of(array: Array) -> np.memmap[Any, np.dtype[Any]] | None:
    """The memory map that an array is a view of."""
    base: object = array
    found = None
    while isinstance(base, np.ndarray):
        found = base if isinstance(base, np.memmap) else found
        base = base.base
    return found if isinstance(base, mmap.mmap) else None


def _is_private_map(array: Array) -> bool:
    found = _memmap_of(array)
    return found is not None and found.mode == "c"


def _mapping_of(array: Array) -> mmap.mmap | None:
    """The system's map under an array of a file, if its pages may be dropped: they come back from the file."""
    found = _memmap_of(array)
    return None if found is None or found.mode == "c" else getattr(found, "_mmap", None)


def _touched(array: Array, shape: Sequence[int]) -> int:
    """Bytes of a mapped file that become resident when a box of this shape is used."""
    order = sorted(range(array.ndim), key=lambda axis: -abs(array.strides[axis]))
    run = abs(array.strides[order[-1]]) * shape[order[-1]] + 2 * _FAULT_AROUND
    return min(run * prod(shape[axis] for axis in order[:-1]), array.nbytes)


def _drop_pages(mapping: mmap.mmap | None) -> None:
    """Unload the pages of a map from this process; changed ones go to the file first (they stay in the system's cache)."""
    if mapping is not None and hasattr(mmap, "MADV_DONTNEED"):
        mapping.madvise(mmap.MADV_DONTNEED)
