"""The short way of a call: whole, plain arrays of sizes that were run before, and so nothing to make or to plan."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from ctypes import addressof, c_char, c_int64
from dataclasses import dataclass
from typing import Any

import numpy as np

from atrous.engine.memory import Arena, new_array
from atrous.engine.runtime import check_threads
from atrous.engine.schedule import ARENA, Template
from atrous.engine.view import Home
from atrous.geometry import Box
from atrous.graph.fact import Array, Fact

#: Runs of less work (multiply-adds and elements) are done by their caller before another thread has woken up.
ALONE = 200_000
#: NumPy's flags of an array in C order on its type's alignment, and of one that can be written besides.
_READ, _WRITE = 0x0101, 0x0501
_WRITABLE = 0x0400


@dataclass(frozen=True, slots=True)
class Place:
    """What an array must be, and where its address goes: the place among the bases, or -1 if nobody reads it."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    base: int
    bytes: int

    @classmethod
    def of(cls, template: Template, home: Home, name: str, fact: Fact) -> Place:
        dtype = np.dtype(fact.dtype)
        return cls(fact.sizes, dtype, template.bases.get((home, name), -1), fact.count * dtype.itemsize)

    def find(self, array: Any, flags: int) -> int:
        """The address of an array that kernels can take as it is; -1 for any other."""
        if type(array) is not np.ndarray or array.dtype is not self.dtype or array.shape != self.shape:
            return -1
        seen = array.flags.num
        if seen & flags != flags:
            return -1
        return _address(array) if seen & _WRITABLE else int(array.ctypes.data)


def _address(array: Array) -> int:
    """Where an array that can be written lies: the quickest of all ways to ask."""
    return addressof(_from_buffer(array))


_from_buffer: Callable[[Any], c_char] = c_char.from_buffer


class Ready:
    """A job for whole arrays, with the places of their addresses.

    ``flag`` is the place in scratch memory, in bytes, of a word that the job raises if its result is not to be used (-1: none).
    """

    def __init__(
        self, template: Template, arena: Arena, inputs: Sequence[Place], outputs: Sequence[Place], alone: bool, flag: int = -1
    ) -> None:
        self._template, self._arena = template, arena
        self._inputs, self._outputs, self._alone = tuple(inputs), tuple(outputs), alone
        self._places = (*self._inputs, *self._outputs)
        self._scratch, self._flag = template.bases.get(ARENA, -1), flag

    @classmethod
    def of(
        cls,
        template: Template,
        arena: Arena,
        inputs: Mapping[str, Fact],
        outputs: Mapping[str, Fact],
        boxes: Mapping[str, Box],
        work: float,
        flag: int = -1,
    ) -> Ready | None:
        """The short way for these inputs and outputs in their order.

        ``None`` if only a part of an input is read, or if an output has no elements, and so no address.
        """
        if any(boxes[name].shape != fact.sizes for name, fact in inputs.items() if name in boxes):
            return None
        if not all(fact.count for fact in outputs.values()):
            return None
        sides = ((Home.INPUT, inputs), (Home.OUTPUT, outputs))
        given, made = ([Place.of(template, home, name, fact) for name, fact in side.items()] for home, side in sides)
        return cls(template, arena, given, made, work < ALONE, flag)

    @property
    def scratch_bytes(self) -> int:
        """Scratch memory of a run, in bytes."""
        return self._template.arena_bytes

    def __call__(self, arrays: Sequence[Any], out: Any, threads: int | None) -> tuple[Array, ...] | None:
        """The outputs; ``None`` if an array is not plain, outputs lie over others or over inputs, or the flag was raised."""
        begins = []
        for place, array in zip(self._inputs, arrays, strict=True):
            begin = place.find(array, _READ)
            if begin < 0:
                return None
            begins.append(begin)
        if out is None:
            results = tuple([new_array(place.shape, place.dtype) for place in self._outputs])
            begins += map(_address, results)
        else:
            results = (out,) if len(self._outputs) == 1 else tuple(out) if isinstance(out, tuple | list) else ()
            if not self._into(results, begins):
                return None
        return results if self._run(begins, 1 if self._alone else check_threads(threads)) else None

    def _into(self, results: Sequence[Any], begins: list[int]) -> bool:
        """Whether kernels can write to a caller's arrays, whose addresses are appended to the inputs' ones."""
        if len(results) != len(self._outputs):
            return False
        for place, array in zip(self._outputs, results, strict=True):
            begin = place.find(array, _WRITE)
            others = zip(self._places, begins, strict=False)
            if begin < 0 or any(begin < b + p.bytes and b < begin + place.bytes for p, b in others):
                return False
            begins.append(begin)
        return True

    def _run(self, begins: Sequence[int], threads: int) -> bool:
        """Run on arrays that begin there; whether the results can be used; raises ``NetworkError`` for what data did."""
        seat, flag = self._arena.seat(threads), self._flag
        with seat.lock:
            template = self._template.copy(seat.number)
            bases = template.job.bases
            if self._scratch >= 0:
                start = bases[self._scratch] = seat.address(template.arena_bytes)
            for place, begin in zip(self._places, begins, strict=True):
                if place.base >= 0:
                    bases[place.base] = begin
            if flag < 0:
                template.run(threads)
                return True
            raised = c_int64.from_address(start + flag)
            raised.value = 0
            template.run(threads)
            return not raised.value
