"""Winograd's F(4, 3): 4 outputs of an axis by 6 multiplications instead of 12.

All but the size of the tiles is ``winograd``.
"""

from __future__ import annotations

from atrous.engine.codelets.convolution import Convolution, Cost, Packed, Register
from atrous.engine.codelets.winograd import (
    READS,
    TAPS,
    WRITES,
    Minimal,
    applies_in_pieces,
    blocks,
    pack_filter,
    tile_cost,
    tiles,
    worthwhile,
)
from atrous.engine.codelets.winograd_kernels import emit_products, product_names
from atrous.engine.emit import Emitter
from atrous.graph.fact import Array
from atrous.target import Target

__all__ = ["GRID", "READS", "WRITES", "applies", "blocks", "candidates", "cost", "emit", "names", "pack", "worthwhile"]

#: Outputs of an axis that are computed together.
GRID = 4


def applies(c: Convolution, target: Target) -> bool:
    """Kernels of up to 3 taps on any axis; of more, in pieces of 4, on one axis alone: on two, errors would be too large."""
    large = any(taps > TAPS for taps in c.kernel[-2:])
    return applies_in_pieces(c, target) and not (large and sum(taps > 1 for taps in c.kernel[-2:]) > 1)


def candidates(c: Convolution, target: Target) -> tuple[Register, ...]:
    """Register tiles of the products, on blocks of tiles that fit the stack."""
    return tiles(c, GRID, target)


def cost(c: Convolution, register: Register, row: int, target: Target) -> Cost:
    """Cycles of the products for each multiply-add that the definition has."""
    return tile_cost(c, GRID, register, target)


def names(c: Convolution) -> list[str]:
    return product_names(c)


def pack(c: Convolution, register: Register, weights: Array, bias: Array | None, target: Target) -> Packed:
    """Weights transformed in float64, rounded once."""
    return pack_filter(Minimal(c, GRID, register), weights, bias, target)


def emit(e: Emitter, c: Convolution, register: Register) -> None:
    emit_products(e, Minimal(c, GRID, register))
