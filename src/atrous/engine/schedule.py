"""A tape of kernel launches for one set of boxes, and the arena that its intermediate values share.

Lowering (``engine.lowering``) writes the tape; nothing here depends on what a kernel computes. Addresses stay symbolic until
the arena and the caller's arrays are known, so planning a tile's memory needs no memory.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from atrous.engine.emit import BYTES
from atrous.engine.view import Address, Buffer, Home, View, channels_last, row_major
from atrous.geometry import Box
from atrous.graph.fact import Array

#: Buffers begin on cache lines.
LINE = 64
Word = int | Address


@dataclass(frozen=True, eq=False)
class Launch:
    """One kernel over ``units`` units of work."""

    kernel: int
    words: tuple[Word, ...]
    units: int


@dataclass
class Schedule:
    """Launches in order, with the buffers that they use."""

    launches: list[Launch] = field(default_factory=list)
    buffers: list[Buffer] = field(default_factory=list)
    keep: list[Array] = field(default_factory=list)  # tables and packed weights that launches point to
    arena_bytes: int = 0

    def buffer(self, elements: int, dtype: str) -> Buffer:
        """A new buffer in the arena."""
        made = Buffer(Home.ARENA, elements * BYTES[dtype])
        self.buffers.append(made)
        return made

    def array(self, box: Box, dtype: str, rows: bool) -> View:
        """A new value over a box: in C order with ``rows`` (or without space axes), else channels last."""
        shape = box.shape
        strides = row_major(shape) if rows or len(shape) < 3 else channels_last(shape)
        return View(self.buffer(box.size, dtype), dtype, box, strides)

    def constant(self, array: Array) -> View:
        """A view of an array that the schedule keeps alive; C order."""
        kept = np.asarray(array, order="C")
        self.keep.append(kept)
        buffer = Buffer(Home.CONSTANT, kept.nbytes, array=kept)
        return View(buffer, kept.dtype.name, Box.full(kept.shape), row_major(kept.shape))

    def launch(self, kernel: int, names: Sequence[str], words: Mapping[str, object], units: int) -> None:
        """Append a kernel; its words are put in the order of ``names``."""
        if units == 0:
            return
        ordered: list[Word] = []
        for name in names:
            word = words[name]
            if isinstance(word, Address):
                self._use(word.buffer)
                ordered.append(word)
            elif isinstance(word, np.ndarray):
                self.keep.append(word)
                ordered.append(int(word.ctypes.data))
            else:
                assert isinstance(word, (int, np.integer)), f"{name} = {word!r}"
                ordered.append(int(word))
        self.launches.append(Launch(kernel, tuple(ordered), units))

    def _use(self, buffer: Buffer) -> None:
        now = len(self.launches)
        if buffer.first < 0:
            buffer.first = now
        buffer.last = now

    def place(self) -> None:
        """Give every arena buffer an offset so that no two that live at once overlap: largest first, lowest gap that fits."""
        placed: list[Buffer] = []
        live = [buffer for buffer in self.buffers if buffer.first >= 0]
        for buffer in sorted(live, key=lambda buffer: (-buffer.bytes, buffer.first)):
            size = -(-buffer.bytes // LINE) * LINE
            offset = 0
            for other in placed:  # ordered by offset
                if other.last < buffer.first or buffer.last < other.first:
                    continue
                if offset + size <= other.offset:
                    break
                offset = max(offset, other.offset + -(-other.bytes // LINE) * LINE)
            buffer.offset = offset
            placed.append(buffer)
            placed.sort(key=lambda other: other.offset)
            self.arena_bytes = max(self.arena_bytes, offset + size)

    def resolve(self, arena: int, arrays: Mapping[str, Array]) -> tuple[Array, Array]:
        """The steps table (kernel, words, units) and the words, for an arena at this address and the caller's arrays."""
        words = np.empty(max(1, sum(len(launch.words) for launch in self.launches)), np.int64)
        steps = np.empty((max(1, len(self.launches)), 3), np.int64)
        at = 0
        for number, launch in enumerate(self.launches):
            steps[number] = (launch.kernel, words.ctypes.data + 8 * at, launch.units)
            for word in launch.words:
                words[at] = word if isinstance(word, int) else _base(word.buffer, arena, arrays) + word.bytes
                at += 1
        return steps, words


def _base(buffer: Buffer, arena: int, arrays: Mapping[str, Array]) -> int:
    if buffer.home is Home.ARENA:
        return arena + buffer.offset
    array = buffer.array if buffer.home is Home.CONSTANT else arrays[buffer.name]
    assert array is not None
    return int(array.ctypes.data)
