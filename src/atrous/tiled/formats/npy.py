"""NumPy's ``.npy``: read and written in place, box by box, whatever its size."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from atrous.errors import ArgumentError, FileError
from atrous.geometry import Box
from atrous.graph.fact import Array
from atrous.tiled.raw import RawArray
from atrous.tiled.rawsink import RawSink
from atrous.tiled.source import Source


class NpySource(Source):
    """A ``.npy`` file. Its header is parsed without pickle; Fortran order and foreign byte order are converted in passing."""

    def __init__(self, path: Path) -> None:
        try:
            # NumPy's own parser and size checks; the map is only looked at, not read, and dropped at once.
            header = np.load(path, mmap_mode="r", allow_pickle=False)
        except Exception as error:  # damaged headers raise many kinds
            raise FileError(f"{path}: not a usable .npy file: {error}") from error
        if header.ndim == 0 or header.size == 0:
            raise ArgumentError(
                f"{path}: its array has shape {header.shape}; it must have axes, each with at least one element"
            )
        super().__init__(str(path), header.shape, header.dtype.newbyteorder("="))
        self._columns_first = bool(header.flags.f_contiguous and not header.flags.c_contiguous)
        shape = header.shape[::-1] if self._columns_first else header.shape
        self._handle = os.open(path, os.O_RDONLY | getattr(os, "O_CLOEXEC", 0))
        self._raw = RawArray(self._handle, path, int(header.offset), shape, header.dtype)

    def read(self, box: Box, into: Array) -> None:
        if self._columns_first:
            self._raw.read(Box(box.lo[::-1], box.hi[::-1]), into.T)
        else:
            self._raw.read(box, into)

    def scratch(self, shape: Sequence[int]) -> int:
        return self._raw.scratch(shape[::-1] if self._columns_first else shape)

    def close(self) -> None:
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1


class NpySink(RawSink):
    """A ``.npy`` file in C order, any number type, written aside."""

    def head(self, path: Path) -> int:
        with path.open("wb") as file:
            descr = np.lib.format.dtype_to_descr(self.dtype)
            np.lib.format.write_array_header_1_0(file, {"descr": descr, "fortran_order": False, "shape": self.shape})
            return file.tell()
