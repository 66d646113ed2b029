"""The short way of a call: whole, plain arrays of sizes that were run before, and so nothing to make or to plan."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from atrous.engine.memory import Arena, new_array
from atrous.engine.runtime import check_threads
from atrous.engine.schedule import ARENA, Template
from atrous.geometry import Box
from atrous.graph.fact import Array, Fact

#: Runs of less work (multiply-adds and elements) are done by their caller before another thread has woken up.
ALONE = 200_000
#: NumPy's flags of an array in C order on its type's alignment, and of one that can be written besides.
_READ, _WRITE = 0x0101, 0x0501


@dataclass(frozen=True, slots=True)
class Place:
    """What an array must be, and where its address goes: the place among the bases, or -1 if nobody reads it."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    base: int
    bytes: int

    @classmethod
    def of(cls, template: Template, name: str, fact: Fact) -> Place:
        dtype = np.dtype(fact.dtype)
        return cls(fact.sizes, dtype, template.bases.get(name, -1), fact.count * dtype.itemsize)

    def fits(self, array: Any, flags: int) -> bool:
        """Whether kernels can take the array as it is."""
        return (
            type(array) is np.ndarray
            and array.dtype is self.dtype
            and array.shape == self.shape
            and array.flags.num & flags == flags
        )


class Ready:
    """A job for whole arrays, with the places of their addresses."""

    def __init__(
        self, template: Template, arena: Arena, inputs: Sequence[Place], outputs: Sequence[Place], alone: bool
    ) -> None:
        self._template, self._arena = template, arena
        self._inputs, self._outputs, self._alone = tuple(inputs), tuple(outputs), alone
        self._scratch = template.bases.get(ARENA, -1)

    @classmethod
    def of(
        cls,
        template: Template,
        arena: Arena,
        inputs: Mapping[str, Fact],
        outputs: Mapping[str, Fact],
        boxes: Mapping[str, Box],
        work: float,
    ) -> Ready | None:
        """The short way for these inputs and outputs in their order; ``None`` if only a part of an input is read."""
        if any(boxes[name].shape != fact.sizes for name, fact in inputs.items() if name in boxes):
            return None
        given, made = ([Place.of(template, name, fact) for name, fact in side.items()] for side in (inputs, outputs))
        return cls(template, arena, given, made, work < ALONE)

    def __call__(self, arrays: Sequence[Any], out: Any, threads: int | None) -> tuple[Array, ...] | None:
        """The outputs; ``None``, and nothing done, if an array is not plain or outputs lie over each other or over inputs."""
        spans, results = [], []
        for place, array in zip(self._inputs, arrays, strict=True):
            if not place.fits(array, _READ):
                return None
            begin: int = array.__array_interface__["data"][0]
            spans.append((place, begin))
        if out is None:
            results = [new_array(place.shape, place.dtype) for place in self._outputs]
        else:
            results = [out] if len(self._outputs) == 1 else list(out) if isinstance(out, tuple | list) else []
            if len(results) != len(self._outputs):
                return None
        for place, array in zip(self._outputs, results, strict=True):
            begin = array.__array_interface__["data"][0] if out is None or place.fits(array, _WRITE) else -1
            if begin < 0 or (out is not None and any(begin < b + p.bytes and b < begin + place.bytes for p, b in spans)):
                return None
            spans.append((place, begin))
        self._run(spans, 1 if self._alone else check_threads(threads))
        return tuple(results)

    def _run(self, spans: Sequence[tuple[Place, int]], threads: int) -> None:
        seat = self._arena.seat(threads)
        with seat.lock:
            template = self._template.copy(seat.number)
            job = template.job
            bases = job.bases
            if self._scratch >= 0:
                bases[self._scratch] = seat.address(template.arena_bytes)
            for place, begin in spans:
                if place.base >= 0:
                    bases[place.base] = begin
            job.run(threads)
