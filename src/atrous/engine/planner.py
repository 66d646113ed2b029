"""Which algorithm computes a convolution, and with which register tile.

The table is ordered: the first algorithm that applies and is worthwhile is taken, so the choice follows from the layer alone.
The register tile may follow from the length of the whole signal's rows; it changes no element's order of operations.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Protocol, cast

from atrous.engine.codelets import channelwise, direct, nest
from atrous.engine.codelets.convolution import Convolution, Packed, Register
from atrous.engine.emit import Emitter
from atrous.graph.fact import Array
from atrous.target import Target


class Codelet(Protocol):
    """The shape of every algorithm file for convolutions."""

    applies: Callable[[Convolution, Target], bool]
    worthwhile: Callable[[Convolution, Target], bool]
    candidates: Callable[[Convolution, Target], tuple[Register, ...]]
    cost: Callable[[Convolution, Register, int, Target], float]
    names: Callable[[Convolution], list[str]]
    pack: Callable[[Convolution, Register, Array, Array | None, Target], Packed]
    blocks: Callable[[Convolution, Register, Target], int]
    emit: Callable[[Emitter, Convolution, Register], None]
    __name__: str


#: First that fits wins; the last takes anything.
TABLE: tuple[Codelet, ...] = tuple(cast(Codelet, module) for module in (channelwise, direct, nest))


@dataclass(frozen=True)
class Plan:
    """An algorithm and its register tile, for one convolution."""

    codelet: Codelet
    register: Register

    def __str__(self) -> str:
        return f"{name(self.codelet)} p{self.register.pixels}v{self.register.vectors}"


def name(codelet: Codelet | ModuleType) -> str:
    """The algorithm's name, that of its file."""
    return codelet.__name__.rpartition(".")[2]


def plan(c: Convolution, row: int, target: Target, table: tuple[Codelet, ...] = TABLE) -> Plan:
    """The plan for a convolution whose whole output rows have ``row`` elements."""
    codelet = next(entry for entry in table if entry.applies(c, target) and entry.worthwhile(c, target))
    register = min(codelet.candidates(c, target), key=lambda tile: codelet.cost(c, tile, max(row, 1), target))
    return Plan(codelet, register)
