"""Boxes of an array that lies uncompressed in a file, read and written with plain system calls.

Not a memory map: mapped pages count as memory of this process until they are unmapped, and a file that is truncated while it
is mapped kills the process. ``pread`` has neither fault.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator, Sequence
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from atrous.errors import FileError
from atrous.geometry import Box
from atrous.graph.fact import Array

#: A run of many rows saves system calls, but its scratch must stay small beside the tile.
_RUN_BYTES = 1 << 20


class RawArray:
    """An array in C order that begins ``offset`` bytes into an open file."""

    def __init__(self, handle: int, path: Path, offset: int, shape: Sequence[int], dtype: np.dtype[Any]) -> None:
        self._handle, self._path, self._offset = handle, path, offset
        self.shape, self.dtype = tuple(shape), dtype

    def read(self, box: Box, into: Array) -> None:
        """Copy a box of the file into an array of its shape, of any strides and byte order."""
        if _direct(into, self.dtype):
            for index, start, count in self._runs(box):
                self._fill(into[index].reshape(count), start)
            return
        for index, start, count in self._runs(box):
            run = np.empty(count, self.dtype)
            self._fill(run, start)
            into[index] = run.reshape(into[index].shape)

    def write(self, box: Box, tile: Array) -> None:
        """Copy an array of the box's shape into the file."""
        for index, start, _ in self._runs(box):
            run = np.ascontiguousarray(tile[index], self.dtype)
            self._drain(run, start)

    def scratch(self, shape: Sequence[int]) -> int:
        """Bytes of the run that is held for a moment while a box of this shape is read or written."""
        return prod(shape[self._split(shape) :]) * self.dtype.itemsize

    def _split(self, shape: Sequence[int]) -> int:
        """The axis from which on a box of this shape is one run of consecutive elements."""
        axis = max(0, len(shape) - 1)
        while axis > 0 and shape[axis] == self.shape[axis]:
            axis -= 1
        while axis < len(shape) - 1 and prod(shape[axis:]) * self.dtype.itemsize > _RUN_BYTES:
            axis += 1
        return axis

    def _runs(self, box: Box) -> Iterator[tuple[tuple[int, ...], int, int]]:
        """(index in the box, first byte in the file, elements) of each run of consecutive elements."""
        shape = box.shape
        if box.empty:
            return
        axis = self._split(shape)
        strides = [prod(self.shape[i + 1 :]) * self.dtype.itemsize for i in range(len(shape))]
        count = prod(shape[axis:])
        for index in itertools.product(*(range(n) for n in shape[:axis])):
            at = itertools.zip_longest(index, box.lo, fillvalue=0)
            start = self._offset + sum(stride * (i + lo) for stride, (i, lo) in zip(strides, at, strict=True))
            yield index, start, count

    def _fill(self, run: Array, start: int) -> None:
        room = run.view(np.uint8).data
        while len(room):
            got = os.preadv(self._handle, [room], start)
            if got == 0:
                raise FileError(f"{self._path}: the file ends before its array {self.shape} {self.dtype} does; it is truncated")
            room, start = room[got:], start + got

    def _drain(self, run: Array, start: int) -> None:
        rest = run.reshape(-1).view(np.uint8).data
        while len(rest):
            done = os.pwritev(self._handle, [rest], start)
            rest, start = rest[done:], start + done


def _direct(into: Array, dtype: np.dtype[Any]) -> bool:
    """Whether bytes of the file can land in ``into`` without a detour."""
    return into.flags.c_contiguous and into.dtype == dtype and dtype.isnative
