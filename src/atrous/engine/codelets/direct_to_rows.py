"""Direct convolution from channels-last to rows: the last layer of a network, which writes a caller's array.

All but the layouts is ``direct``.
"""

from __future__ import annotations

from atrous.engine.codelets import direct
from atrous.engine.codelets.convolution import Convolution, Cost, Register
from atrous.engine.codelets.direct import blocks, names, pack, worthwhile
from atrous.engine.emit import Emitter
from atrous.engine.view import Layout
from atrous.target import Target

__all__ = ["GRID", "READS", "WRITES", "applies", "blocks", "candidates", "cost", "emit", "names", "pack", "worthwhile"]

#: The layout that is read, and the one that is written.
READS, WRITES = Layout.CHANNELS, Layout.ROWS
#: Every output is a sum of its own.
GRID = 1


def applies(c: Convolution, target: Target) -> bool:
    """Where ``direct`` does, if neighbouring outputs are neighbours in memory."""
    return direct.applies(c, target) and c.spacing == 1


def candidates(c: Convolution, target: Target) -> tuple[Register, ...]:
    """``direct``'s tiles, and a square of lanes where it fits the registers: its stores are whole vectors."""
    square, found = Register(target.lanes(c.dtype), 1), direct.candidates(c, target)
    fits = square.pixels <= target.vector_registers - 2 and square not in found
    return (*found, square) if fits else found


def cost(c: Convolution, register: Register, row: int, target: Target) -> Cost:
    """Cycles per multiply-add: ``direct``'s, and the shuffles that transpose a tile before it is stored."""
    return direct.transposed_cost(c, register, row, target, direct.cost(c, register, row, target))


def emit(e: Emitter, c: Convolution, register: Register) -> None:
    direct.emit_direct(e, c, register, READS, WRITES)
