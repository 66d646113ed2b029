"""Sinks of formats that are a header followed by the elements: nothing is held in memory, tiles go where they belong."""

from __future__ import annotations

import errno
import os
from abc import abstractmethod
from collections.abc import Sequence
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from atrous.geometry import Box
from atrous.graph.fact import Array
from atrous.tiled.aside import Aside, explained
from atrous.tiled.raw import RawArray
from atrous.tiled.source import Sink

#: Errors of a file system that cannot reserve space: then writing will tell.
_NO_RESERVE = {errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP}


class RawSink(Sink):
    """A file of ``head`` and the array's elements in C order, written aside and moved into place."""

    def __init__(self, aside: Aside, shape: Sequence[int], dtype: np.dtype[Any]) -> None:
        super().__init__(str(aside.target), shape, dtype)
        self._aside = aside
        self._bytes = prod(self.shape) * dtype.itemsize
        self._handle = -1
        self._raw = RawArray(-1, aside.target, 0, self.shape, dtype)

    @abstractmethod
    def head(self, path: Path) -> int:
        """Write the header into the new file; return how many bytes in the elements begin."""

    def begin(self) -> None:
        path = self._aside.open()
        with explained(self._aside.target, self._bytes):
            offset = self.head(path)
            self._handle = os.open(path, os.O_WRONLY | getattr(os, "O_CLOEXEC", 0))
            _reserve(self._handle, offset + self._bytes)
        self._raw = RawArray(self._handle, path, offset, self.shape, self.dtype)

    def write(self, box: Box, tile: Array) -> None:
        with explained(self._aside.target, self._bytes):
            self._raw.write(box, tile)

    def scratch(self, shape: Sequence[int]) -> int:
        return self._raw.scratch(shape)

    def finish(self) -> Path:
        self._shut()
        return self._aside.commit()

    def abandon(self) -> None:
        self._shut()
        self._aside.discard()

    def _shut(self) -> None:
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1


def _reserve(handle: int, size: int) -> None:
    """Take the file's whole space on the disk at once, so that a full disk shows before the work and not after it."""
    try:
        os.posix_fallocate(handle, 0, size)
    except OSError as error:
        if error.errno not in _NO_RESERVE:
            raise
