"""How a kernel's packed weights follow from the caller's: read off from weights that number themselves.

A program made for weights ``1, 2, 3, ...`` has packed arrays that say, at every place, which weight belongs there; 0 is
padding. From that comes a table for ``codelets.repack``, whatever algorithm packed them, phases of transposed kernels too.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

import numpy as np

from atrous.engine.codelets import repack
from atrous.engine.compiler import Compiler
from atrous.engine.schedule import Schedule
from atrous.engine.view import Address, Buffer
from atrous.geometry import ceil_div
from atrous.graph.fact import Array

#: float32 counts no further.
MOST_WEIGHTS = 2**24 - 1
#: A run of which fewer than one in so many elements is a weight of the block is not walked.
_SPARSE = 4


def numbered(shape: tuple[int, ...], dtype: str) -> Array:
    """Weights ``1, 2, 3, ...`` in C order."""
    return np.arange(1, prod(shape) + 1, dtype=dtype).reshape(shape)


@dataclass(frozen=True, eq=False, slots=True)
class Packing:
    """One packed array as blocks of ``width`` lanes: weight ``starts[b] + lane * step + p`` is at vector ``places[p]`` of block
    ``b``; only the first ``valid[b]`` lanes are weights."""

    packed: Array
    starts: Array
    valid: Array
    places: Array
    step: int
    width: int

    def launch(self, schedule: Schedule, compiler: Compiler, source: Buffer, flag: Array) -> None:
        """Append the step that packs the weights that lie in ``source``; ``flag`` is raised if some are not finite."""
        run, lanes = len(self.places), compiler.target.lanes(self.packed.dtype.name)
        strips, chunks = ceil_div(int(self.valid.max()), lanes), ceil_div(run, repack.CHUNK)
        block = self.packed.size // len(self.starts)
        words = {"x": Address(source, 0), "y": self.packed, "starts": self.starts, "valid": self.valid, "places": self.places}
        words |= {"flag": flag, "run": run, "step": self.step, "width": self.width, "block": block}
        words |= {"strips": strips, "chunks": chunks}
        spec = repack.Repack(self.packed.dtype.name)
        kernel = compiler.kernel(f"{repack.__name__} {spec!r}", lambda e: repack.emit(e, spec))
        schedule.launch(kernel, repack.NAMES, words, len(self.starts) * strips * chunks)


def find_packing(packed: Array) -> Packing | None:
    """The packing of an array packed from numbered weights, if it is of that kind."""
    shape = packed.shape if packed.ndim > 1 else (1, *packed.shape)
    numbers = packed.astype(np.int64).reshape(shape) - 1
    for axes in range(1, len(shape)):
        blocks = numbers.reshape(prod(shape[:axes]), -1, shape[-1])
        found = _as_blocks(blocks)
        if found is not None:
            starts, valid, places, step = found
            return Packing(packed, starts, valid, places, step, shape[-1])
    return None


def _as_blocks(numbers: Array) -> tuple[Array, Array, Array, int] | None:
    """Starts, valid lanes, places and step of ``(blocks, vectors, lanes)`` numbers, -1 for padding, if they are so laid out."""
    valid = (numbers >= 0).sum(axis=2)
    if (valid != valid[:, :1]).any() or (valid == 0).any():
        return None
    count = valid[:, 0]
    step = int(numbers[0, 0, 1] - numbers[0, 0, 0]) if count[0] > 1 else 0
    starts = numbers[:, :, 0].min(axis=1)
    offsets = numbers[0, :, 0] - starts[0]
    lanes = np.arange(numbers.shape[2])
    expected = starts[:, None, None] + offsets[:, None] + lanes * step
    if step < 0 or not np.array_equal(numbers, np.where(lanes < count[:, None, None], expected, -1)):
        return None
    if offsets.max() >= _SPARSE * len(offsets):
        return None
    places = np.full(int(offsets.max()) + 1, -1, np.int64)
    places[offsets] = np.arange(len(offsets))
    return starts, count, places, step
