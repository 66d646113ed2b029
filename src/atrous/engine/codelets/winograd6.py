"""Winograd's F(6, 3): 6 outputs of an axis by 8 multiplications instead of 18; errors are some 8 times those of a plain sum.

All but the size of the tiles is ``winograd``.
"""

from __future__ import annotations

from functools import partial

from atrous.engine.codelets.winograd import READS, WRITES, applies, blocks, pack_tiles, tile_cost, tiles, worthwhile
from atrous.engine.codelets.winograd_kernels import emit_tiles
from atrous.engine.codelets.winograd_kernels import product_names as names

__all__ = ["GRID", "READS", "WRITES", "applies", "blocks", "candidates", "cost", "emit", "names", "pack", "worthwhile"]

#: Outputs of an axis that are computed together.
GRID = 6
candidates = partial(tiles, GRID)
cost = partial(tile_cost, GRID)
pack = partial(pack_tiles, GRID)
emit = partial(emit_tiles, GRID)
