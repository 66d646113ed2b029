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
class Packing:
    """Packed arrays made of vectors of lanes: the vector of weights ``starts[b] + p + lane * step`` is stored at the address
    ``places[b, p]`` (0: nowhere); only its first ``valid[b]`` lanes are weights."""

    packed: Sequence[Array]
    starts: Array
    valid: Array
    places: Array
    step: int

    def launch(self, schedule: Schedule, compiler: Compiler, source: Buffer, flag: Array) -> None:
        """Append the step that packs the weights that lie in ``source``; ``flag`` is raised if some are not finite."""
        blocks, run = self.places.shape
        chunks = ceil_div(run, repack.CHUNK)
        words = {"x": Address(source, 0), "starts": self.starts, "valid": self.valid, "places": self.places, "flag": flag}
        words |= {"run": run, "step": self.step, "chunks": chunks}
        schedule.keep += self.packed
        spec = repack.Repack(self.packed[0].dtype.name)
        kernel = compiler.kernel(f"{repack.__name__} {spec!r}", lambda e: repack.emit(e, spec))
        schedule.launch(kernel, repack.NAMES, words, blocks * chunks)


@dataclass(frozen=True, eq=False, slots=True)
class Gathering:
    """One packed array of which every element is told apart: number ``table[i]`` of the weights, from 1, or 0 for padding."""

    packed: Array
    table: Array

    def launch(self, schedule: Schedule, compiler: Compiler, source: Buffer, flag: Array) -> None:
        """Append the step that packs the weights that lie in ``source``; ``flag`` is raised if some are not finite."""
        count = self.packed.size
        words = {"x": Address(source, 0), "y": self.packed, "table": self.table, "count": count, "flag": flag}
        spec = gather.Gather(self.packed.dtype.name)
        kernel = compiler.kernel(f"{gather.__name__} {spec!r}", lambda e: gather.emit(e, spec))
        schedule.launch(kernel, gather.NAMES, words, ceil_div(count, gather.CHUNK))


def find_packing(arrays: Sequence[Array], lanes: int) -> Iterator[Packing | Gathering]:
    """The packing of arrays packed from the same numbered weights, for vectors of so many lanes."""
    steps: dict[int, list[Array]] = {}
    for array in arrays:
        steps.setdefault(_step(array, lanes), []).append(array)
    for step, same in steps.items():
        found = _walked(same, lanes, step) if step else None
        if found is not None:
            yield found
        else:
            yield from (Gathering(array, array.astype(np.int32).ravel()) for array in same)


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


def _walked(packed: Sequence[Array], lanes: int, step: int) -> Packing | None:
    """The packing of such arrays by runs of ``step`` neighbours; ``None`` where too little of the runs is taken."""
    vectors = np.concatenate([array.reshape(-1, lanes) for array in packed]).astype(np.int64)
    whole = lanes * packed[0].itemsize
    places = np.concatenate([array.ctypes.data + whole * np.arange(array.size // lanes) for array in packed])
    valid = (vectors > 0).sum(axis=1)
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
    table, (starts, lengths) = np.zeros((len(blocks), step), np.int64), np.zeros((2, len(blocks)), np.int64)
    table[block, first % step] = places
    starts[block], lengths[block] = first // step * step, valid
    return Packing(packed, starts, lengths, table, step)
