"""Memory that is used again: scratch for values between layers, and large results whose arrays are gone.

Memory fresh from the system costs a page fault for each page that is touched, which for a large result takes longer than many
a layer. So blocks come from the system page-aligned, on huge pages where it grants them, and a block whose array died (with
all its views) is kept for the next one of its size, within ``KEEP_BYTES`` for the whole process. ``release`` gives all that is
kept back.
"""

from __future__ import annotations

import ctypes
import mmap
import threading
from collections import deque
from functools import cache
from math import prod
from typing import Any

import numpy as np

from atrous.engine.forking import renew_in_child
from atrous.graph.fact import Array
from atrous.target import available_cores

#: The most memory of dead results that is kept for the next ones, in bytes.
KEEP_BYTES = 256 * 2**20
#: Results from this size on lie in blocks of their own; smaller ones are left to NumPy, whose heap uses them again.
LEAST_BYTES = 2**20
#: Runs of one program at the same time, on one thread each.
MOST_SEATS = 64
_HUGE = 2 * 2**20
_GRAIN = 2**16


class Mapping:
    """Memory fresh from the system, zeros, at a multiple of a huge page's size if it is that large."""

    __slots__ = ("_map", "address", "size")

    def __init__(self, size: int) -> None:
        self.size = size
        large = size >= 2 * _HUGE
        spare = _HUGE if large else 0
        flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS
        self._map = mmap.mmap(-1, max(1, size) + spare, flags=flags)
        base = ctypes.addressof(ctypes.c_char.from_buffer(self._map))
        self.address = base + (-base % _HUGE if large else 0)
        if large and hasattr(mmap, "MADV_HUGEPAGE"):
            # Only whole huge pages: what lies behind the end is never touched, and must not count as used.
            self._map.madvise(mmap.MADV_HUGEPAGE, self.address - base, size - size % _HUGE)


class Seat:
    """Scratch memory for one run at a time: who has the ``lock`` may use it."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.renew()
        self._memory: Mapping | None = None
        renew_in_child(self)

    def renew(self) -> None:
        self.lock = threading.Lock()

    def address(self, size: int) -> int:
        """The address of at least ``size`` bytes, on a page."""
        if self._memory is None or self._memory.size < size:
            self._memory = None  # let go of the old before taking the new
            self._memory = Mapping(size)
        return self._memory.address

    @property
    def size(self) -> int:
        """How much memory it has taken, in bytes."""
        return 0 if self._memory is None else self._memory.size

    def release(self) -> None:
        """Let go of the memory; the next run takes it again."""
        with self.lock:
            self._memory = None


class Arena:
    """Scratch memory that grows to the largest need and is used again: by one run on several threads, or by several runs on
    one thread each, at most one for each core, all with memory of their own."""

    def __init__(self) -> None:
        self._seats = [Seat(number) for number in range(min(MOST_SEATS, available_cores()))]

    def seat(self, threads: int) -> Seat:
        """Where a run on so many threads should go: the first seat that is free, or the first of all to wait for."""
        if threads == 1:
            for seat in self._seats:
                if not seat.lock.locked():
                    return seat
        return self._seats[0]

    def release(self) -> None:
        """Let go of the memory; the next runs take it again."""
        for seat in self._seats:
            seat.release()


@cache
def common_arena() -> Arena:
    """The scratch memory of layers that are called with their weights: one for all of them, as large as the largest needs."""
    return Arena()


class _Block:
    """The owner of one result's memory, which all views of the result keep alive; NumPy reads where it lies."""

    __slots__ = ("__array_interface__", "_mapping")

    def __init__(self, mapping: Mapping, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
        self._mapping = mapping
        self.__array_interface__ = {"version": 3, "data": (mapping.address, False), "shape": shape, "typestr": dtype.str}

    def __del__(self) -> None:
        _kept.put(self._mapping)


class _Kept:
    """Mappings of dead results, oldest first. It may be entered from anywhere: wherever an array dies."""

    def __init__(self) -> None:
        self._mappings: deque[Mapping] = deque()
        self.renew()
        renew_in_child(self)

    def renew(self) -> None:
        self._lock = threading.RLock()
        self.bytes = sum(mapping.size for mapping in self._mappings)

    def take(self, size: int) -> Mapping | None:
        with self._lock:
            for place in range(len(self._mappings) - 1, -1, -1):
                if self._mappings[place].size == size:
                    found = self._mappings[place]
                    del self._mappings[place]
                    self.bytes -= size
                    return found
        return None

    def put(self, mapping: Mapping) -> None:
        with self._lock:
            if mapping.size > KEEP_BYTES:
                return
            self._mappings.append(mapping)
            self.bytes += mapping.size
            while self.bytes > KEEP_BYTES:
                self.bytes -= self._mappings.popleft().size

    def clear(self) -> None:
        with self._lock:
            self._mappings.clear()
            self.bytes = 0


_kept = _Kept()


def new_array(shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
    """An array for a result, its elements not set.

    >>> new_array((2, 3), np.dtype("float32")).shape
    (2, 3)
    """
    size = prod(shape) * dtype.itemsize
    if size < LEAST_BYTES:
        return np.empty(shape, dtype)
    whole = -(-size // _GRAIN) * _GRAIN
    return np.asarray(_Block(_kept.take(whole) or Mapping(whole), shape, dtype))


def kept_bytes() -> int:
    """How much memory of dead results is kept for the next ones, in bytes."""
    return _kept.bytes


def release() -> None:
    """Give the memory of dead results, and the scratch memory that layers share, back to the system."""
    _kept.clear()
    common_arena().release()
