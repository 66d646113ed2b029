"""Layers that move elements without arithmetic: transposing, joining, cutting, framing, repeating, interleaving."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal, final

import numpy as np

from atrous.errors import NetworkError
from atrous.geometry import SAME, AxisMap, Pull, TransposedWindow, Whole, Window
from atrous.geometry.blocks import Clamped, Mirrored
from atrous.graph.fact import Array, Fact
from atrous.graph.layer import Layer, broadcast, broadcast_reads, whole
from atrous.graph.layers import check


@final
@dataclass(frozen=True, slots=True)
class Transpose(Layer):
    """Axis ``i`` of the result is axis ``perm[i]`` of the operand; none given reverses them."""

    perm: tuple[int, ...] | None = None

    linear: ClassVar[bool] = True

    def order(self, rank: int) -> tuple[int, ...]:
        """The permutation for a value with ``rank`` axes."""
        perm = tuple(reversed(range(rank))) if self.perm is None else self.perm
        if sorted(perm) != list(range(rank)):
            raise NetworkError(f"perm {perm} must hold each of the axes 0..{rank - 1} once")
        return perm

    def infer(self, *operands: Fact) -> Fact:
        check.arity(operands, 1)
        (x,) = operands
        return Fact(x.dtype, tuple(x.sizes[i] for i in self.order(x.rank)))

    def reads(self, *operands: Fact) -> tuple[tuple[Pull, ...], ...]:
        order = self.order(operands[0].rank)
        return (tuple(Pull(order.index(i), SAME) for i in range(len(order))),)

    def evaluate(self, *operands: Array) -> Array:
        return np.ascontiguousarray(operands[0].transpose(self.order(operands[0].ndim)))


@final
@dataclass(frozen=True, slots=True)
class Concat(Layer):
    """The operands one after the other along ``axis``."""

    axis: int

    linear: ClassVar[bool] = True

    def affine(self, *moving: int) -> bool:
        return True

    def offsets(self, *operands: Fact) -> tuple[int, ...]:
        """Where each operand starts along the axis, and where the last one ends."""
        axis = check.axis(self.axis, operands[0].rank)
        starts = [0]
        for fact in operands:
            starts.append(starts[-1] + fact.sizes[axis])
        return tuple(starts)

    def infer(self, *operands: Fact) -> Fact:
        check.arity(operands, 1, len(operands) or 1)
        check.same_dtype(*operands)
        first = operands[0]
        axis = check.axis(self.axis, first.rank)
        for fact in operands[1:]:
            if (*fact.sizes[:axis], *fact.sizes[axis + 1 :]) != (*first.sizes[:axis], *first.sizes[axis + 1 :]):
                raise NetworkError(
                    f"operands {first!r} and {fact!r} do not join along axis {axis}; their other sizes must agree"
                )
        return Fact(first.dtype, (*first.sizes[:axis], self.offsets(*operands)[-1], *first.sizes[axis + 1 :]))

    def reads(self, *operands: Fact) -> tuple[tuple[Pull, ...], ...]:
        axis = check.axis(self.axis, operands[0].rank)
        *starts, total = self.offsets(*operands)
        plain = tuple(Pull(i, SAME) for i in range(operands[0].rank))
        return tuple(
            (*plain[:axis], Pull(axis, Window(1, pad_lo=start, pad_hi=total - start - fact.sizes[axis])), *plain[axis + 1 :])
            for start, fact in zip(starts, operands, strict=True)
        )

    def evaluate(self, *operands: Array) -> Array:
        return np.concatenate(operands, axis=self.axis)


@final
@dataclass(frozen=True, slots=True)
class Slice(Layer):
    """A strided cut ``(x, starts, ends[, axes[, steps]])`` by Python's rules for slices; steps may be negative."""

    linear: ClassVar[bool] = True
    fixed: ClassVar[tuple[int, ...]] = (1, 2, 3, 4)

    def ranges(self, *operands: Fact) -> tuple[range, ...]:
        """The indices taken along each axis."""
        check.arity(operands, 3, 5)
        x = operands[0]
        starts, ends = check.integers(operands[1], "starts"), check.integers(operands[2], "ends")
        axes = check.integers(operands[3], "axes") if len(operands) > 3 else tuple(range(len(starts)))
        steps = check.integers(operands[4], "steps") if len(operands) > 4 else (1,) * len(starts)
        if not len(starts) == len(ends) == len(axes) == len(steps) or 0 in steps:
            raise NetworkError(
                f"starts {starts}, ends {ends}, axes {axes}, steps {steps} must have equal lengths and no step may be 0"
            )
        taken = [range(size) for size in x.sizes]
        for axis, start, end, step in zip(check.axes(axes, x.rank), starts, ends, steps, strict=True):
            taken[axis] = taken[axis][_cut(start, end, step, x.sizes[axis])]
        return tuple(taken)

    def infer(self, *operands: Fact) -> Fact:
        return Fact(operands[0].dtype, tuple(map(len, self.ranges(*operands))))

    def reads(self, *operands: Fact) -> tuple[tuple[Pull, ...], ...]:
        signal = (
            Pull(i, Whole(size) if taken.step < 0 else _strided(taken, size))
            for i, (taken, size) in enumerate(zip(self.ranges(*operands), operands[0].sizes, strict=True))
        )
        return (tuple(signal), *(whole(fact) for fact in operands[1:]))

    def evaluate(self, *operands: Array) -> Array:
        ranges = self.ranges(*(Fact.of(array) for array in operands))
        return np.ascontiguousarray(operands[0][np.ix_(*ranges)]) if ranges else operands[0]


