"""Winograd's F(3, 3): 3 outputs of an axis by 5 multiplications instead of 9; for residue classes, and large kernels in pieces.

All but the size of the tiles is ``winograd``.
"""

from __future__ import annotations

from functools import partial

from atrous.engine.codelets.winograd import READS, WRITES, applies_in_pieces, blocks, pack_tiles, tile_cost, tiles, worthwhile
from atrous.engine.codelets.winograd_kernels import emit_tiles
from atrous.engine.codelets.winograd_kernels import product_names as names

__all__ = ["GRID", "READS", "WRITES", "applies", "blocks", "candidates", "cost", "emit", "names", "pack", "worthwhile"]

#: Outputs of an axis that are computed together.
GRID = 3
#: Kernels of more than 3 taps fall into pieces of 3.
applies = applies_in_pieces
candidates = partial(tiles, GRID)
cost = partial(tile_cost, GRID)
pack = partial(pack_tiles, GRID)
emit = partial(emit_tiles, GRID)
