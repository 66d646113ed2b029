"""Direct convolution from rows to rows: a layer by itself on callers' arrays, with no change of layout at all.

All but the layouts is ``direct``.
"""

from __future__ import annotations

from atrous.engine.codelets import direct, direct_from_rows
from atrous.engine.codelets.convolution import Convolution, Cost, Register
from atrous.engine.codelets.direct import blocks, candidates, names, pack, worthwhile
from atrous.engine.emit import Emitter
from atrous.engine.view import Layout
from atrous.target import Target

__all__ = ["GRID", "READS", "WRITES", "applies", "blocks", "candidates", "cost", "emit", "names", "pack", "worthwhile"]

#: The layout that is read, and the one that is written.
READS, WRITES = Layout.ROWS, Layout.ROWS
#: Every output is a sum of its own.
GRID = 1


def applies(c: Convolution, target: Target) -> bool:
    """Where ``direct`` does, if neighbouring outputs are neighbours in memory."""
    return direct.applies(c, target) and c.spacing == 1


def cost(c: Convolution, register: Register, row: int, target: Target) -> Cost:
    """Cycles per multiply-add: ``direct``'s on an input in rows, and the shuffles that transpose a tile before it is stored."""
    return direct.transposed_cost(c, register, row, target, direct_from_rows.cost(c, register, row, target))


def emit(e: Emitter, c: Convolution, register: Register) -> None:
    direct.emit_direct(e, c, register, READS, WRITES)