def _cut(start: int, end: int, step: int, size: int) -> slice:
    """ONNX's start and end as Python's: with a negative step, an end below ``-size`` means through element 0."""
    return slice(start, None if step < 0 and end < -size else end, step)


def _strided(taken: range, size: int) -> Window:
    used = taken.start + (len(taken) - 1) * taken.step + 1 if taken else taken.start
    return Window(1, taken.step, pad_lo=-taken.start, pad_hi=used - size)


Mode = Literal["constant", "reflect", "edge", "wrap"]
MODES: tuple[Mode, ...] = ("constant", "reflect", "edge", "wrap")


@final
@dataclass(frozen=True, slots=True)
class Pad(Layer):
    """A frame ``(x, pads[, value[, axes]])``: pads are all the low ones, then all the high ones; negative ones crop.

    The frame holds ``value`` (0 unless given), the signal mirrored about its ends, its end elements, or its other end.
    """

    mode: Mode = "constant"

    linear: ClassVar[bool] = True
    fixed: ClassVar[tuple[int, ...]] = (1, 2, 3)

    def affine(self, *moving: int) -> bool:
        return set(moving) <= {0, 2}

    def pairs(self, *operands: Fact) -> tuple[tuple[int, int], ...]:
        """The low and high padding of each axis of the operand."""
        check.arity(operands, 2, 4)
        x, pads = operands[0], check.integers(operands[1], "pads")
        axes = check.axes(check.integers(operands[3], "axes"), x.rank) if len(operands) > 3 else tuple(range(x.rank))
        if len(pads) != 2 * len(axes):
            raise NetworkError(f"pads {pads} must hold a low and a high one for each of the {len(axes)} axes")
        pairs = [(0, 0)] * x.rank
        for i, axis in enumerate(axes):
            pairs[axis] = (pads[i], pads[i + len(axes)])
        return tuple(pairs)

    def infer(self, *operands: Fact) -> Fact:
        x, pairs = operands[0], self.pairs(*operands)
        shape = tuple(lo + size + hi for size, (lo, hi) in zip(x.sizes, pairs, strict=True))
        if any(size < 0 for size in shape):
            raise NetworkError(f"pads {pairs} crop more than {x!r} has; no size may become negative")
        if self.mode != "constant" and x.count == 0 and 0 not in shape:
            raise NetworkError(f"{x!r} is empty; there is nothing to continue by {self.mode}")
        if len(operands) > 2 and (operands[2].dtype != x.dtype or operands[2].count != 1):
            raise NetworkError(f"value {operands[2]!r} must be one element of type {x.dtype}")
        return check.result(x.dtype, shape)

    def _map(self, size: int, lo: int, hi: int) -> AxisMap:
        if self.mode == "reflect" and (lo > 0 or hi > 0):
            return Mirrored(size, lo)
        if self.mode == "edge" and (lo > 0 or hi > 0):
            return Clamped(size, lo)
        if self.mode == "wrap" and (lo > 0 or hi > 0):
            return Whole(size)
        return Window(1, pad_lo=lo, pad_hi=hi)

    def reads(self, *operands: Fact) -> tuple[tuple[Pull, ...], ...]:
        x = operands[0]
        pairs = zip(x.sizes, self.pairs(*operands), strict=True)
        signal = tuple(Pull(i, self._map(size, lo, hi)) for i, (size, (lo, hi)) in enumerate(pairs))
        return (signal, *(whole(fact) for fact in operands[1:]))

    def evaluate(self, *operands: Array) -> Array:
        x, pairs = operands[0], self.pairs(*(Fact.of(array) for array in operands))
        crops = tuple(slice(max(0, -lo), size - max(0, -hi)) for size, (lo, hi) in zip(x.shape, pairs, strict=True))
        frame = [(max(0, lo), max(0, hi)) for lo, hi in pairs]
        if self.mode == "constant":
            value = operands[2].reshape(()) if len(operands) > 2 else 0
            return np.pad(x[crops], frame, mode="constant", constant_values=value)
        return np.pad(x, frame, mode=self.mode)[tuple(slice(max(0, -lo), -max(0, -hi) or None) for lo, hi in pairs)]


