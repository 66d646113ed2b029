"""Direct convolution from rows to channels-last: the first layer of a network, which reads a caller's array.

All but the layouts is ``direct``.
"""

from __future__ import annotations

from atrous.engine.codelets import direct
from atrous.engine.codelets.convolution import Convolution, Cost, Register
from atrous.engine.codelets.direct import blocks, candidates, names, pack, worthwhile
from atrous.engine.emit import Emitter
from atrous.engine.view import Layout
from atrous.target import Target

__all__ = ["GRID", "READS", "WRITES", "applies", "blocks", "candidates", "cost", "emit", "names", "pack", "worthwhile"]

#: The layout that is read, and the one that is written.
READS, WRITES = Layout.ROWS, Layout.CHANNELS
#: Every output is a sum of its own.
GRID = 1


def applies(c: Convolution, target: Target) -> bool:
    """Where ``direct`` does."""
    return direct.applies(c, target)


def cost(c: Convolution, register: Register, row: int, target: Target) -> Cost:
    """Cycles per multiply-add: ``direct``'s on an input in rows."""
    return direct.row_cost(c, register, row, direct.tile_cost(c, 1, register, row, target))


def emit(e: Emitter, c: Convolution, register: Register) -> None:
    direct.emit_direct(e, c, register, READS, WRITES)
