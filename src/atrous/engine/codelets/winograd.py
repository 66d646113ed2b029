"""Winograd's minimal filtering, fused by blocks of tiles: transform the inputs, multiply matrices, transform the outputs.

A *tile* is the ``m`` outputs of an axis that F(m, 3) computes at once, on each axis with taps; tiles lie on a grid that begins
at output 0, so a result depends on its global coordinates alone. Two kernels compute a layer. The first transforms the inputs
of tiles, lanes on channels, into ``v``: ``[block of tiles][point][vector of channels][tile][lane]``, so that products read it
straight through. The second takes a block of tiles and,
for some vectors of output channels after the other, multiplies the block's inputs at each point by the transformed weights,
one chain of fused multiply-adds over the channels for each element, and transforms the products to outputs.

Of volumes, the depth is not filtered: its taps are summed up with the channels, at the points, so that every plane is
transformed once and every output once.

Dilated kernels are dense ones on the residue classes of the signal's places (the *algorithme a trous*): tile ``q * d + r``
begins at ``q * m * d + r`` and its outputs lie ``d`` apart, so nothing is copied.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

import numpy as np

from atrous.engine.codelets.convolution import Convolution, Cost, Packed, Register
from atrous.engine.codelets.toomcook import Filter, filtering
from atrous.engine.emit import BYTES
from atrous.engine.view import Layout
from atrous.geometry import ceil_div
from atrous.graph.fact import Array
from atrous.target import Target

#: The layout that is read, and the one that is written.
READS = WRITES = Layout.CHANNELS
#: Taps of an axis that are filtered at once; more fall into pieces, a single one is not filtered.
TAPS = 3
#: Channels of a turn of the inner loop; weights are filled up with zeros to a multiple.
CHANNEL_UNROLL = 4
#: Bytes of the stack that the products of a block may take.
STACK = 160 * 2**10
#: Register tiles of a block, at the most.
PARTS = (1, 2)


@dataclass(frozen=True, slots=True)
class Minimal:
    """A convolution, how many outputs a tile has on a filtered axis, and the register tile of the products.

    A block has ``register.rows`` register tiles of ``register.pixels`` tiles each.
    """

    c: Convolution
    grid: int
    register: Register

    @property
    def summed(self) -> int:
        """How many axes come first whose taps are summed up at the points: the depth of volumes."""
        return max(0, len(self.c.kernel) - 2)

    @property
    def filters(self) -> tuple[Filter, ...]:
        """What is filtered of each axis; nothing of the summed ones, and of those of one tap."""
        taps = (*(1 for _ in range(self.summed)), *self.c.kernel[self.summed :])
        each = ((1, 1) if count == 1 else (self.grid, count if count <= TAPS else self.grid) for count in taps)
        return tuple(filtering(m, r) for m, r in each)

    @property
    def outputs(self) -> tuple[int, ...]:
        """The outputs of a tile on each axis."""
        return tuple(f.outputs for f in self.filters)

    @property
    def pieces(self) -> tuple[int, ...]:
        """Into how many pieces the taps of each axis fall: one that begins ``m`` taps on reads what another tile reads."""
        own = self.c.kernel[self.summed :]
        parts = (ceil_div(taps, f.taps) for taps, f in zip(own, self.filters[self.summed :], strict=True))
        return (*(1 for _ in range(self.summed)), *parts)

    @property
    def planes(self) -> int:
        """Taps that are summed up at the points."""
        return prod(self.c.kernel[: self.summed])

    @property
    def sums(self) -> int:
        """How many products of each channel are summed up at a point: of all planes and pieces."""
        return self.planes * prod(self.pieces)

    @property
    def grids(self) -> tuple[tuple[int, int], ...]:
        """The grid of each axis: outputs that are computed together, and those whose inputs fill the last piece of the taps."""
        each = zip(self.filters, self.pieces, self.c.kernel, self.c.dilations, strict=True)
        return tuple((f.outputs * d, (f.taps * count - taps) * d) if f.points > 1 else (1, 0) for f, count, taps, d in each)

    @property
    def points(self) -> int:
        return prod(f.points for f in self.filters)

    @property
    def block(self) -> int:
        """Tiles of a block."""
        return self.register.pixels * self.register.rows

    def width(self, target: Target) -> int:
        """Output channels that are computed together."""
        return self.register.vectors * target.lanes(self.c.dtype)

    def pitch(self, target: Target) -> int:
        """Elements of a transformed tile at one point: the channels, filled up to whole vectors."""
        lanes = target.lanes(self.c.dtype)
        return ceil_div(self.c.channels, lanes) * lanes


def applies(c: Convolution, target: Target) -> bool:
    """Kernels of 3 taps on one or two axes, with finite weights; any depth of volumes."""
    return _dense(c) and {TAPS} <= set(c.kernel[-2:]) <= {1, TAPS}


def applies_in_pieces(c: Convolution, target: Target) -> bool:
    """Kernels of any size on one or two axes, in pieces; any depth of volumes."""
    return _dense(c) and set(c.kernel[-2:]) != {1}


def _dense(c: Convolution) -> bool:
    plain = c.groups == 1 == c.spacing and set(c.strides[-2:]) == {1}
    return plain and c.finite and c.dtype in ("float32", "float64")


def worthwhile(c: Convolution, target: Target) -> bool:
    """The transforms' work is shared by the channels of the other side, and saves something where there are taps enough."""
    return min(c.channels, c.outputs) >= 8 and max(c.kernel[-2:]) >= TAPS


