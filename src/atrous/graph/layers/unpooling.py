"""Where a maximum lay, and the way back there: what encoders tell decoders in SegNet and deconvolution networks.

V. Badrinarayanan et al., arXiv:1511.00561; M. Zeiler and R. Fergus, arXiv:1311.2901 ("switches").
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import ClassVar, final

from atrous import reference
from atrous.errors import NetworkError
from atrous.geometry import Pull, TransposedWindow, Whole
from atrous.geometry.padding import Padding
from atrous.graph.fact import Array, Fact
from atrous.graph.layer import Layer
from atrous.graph.layers import check
from atrous.graph.layers.pooling import Pool


@final
@dataclass(frozen=True, slots=True)
class MaxPoolIndices(Pool):
    """Where each maximum of ``MaxPool`` lies: its place in the whole flat operand, int64; the first of equal ones, or a NaN.

    Within a channel the last axis is the fastest, or with ``column_major`` the first. A window wholly on padding gives -1.
    """

    column_major: bool = False

    def infer(self, *operands: Fact) -> Fact:
        return Fact("int64", Pool.infer(self, *operands).sizes)

    def steps(self, sizes: Sequence[int]) -> tuple[int, ...]:
        """How many places a channel's neighbours lie apart on each spatial axis."""
        each = range(len(sizes))
        return tuple(prod(sizes[:axis] if self.column_major else sizes[axis + 1 :]) for axis in each)

    def evaluate(self, *operands: Array) -> Array:
        (x,) = operands
        return reference.max_pool_indices(x, self.windows(x.shape[2:]), self.column_major)


@final
@dataclass(frozen=True, slots=True)
class MaxUnpool(Layer):
    """Zeros but for the elements of ``x`` at their places ``(x, indices)`` in the flat result; of several the last stays.

    Both ``(N, C, *space)``, indices int64. The result is as large as what a pool with this kernel, stride and padding reads. An
    index outside it writes nothing.
    """

    kernel: tuple[int, ...]
    strides: tuple[int, ...]
    padding: Padding

    linear: ClassVar[bool] = True
    local: ClassVar[bool] = False

    def windows(self, sizes: Sequence[int]) -> tuple[TransposedWindow, ...]:
        """One transposed window for each spatial axis of a pooled signal with these spatial sizes."""
        axes = len(self.kernel)
        return self.padding.transposed(self.kernel, self.strides, (1,) * axes, sizes, (0,) * axes)

    def infer(self, *operands: Fact) -> Fact:
        check.arity(operands, 2)
        x, indices = operands
        check.rank(x, "input", 2 + len(self.kernel))
        if indices.dtype != "int64" or indices.sizes != x.sizes:
            raise NetworkError(f"indices are {indices!r}; they must be int64 in the shape of the input {x!r}")
        return check.result(x.dtype, [*x.sizes[:2], *check.output_sizes(self.windows(x.sizes[2:]), x.sizes[2:])])

    def reads(self, *operands: Fact) -> tuple[tuple[Pull, ...], ...]:
        return tuple(tuple(Pull(axis, Whole(size)) for axis, size in enumerate(fact.sizes)) for fact in operands)

    def evaluate(self, *operands: Array) -> Array:
        x, indices = operands
        return reference.max_unpool(x, indices, self.infer(Fact.of(x), Fact.of(indices)).sizes)
