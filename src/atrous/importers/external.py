"""The files beside a model that hold its tensors: each range is read once, and all together no more than the files store."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from atrous.errors import FileError
from atrous.graph.fact import Array

#: So many bytes may be made of files that store less: of sparse ones, and of ranges that overlap.
MOST_SPARSE = 2**28
#: Beyond that, a model reads at most so many times the bytes that its files store: once, and again for file systems that
#: compress, where numbers hardly shrink.
TIMES = 2


def stored_bytes(state: os.stat_result) -> int:
    """How much of a file is on the disk, in bytes; its size, where the system does not tell."""
    return 512 * state.st_blocks if hasattr(state, "st_blocks") else state.st_size


class ExternalFiles:
    """What one model has read so far of the files beside it."""

    def __init__(self) -> None:
        self._arrays: dict[tuple[object, ...], Array] = {}
        self._stored: dict[tuple[int, int], int] = {}  # bytes on the disk, by what a file is, whatever its name
        self._read = 0

    def once(self, path: Path, offset: int, length: int, code: int, make: Callable[[], Array], what: str) -> Array:
        """``make()``, the elements of type ``code`` in this range; those that were made before, where it was read before.

        Raises ``FileError`` naming ``what``, before anything is read, where a model would read more than its files store:
        tensors of any number may name one range, of which some overlap, and a file may claim any size and store nothing.
        """
        state = path.stat()
        file = (state.st_dev, state.st_ino)
        key = (file, offset, length, code)
        if key not in self._arrays:
            self._stored[file] = stored_bytes(state)
            total, stored = self._read + length, sum(self._stored.values())
            if total > max(MOST_SPARSE, TIMES * stored):
                raise FileError(
                    f"{what} takes {length} bytes of {path.name!r}, {total} bytes of external data with all before it, which "
                    f"stores {stored} only: at most {TIMES} times that, or {MOST_SPARSE} bytes, are read; files must not be "
                    "sparse (copy them in full), nor ranges overlap (save the model with a range for each tensor)"
                )
            self._arrays[key], self._read = make(), total
        return self._arrays[key]
