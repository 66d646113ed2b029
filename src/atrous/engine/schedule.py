"""A tape of kernel launches for one set of boxes, and the arena that its intermediate values share.

Lowering (``engine.lowering``) writes the tape; nothing here depends on what a kernel computes. Addresses stay symbolic until
the arena and the caller's arrays are known, so planning a tile's memory needs no memory.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from ctypes import c_int64
from dataclasses import dataclass, field

import numpy as np

from atrous.engine.compiler import Compiler
from atrous.engine.emit import BYTES
from atrous.engine.runtime import Job
from atrous.engine.view import Address, Buffer, Home, View, channels_last, row_major
from atrous.errors import NetworkError
from atrous.geometry import Box
from atrous.graph.fact import Array

#: Buffers begin on cache lines.
LINE = 64
Word = int | Address
#: What an address follows from: an array of the caller's, by whether it is an input or an output, and by name; a number.
Base = tuple[Home, str] | int


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
    #: What kernels may find wrong with data: messages, as what stands before and after the number that was seen.
    alarms: list[tuple[str, str]] = field(default_factory=list)
    _alarm: Buffer | None = None

    def alarm(self, before: str, after: str) -> tuple[Address, int]:
        """Where a kernel writes two words, a code and the number that it saw, and the code of this message.

        A run that ends so raises ``NetworkError``, with the number between what stands ``before`` and ``after`` it.
        """
        if self._alarm is None:
            self._alarm = self.buffer(2, "int64")
        self.alarms.append((before, after))
        return Address(self._alarm, 0), len(self.alarms)

    def buffer(self, elements: int, dtype: str) -> Buffer:
        """A new buffer in the arena."""
        made = Buffer(Home.ARENA, elements * BYTES[dtype])
        self.buffers.append(made)
        return made

    def array(self, box: Box, dtype: str, rows: bool) -> View:
        """A new value over a box: in C order with ``rows`` (or without space axes), else channels last."""
        shape = box.shape
        strides = row_major(shape) if rows or len(shape) < 3 else channels_last(shape, dtype)
        return View(self.buffer(shape[0] * strides[0] if shape else 1, dtype), dtype, box, strides)

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
                ordered.append(Address(Buffer(Home.CONSTANT, word.nbytes, array=word), 0))
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
        if self._alarm is not None:
            self._alarm.first, self._alarm.last = 0, len(self.launches)  # from before the run until it is read
        live = [buffer for buffer in self.buffers if buffer.first >= 0]
        live.sort(key=lambda buffer: (-buffer.bytes, buffer.first))
        first, last, lo, hi = np.zeros((4, len(live)), np.int64)  # when the placed ones live, and where
        for number, buffer in enumerate(live):
            size = -(-buffer.bytes // LINE) * LINE
            meets = (last[:number] >= buffer.first) & (first[:number] <= buffer.last)
            offset = _gap(lo[:number][meets], hi[:number][meets], size)
            buffer.offset = offset
            first[number], last[number], lo[number], hi[number] = buffer.first, buffer.last, offset, offset + size
        self.arena_bytes = int(hi.max(initial=0))

    def template(self, compiler: Compiler, renewed: Collection[int] = (), seconds: float = 0.0) -> Template:
        """The launches as a job, ready but for the addresses of the arena, of the caller's arrays, and of those constants
        whose ``id`` is in ``renewed``."""
        bases: dict[Base, int] = {}
        words = np.zeros(max(1, sum(len(launch.words) for launch in self.launches)), np.int64)
        steps, patches, at = [], [], 0
        for launch in self.launches:
            steps.append((launch.kernel, words.ctypes.data + 8 * at, launch.units))
            for word in launch.words:
                if isinstance(word, int):
                    words[at] = word
                elif (base := _base(word.buffer, renewed)) is None:
                    assert word.buffer.array is not None
                    words[at] = word.buffer.array.ctypes.data + word.bytes
                else:
                    offset = word.buffer.offset if word.buffer.home is Home.ARENA else 0
                    patches.append((at, bases.setdefault(base, len(bases)), offset + word.bytes))
                at += 1
        table = np.array(steps, np.int64).reshape(-1, 3)
        job = Job(compiler, table, words, np.array(patches, np.int64).reshape(-1, 3), len(bases), seconds)
        alarm = -1 if self._alarm is None else self._alarm.offset
        return Template(job, bases, self.arena_bytes, self, alarm)


def _gap(lo: Array, hi: Array, size: int) -> int:
    """Where the lowest gap of this size begins between intervals."""
    offset = 0
    for number in np.argsort(lo, kind="stable"):
        if offset + size <= lo[number]:
            break
        offset = max(offset, int(hi[number]))
    return offset


@dataclass(frozen=True, eq=False, slots=True)
class Template:
    """A job, and for each array that a caller gives the place of its address in the job's ``bases``.

    Arrays are known by whether they are inputs or outputs, and by name; the arena is ``ARENA``.
    """

    job: Job
    bases: Mapping[Base, int]
    arena_bytes: int
    schedule: Schedule
    alarm: int  # where in scratch memory, in bytes, kernels say what is wrong with data; -1: none may
    _copies: dict[int, Template] = field(default_factory=dict)

    def copy(self, number: int) -> Template:
        """The template itself (0), or a copy of that number, for runs at the same time."""
        if number == 0:
            return self
        made = self._copies.get(number)
        if made is None:
            made = self._copies[number] = Template(self.job.copy(), self.bases, self.arena_bytes, self.schedule, self.alarm)
        return made

    def point(self, arena: int, inputs: Mapping[str, int], outputs: Mapping[str, int] | None = None) -> None:
        """Set the addresses of the next run: of the arena, and of the caller's arrays by name."""
        bases, arrays = self.job.bases, {Home.INPUT: inputs, Home.OUTPUT: outputs or {}}
        for key, place in self.bases.items():
            bases[place] = arrays[key[0]][key[1]] if isinstance(key, tuple) else arena

    def run(self, threads: int) -> None:
        """A run on the addresses that were set; raises ``NetworkError`` where a kernel found something wrong with data."""
        if self.alarm < 0:
            self.job.run(threads)
            return
        words = (c_int64 * 2).from_address(self.job.bases[self.bases[ARENA]] + self.alarm)
        words[0] = 0
        self.job.run(threads)
        code, seen = words
        if code:
            before, after = self.schedule.alarms[code - 1]
            raise NetworkError(f"{before}{seen}{after}")


#: The arena's key among the bases of a template; an ``id`` is positive.
ARENA = -1


def _base(buffer: Buffer, renewed: Collection[int]) -> Base | None:
    """The key of the array that a buffer's address follows from; ``None`` if it is known."""
    if buffer.home is Home.ARENA:
        return ARENA
    if buffer.home is Home.CONSTANT:
        return id(buffer.array) if id(buffer.array) in renewed else None
    return buffer.home, buffer.name
