"""How kernels' packed weights follow from the caller's: read off from weights that number themselves.

A program made for weights ``1, 2, 3, ...`` has packed arrays that say, at every place, which weight belongs there; 0 is
padding. From that comes a table for ``codelets.repack``, whatever algorithm packed them: all arrays that take vectors from
the same runs of neighbours, like the phases of a transposed kernel, are filled in one pass over the weights. Arrays that are
not made of such vectors get a table of all their elements, for ``codelets.gather``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import prod

import numpy as np

from atrous.engine.codelets import gather, repack
from atrous.engine.compiler import Compiler
from atrous.engine.schedule import Schedule
from atrous.engine.view import Address, Buffer
from atrous.geometry import ceil_div
from atrous.graph.fact import Array

#: float32 counts no further.
MOST_WEIGHTS = 2**24 - 1
#: Runs of which fewer than one in so many places is the first lane of a vector are not walked.
_SPARSE = 8


def numbered(shape: tuple[int, ...], dtype: str) -> Array:
    """Weights ``1, 2, 3, ...`` in C order."""
    return np.arange(1, prod(shape) + 1, dtype=dtype).reshape(shape)


@dataclass(frozen=True, eq=False, slots=True)
class Target:
    """A packed array of numbered weights, and where in the scratch memory, in bytes, a call's own weights are to lie so."""

    array: Array
    start: int


@dataclass(frozen=True, eq=False, slots=True)
class Packing:
    """Packed arrays made of vectors of lanes: the vector of weights ``starts[b] + p + lane * step`` is stored ``places[b, p]``
    bytes into the scratch memory (less than 0: nowhere); only its first ``valid[b]`` lanes are weights, the others 0."""

    dtype: str
    starts: Array
    valid: Array
    places: Array
    step: int

    def launch(self, schedule: Schedule, compiler: Compiler, source: Buffer, scratch: Buffer, flag: Address) -> None:
        """Append the step that packs the weights that lie in ``source``; ``flag`` is raised if some are not finite."""
        blocks, run = self.places.shape
        chunks = ceil_div(run, repack.CHUNK)
        words: dict[str, object] = {"x": Address(source, 0), "y": Address(scratch, 0), "flag": flag}
        words |= {"starts": self.starts, "valid": self.valid, "places": self.places}
        words |= {"run": run, "step": self.step, "chunks": chunks}
        spec = repack.Repack(self.dtype)
        kernel = compiler.kernel(f"{repack.__name__} {spec!r}", lambda e: repack.emit(e, spec))
        schedule.launch(kernel, repack.NAMES, words, blocks * chunks)

    def parts(self, count: int, start: int, size: int) -> bool:
        """Whether so many equal parts of the blocks, in order, fill equal parts of the array that begins there."""
        if len(self.places) % count:
            return False
        filled = self.places.reshape(count, -1)
        part = (filled - start) // (size // count)
        return bool(((part == np.arange(count)[:, None]) | (filled < 0)).all())


@dataclass(frozen=True, eq=False, slots=True)
class Gathering:
    """One packed array of which every element is told apart: number ``table[i]`` of the weights, from 1, or 0 for padding."""

    dtype: str
    start: int
    table: Array

    def launch(self, schedule: Schedule, compiler: Compiler, source: Buffer, scratch: Buffer, flag: Address) -> None:
        """Append the step that packs the weights that lie in ``source``; ``flag`` is raised if some are not finite."""
        count = self.table.size
        words: dict[str, object] = {"x": Address(source, 0), "y": Address(scratch, self.start), "flag": flag}
        words |= {"table": self.table, "count": count}
        spec = gather.Gather(self.dtype)
        kernel = compiler.kernel(f"{gather.__name__} {spec!r}", lambda e: gather.emit(e, spec))
        schedule.launch(kernel, gather.NAMES, words, ceil_div(count, gather.CHUNK))


def find_packing(targets: Sequence[Target], lanes: int) -> Iterator[Packing | Gathering]:
    """The packing of arrays packed from the same numbered weights, for vectors of so many lanes."""
    steps: dict[int, list[Target]] = {}
    for target in targets:
        steps.setdefault(_step(target.array, lanes), []).append(target)
    for step, same in steps.items():
        found = _walked(same, lanes, step) if step else None
        if found is not None:
            yield found
        else:
            for target in same:
                yield Gathering(target.array.dtype.name, target.start, target.array.astype(np.int32).ravel())


def _step(packed: Array, lanes: int) -> int:
    """The distance of the weights in neighbouring lanes, if the array is made of such vectors; 0 if not."""
    if packed.shape[-1] % lanes or not packed.flags.c_contiguous:
        return 0
    vectors = packed.reshape(-1, lanes).astype(np.int64)
    valid = (vectors > 0).sum(axis=1)
    several = vectors[valid > 1]
    step = int(several[0, 1] - several[0, 0]) if len(several) else 1
    index = np.arange(lanes)
    expected = np.where(index < valid[:, None], vectors[:, :1] + index * step, 0)
    return step if step > 0 and np.array_equal(vectors, expected) else 0


def _walked(targets: Sequence[Target], lanes: int, step: int) -> Packing | None:
    """The packing of such arrays by runs of ``step`` neighbours; ``None`` where too little of the runs is taken."""
    vectors = np.concatenate([target.array.reshape(-1, lanes) for target in targets]).astype(np.int64)
    whole = lanes * targets[0].array.itemsize
    places = np.concatenate([target.start + whole * np.arange(target.array.size // lanes) for target in targets])
    valid = (vectors > 0).sum(axis=1)
    empty = places[valid == 0]
    vectors, places, valid = vectors[valid > 0], places[valid > 0], valid[valid > 0]
    first = vectors[:, 0] - 1
    key = first * (lanes + 1) + valid
    order = np.argsort(key, kind="stable")
    first, places, valid, key = first[order], places[order], valid[order], key[order]
    # Vectors that are wanted in several places are in blocks of their own.
    index = np.arange(len(key))
    copies = index - np.maximum.accumulate(np.where(np.diff(key, prepend=-1) != 0, index, 0))
    owner = first // step * (lanes + 1) + valid
    blocks, block = np.unique(owner + copies * (int(owner.max(initial=0)) + 1), return_inverse=True)
    if not len(key) or len(blocks) * step > _SPARSE * len(key):
        return None
    # Vectors of nothing but padding are as many more blocks as they take, without lanes.
    more = ceil_div(len(empty), step)
    table, (starts, lengths) = np.full((len(blocks) + more, step), -1), np.zeros((2, len(blocks) + more), np.int64)
    table[block, first % step] = places
    starts[block], lengths[block] = first // step * step, valid
    table[len(blocks) :].reshape(-1)[: len(empty)] = empty
    return Packing(targets[0].array.dtype.name, starts, lengths, table, step)
