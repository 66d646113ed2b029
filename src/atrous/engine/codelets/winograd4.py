"""Winograd's F(4, 3): 4 outputs of an axis by 6 multiplications instead of 12.

All but the size of the tiles is ``winograd``.
"""

from __future__ import annotations

from functools import partial

from atrous.engine.codelets.convolution import Convolution
from atrous.engine.codelets.winograd import (
    READS,
    TAPS,
    WRITES,
    applies_in_pieces,
    blocks,
    pack_tiles,
    tile_cost,
    tiles,
    worthwhile,
)
from atrous.engine.codelets.winograd_kernels import emit_tiles
from atrous.engine.codelets.winograd_kernels import product_names as names
from atrous.target import Target

__all__ = ["GRID", "READS", "WRITES", "applies", "blocks", "candidates", "cost", "emit", "names", "pack", "worthwhile"]

#: Outputs of an axis that are computed together.
GRID = 4
candidates = partial(tiles, GRID)
cost = partial(tile_cost, GRID)
pack = partial(pack_tiles, GRID)
emit = partial(emit_tiles, GRID)


def applies(c: Convolution, target: Target) -> bool:
    """Kernels of up to 3 taps on any axis; of more, in pieces of 4, on one axis alone: on two, errors would be too large."""
    large = any(taps > TAPS for taps in c.kernel[-2:])
    return applies_in_pieces(c, target) and not (large and sum(taps > 1 for taps in c.kernel[-2:]) > 1)