@final
@dataclass(frozen=True, slots=True)
class Expand(Layer):
    """Broadcasting ``(x, shape)`` to the shape that both have together."""

    linear: ClassVar[bool] = True
    fixed: ClassVar[tuple[int, ...]] = (1,)

    def infer(self, *operands: Fact) -> Fact:
        check.arity(operands, 2)
        wanted = check.integers(operands[1], "shape")
        if any(size < 0 for size in wanted) or len(wanted) > check.MOST_AXES:
            raise NetworkError(f"shape {wanted} is not legal; sizes must be at least 0, and axes at most {check.MOST_AXES}")
        return check.result(operands[0].dtype, broadcast([operands[0], Fact("", wanted)]))

    def reads(self, *operands: Fact) -> tuple[tuple[Pull, ...], ...]:
        return (broadcast_reads(self.infer(*operands).sizes, operands[0]), whole(operands[1]))

    def evaluate(self, *operands: Array) -> Array:
        return np.broadcast_to(operands[0], self.infer(*(Fact.of(array) for array in operands)).sizes)


@final
@dataclass(frozen=True, slots=True)
class Tile(Layer):
    """The operand repeated: ``(x, repeats)``, one count for each axis."""

    linear: ClassVar[bool] = True
    local: ClassVar[bool] = False
    fixed: ClassVar[tuple[int, ...]] = (1,)

    def infer(self, *operands: Fact) -> Fact:
        check.arity(operands, 2)
        x, repeats = operands[0], check.integers(operands[1], "repeats")
        if len(repeats) != x.rank or any(count < 0 for count in repeats):
            raise NetworkError(f"repeats {repeats} must hold one count of at least 0 for each axis of {x!r}")
        return check.result(x.dtype, [size * count for size, count in zip(x.sizes, repeats, strict=True)])

    def reads(self, *operands: Fact) -> tuple[tuple[Pull, ...], ...]:
        sizes = zip(operands[0].sizes, self.infer(*operands).sizes, strict=True)
        return (tuple(Pull(i, SAME if a == b else Whole(a)) for i, (a, b) in enumerate(sizes)), whole(operands[1]))

    def evaluate(self, *operands: Array) -> Array:
        return np.tile(operands[0], operands[1].reshape(-1))


