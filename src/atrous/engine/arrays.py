"""Callers' arrays at the border: anything that holds numbers becomes a NumPy array, without a copy where memory allows."""

from __future__ import annotations

from typing import Any

import numpy as np

from atrous.errors import ArgumentError
from atrous.graph.fact import Array


def as_array(name: str, value: Any, dtype: str | None = None, rank: int | None = None) -> Array:
    """A native NumPy array of numbers from an array, a DLPack or buffer object, or nested lists.

    ``name`` is the argument's name for errors; ``dtype`` and ``rank`` are what it must have, if anything. Big-endian arrays
    are converted; a list of Python numbers takes the wanted type. Raises ``ArgumentError``.
    """
    array = _convert(name, value, dtype)
    if array.dtype.kind not in "fiub":
        raise ArgumentError(f"{name}: got {_kind(value, array)}; it must hold numbers (float32 or float64)")
    if not array.dtype.isnative:
        array = array.astype(array.dtype.newbyteorder("="))
    if dtype is not None and array.dtype != np.dtype(dtype):
        raise ArgumentError(f"{name}: got {array.dtype}, expected {dtype}; convert it with .astype({dtype!r})")
    if rank is not None and array.ndim != rank:
        raise ArgumentError(f"{name}: got shape {array.shape}; it must have {rank} {'axis' if rank == 1 else 'axes'}")
    if array.ndim == 0 and rank != 0:
        raise ArgumentError(f"{name}: got a 0-d array; a signal has axes (N, C, *space)")
    if array.size == 0:
        raise ArgumentError(f"{name}: got shape {array.shape} with no elements; every size must be at least 1")
    return array


def listed(value: Any) -> bool:
    """Whether a value is of Python's own numbers, which have no element type of their own."""
    return isinstance(value, list | tuple | int | float)


def _kind(value: Any, array: Array) -> str:
    """What was given, in words: the element type of an array, the type of anything else."""
    return f"an array of {array.dtype}" if isinstance(value, np.ndarray) or listed(value) else type(value).__name__


def _convert(name: str, value: Any, dtype: str | None) -> Array:
    if type(value) is np.ndarray:  # and np.ma, which takes its time to load, is not asked for
        return value
    if np.ma.is_masked(value):
        raise ArgumentError(f"{name}: got a masked array, whose mask would be lost; fill it with .filled(number)")
    if isinstance(value, np.ndarray):
        return value
    try:
        if hasattr(value, "__dlpack__") and not hasattr(value, "__array_interface__"):
            return np.from_dlpack(value)
        return np.asarray(value, dtype=dtype if listed(value) else None)
    except (TypeError, ValueError, BufferError, RuntimeError) as error:
        raise ArgumentError(
            f"{name}: this {type(value).__name__} cannot be read as an array of float32 or float64: {error}"
        ) from None