def tiles(grid: int, c: Convolution, target: Target) -> tuple[Register, ...]:
    """Register tiles that fit the registers, in blocks whose products fit the stack."""
    lanes, registers = target.lanes(c.dtype), target.vector_registers
    # Where no instruction multiplies by an element in memory, factors take registers; with the last ones LLVM begins to spill.
    registers -= registers // 3 if target.vector_bytes < 64 else 0
    found = []
    for vectors in (1, 2, 3, 4):
        if vectors > ceil_div(c.outputs, lanes):
            continue
        most = (registers - 1 - vectors) // vectors
        for pixels in range(min(most, 14), max(1, min(most, 14) // 2) - 1, -1):
            for rows in PARTS:
                spec = Minimal(c, grid, Register(pixels, vectors, rows))
                if spec.points * spec.block * spec.width(target) * BYTES[c.dtype] <= STACK or (pixels, rows) == (1, 1):
                    found.append(spec.register)
    return tuple(found)


def tile_cost(grid: int, c: Convolution, register: Register, row: int, target: Target) -> Cost:
    """Cycles of the products for each multiply-add that the definition has, on full tiles."""
    spec = Minimal(c, grid, register)
    steps = ceil_div(c.outputs, spec.width(target)) * spec.points / register.pixels
    each = steps * spec.sums / (c.outputs * prod(spec.outputs) * prod(c.kernel))
    arithmetic, loads, *_ = step_cost(register, target)
    return Cost(each * arithmetic, each * loads)


def step_cost(register: Register, target: Target) -> Cost:
    """Cycles in which a register tile of products takes one more channel."""
    (pixels, vectors, _), rates = register, target.rates
    # A factor that is used but once is multiplied from memory, which the units take a little longer for.
    arithmetic = max(pixels * vectors / rates.fmas, rates.latency) * (1 + 0.12 / vectors**2)
    return Cost(arithmetic, pixels / rates.broadcasts + vectors / rates.loads)


def blocks(c: Convolution, register: Register, target: Target) -> int:
    """All output channels are one block: a unit goes through as many as it should."""
    return 1


def pack_tiles(grid: int, c: Convolution, register: Register, weights: Array, bias: Array | None, target: Target) -> Packed:
    """Weights ``(K, C, *kernel)`` transformed in float64, and the bias: ``[block][point][plane, piece][channel][output]``."""
    spec = Minimal(c, grid, register)
    width = spec.width(target)
    blocks, channels = ceil_div(c.outputs, width), ceil_div(c.channels, CHANNEL_UNROLL) * CHANNEL_UNROLL
    g = np.ones((1, 1))
    for f in spec.filters:
        g = np.kron(g, np.array([[float(a) for a in row] for row in f.g]))
    packed = np.empty((blocks, spec.points, spec.sums, channels, width), c.dtype)
    part = np.zeros((g.shape[1], spec.sums, channels, width))  # of one block, its taps first: the product lies as kernels read
    for block, out in enumerate(packed):
        some = _in_pieces(spec, weights[block * width : (block + 1) * width])
        part[..., : c.channels, : some.shape[-1]] = some
        part[..., some.shape[-1] :] = 0
        out[...] = (g @ part.reshape(len(part), -1)).reshape(out.shape)
    start = np.zeros(blocks * width, c.dtype)
    if bias is not None:
        start[: c.outputs] = bias
    return Packed(packed, start)


def _in_pieces(spec: Minimal, weights: Array) -> Array:
    """Weights ``(K, C, *kernel)`` as ``(taps of a piece, planes and pieces, C, K)``, filled up with zeros to whole pieces."""
    own = list(zip(spec.c.kernel, spec.filters, spec.pieces, strict=True))[spec.summed :]
    more = [(0, f.taps * count - taps) for taps, f, count in own]
    full = np.pad(weights, [(0, 0)] * (weights.ndim - len(own)) + more)
    shape = [size for _, f, count in own for size in (count, f.taps)]
    split = full.reshape(len(weights), spec.c.channels, spec.planes, *shape)
    first = [4 + 2 * axis for axis in range(len(own))]
    order = [*first, 2, *(axis - 1 for axis in first), 1, 0]
    return split.transpose(order).reshape(-1, spec.sums, spec.c.channels, len(weights))