@final
@dataclass(frozen=True, slots=True)
class DepthToSpace(Layer):
    """Channels to space: ``(N, C, *space)`` to ``(N, C / blockⁿ, *(block * space))``, over all n spatial axes.

    The channel number holds the place in the block first (mode ``DCR``) or last (``CRD``, PyTorch's pixel shuffle).
    W. Shi et al., arXiv:1609.05158.
    """

    block: int
    mode: Literal["DCR", "CRD"] = "DCR"

    linear: ClassVar[bool] = True

    def infer(self, *operands: Fact) -> Fact:
        check.arity(operands, 1)
        (x,) = operands
        places = self.block ** max(0, x.rank - 2)
        if x.rank < 3 or self.block < 1 or x.sizes[1] % places:
            raise NetworkError(
                f"{x!r} cannot give blocks of {self.block} on each spatial axis; {places} must divide its channels"
            )
        return Fact(x.dtype, (x.sizes[0], x.sizes[1] // places, *(size * self.block for size in x.sizes[2:])))

    def reads(self, *operands: Fact) -> tuple[tuple[Pull, ...], ...]:
        space = (Pull(i, TransposedWindow(self.block, self.block)) for i in range(2, operands[0].rank))
        return ((Pull(0, SAME), Pull(1, Whole(operands[0].sizes[1])), *space),)

    def evaluate(self, *operands: Array) -> Array:
        (x,) = operands
        result = self.infer(Fact.of(x)).sizes
        n = x.ndim - 2
        blocks, depth = (self.block,) * n, (result[1],)
        inner = (*blocks, *depth) if self.mode == "DCR" else (*depth, *blocks)
        first = 1 if self.mode == "DCR" else 2
        order = [0, 1 + n if self.mode == "DCR" else 1]
        for i in range(n):
            order += [2 + n + i, first + i]
        return np.ascontiguousarray(x.reshape(x.shape[0], *inner, *x.shape[2:]).transpose(order)).reshape(result)


@final
@dataclass(frozen=True, slots=True)
class SpaceToDepth(Layer):
    """Space to channels, the inverse of ``DepthToSpace`` in the same mode: ``(N, C, *space)`` to ``(N, blockⁿ * C, ...)``."""

    block: int
    mode: Literal["DCR", "CRD"] = "DCR"

    linear: ClassVar[bool] = True

    def infer(self, *operands: Fact) -> Fact:
        check.arity(operands, 1)
        (x,) = operands
        if x.rank < 3 or self.block < 1 or any(size % self.block for size in x.sizes[2:]):
            raise NetworkError(f"{x!r} does not fall into blocks of {self.block}; it must divide every spatial size")
        places = self.block ** (x.rank - 2)
        return Fact(x.dtype, (x.sizes[0], x.sizes[1] * places, *(size // self.block for size in x.sizes[2:])))

    def reads(self, *operands: Fact) -> tuple[tuple[Pull, ...], ...]:
        space = (Pull(i, Window(self.block, self.block)) for i in range(2, operands[0].rank))
        return ((Pull(0, SAME), Pull(1, Whole(operands[0].sizes[1])), *space),)

    def evaluate(self, *operands: Array) -> Array:
        (x,) = operands
        split = [part for size in x.shape[2:] for part in (size // self.block, self.block)]
        n = x.ndim - 2
        places = tuple(3 + 2 * i for i in range(n))
        order = [0, *((*places, 1) if self.mode == "DCR" else (1, *places)), *(2 + 2 * i for i in range(n))]
        return np.ascontiguousarray(x.reshape(*x.shape[:2], *split).transpose(order)).reshape(self.infer(Fact.of(x)).sizes)


@final
@dataclass(frozen=True, slots=True)
class Gather(Layer):
    """Entries ``(x, indices)`` along ``axis``; negative indices count from the end.

    Indices are int64 or int32. One outside the axis is a ``NetworkError``: at once where the indices are constants, after the
    run where the network computes them. No element outside of ``x`` is ever read.
    """

    axis: int = 0

    linear: ClassVar[bool] = True
    local: ClassVar[bool] = False

    def infer(self, *operands: Fact) -> Fact:
        check.arity(operands, 2)
        x, indices = operands
        axis = check.axis(self.axis, x.rank)
        size = x.sizes[axis]
        if indices.dtype not in ("int32", "int64"):
            raise NetworkError(f"indices {indices!r} must hold integers of type int64 (or int32)")
        if indices.value is not None and np.any((indices.value < -size) | (indices.value >= size)):
            raise NetworkError(
                f"indices {indices.value.tolist()} reach outside axis {axis} of {x!r}; they must be in {-size}..{size - 1}"
            )
        if size == 0 and indices.count:
            raise NetworkError(f"axis {axis} of {x!r} is empty; there is nothing for the indices {indices!r} to take")
        return check.result(x.dtype, (*x.sizes[:axis], *indices.sizes, *x.sizes[axis + 1 :]))

    def reads(self, *operands: Fact) -> tuple[tuple[Pull, ...], ...]:
        x, indices = operands
        axis = check.axis(self.axis, x.rank)
        before = (Pull(i, SAME) for i in range(axis))
        after = (Pull(i + indices.rank - 1, SAME) for i in range(axis + 1, x.rank))
        return (*before, Pull(0, Whole(x.sizes[axis])), *after), tuple(Pull(axis + i, SAME) for i in range(indices.rank))

    def evaluate(self, *operands: Array) -> Array:
        self.infer(*(Fact.of(array) for array in operands))
        return np.take(operands[0], operands[1], axis=self.axis)
