"""Sources and sinks: arrays that are read and written one box at a time, wherever they live.

A source or sink knows its own shape and axes; ``layout`` fits them to the axes of a network. Each also says how much memory
it takes, so that a plan can count it before anything is read.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Self

import numpy as np

from atrous.geometry import Box
from atrous.graph.fact import Array

#: The axes of an image file, in the order they are stored: P pages, C channels, Y rows, X columns. "" is a plain array.
Axes = str


class Source(ABC):
    """An array that is read lazily. Its errors name it by ``name``."""

    #: Bytes that stay in memory from the first read until ``close``: a decoded image, for example.
    held: int = 0

    def __init__(self, name: str, shape: Sequence[int], dtype: np.dtype[Any], axes: Axes = "") -> None:
        self.name, self.shape, self.dtype, self.axes = name, tuple(shape), dtype, axes

    @abstractmethod
    def read(self, box: Box, into: Array) -> None:
        """Copy the elements of ``box`` into ``into`` (same shape, this machine's byte order, any strides)."""

    def view(self, box: Box) -> Array | None:
        """The elements of ``box`` without a copy, for arrays that are in memory; ``None`` if they must be read."""
        return None

    def scratch(self, shape: Sequence[int]) -> int:
        """Bytes that reading a box of this shape takes for a moment, beside the box itself."""
        return 0

    def release(self) -> None:  # noqa: B027  most have nothing to do
        """The box that was read last is done with: let go of what it kept in memory."""

    def close(self) -> None:  # noqa: B027  most have nothing to do
        """Let go of everything."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


class Sink(ABC):
    """An array that is written lazily: ``begin``, then boxes that cover it, then ``finish`` or ``abandon``."""

    #: Bytes that stay in memory from ``begin`` to the end: an image that is encoded as a whole, for example.
    held: int = 0

    def __init__(self, name: str, shape: Sequence[int], dtype: np.dtype[Any]) -> None:
        self.name, self.shape, self.dtype = name, tuple(shape), dtype

    def begin(self) -> None:  # noqa: B027  most have nothing to do
        """Make room: allocate the array, create the temporary file. Nothing is taken before."""

    @abstractmethod
    def write(self, box: Box, tile: Array) -> None:
        """Store the elements of ``box``; ``tile`` may have any strides."""

    def view(self, box: Box) -> Array | None:
        """The elements of ``box`` to compute into, for arrays that are in memory; ``None`` if they must be written."""
        return None

    def in_place(self, shape: Sequence[int]) -> bool:
        """Whether ``view`` of a box of this shape will be in C order without gaps."""
        return False

    def scratch(self, shape: Sequence[int]) -> int:
        """Bytes that writing a box of this shape takes for a moment, beside the box itself."""
        return 0

    @abstractmethod
    def finish(self) -> Any:
        """Everything is written: put the result in its place and return it (an array, or a path)."""

    def abandon(self) -> None:  # noqa: B027  most have nothing to do
        """The run failed: leave nothing half-written."""
