"""Which algorithm computes a convolution, and with which register tile.

All algorithms of the table sum every output element in the same order, so the choice is free: it changes the speed, never a
bit. It follows from the layer, from the size of the whole signal, and from the layouts that the layers around it use.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from math import prod
from types import ModuleType
from typing import Protocol, cast

from atrous.engine.codelets import depthwise, direct, nest, planes, rows
from atrous.engine.codelets.convolution import Convolution, Packed, Register
from atrous.engine.emit import Emitter
from atrous.engine.view import Layout
from atrous.graph.fact import Array
from atrous.target import Target

#: Cycles to move one element from one layout to the other, read and write.
TURN_CYCLES = 1.0


class Codelet(Protocol):
    """The shape of every algorithm file for convolutions."""

    READS: Layout
    WRITES: Layout
    applies: Callable[[Convolution, Target], bool]
    worthwhile: Callable[[Convolution, Target], bool]
    candidates: Callable[[Convolution, Target], tuple[Register, ...]]
    cost: Callable[[Convolution, Register, int, Target], float]
    names: Callable[[Convolution], list[str]]
    pack: Callable[[Convolution, Register, Array, Array | None, Target], Packed]
    blocks: Callable[[Convolution, Register, Target], int]
    emit: Callable[[Emitter, Convolution, Register], None]
    __name__: str


#: The last takes anything.
TABLE: tuple[Codelet, ...] = tuple(cast(Codelet, module) for module in (depthwise, direct, planes, rows, nest))


@dataclass(frozen=True, slots=True)
class Signal:
    """The whole signal of a layer: batch, sizes of the input's and the output's axes, and the layouts around the layer.

    ``source`` is how the input lies, ``wanted`` how the output is to lie; ``None`` where either will do.
    """

    batch: int
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    source: Layout | None = None
    wanted: Layout | None = None

    @property
    def row(self) -> int:
        """The length of an output row."""
        return max(1, self.outputs[-1])

    def joined(self) -> Signal:
        """The same with the last two axes as one."""
        inputs, outputs = ((*sizes[:-2], sizes[-2] * sizes[-1]) for sizes in (self.inputs, self.outputs))
        return replace(self, inputs=inputs, outputs=outputs)


@dataclass(frozen=True)
class Plan:
    """An algorithm and its register tile, for one convolution."""

    codelet: Codelet
    register: Register

    def __str__(self) -> str:
        tile = self.register
        return f"{name(self.codelet)} p{tile.pixels}v{tile.vectors}" + (f"r{tile.rows}" if tile.rows > 1 else "")


def name(codelet: Codelet | ModuleType) -> str:
    """The algorithm's name, that of its file."""
    return codelet.__name__.rpartition(".")[2]


def plan(c: Convolution, signal: Signal, target: Target, table: tuple[Codelet, ...] = TABLE) -> Plan:
    """The plan with the least predicted cycles, changes of layout included."""
    fit = [entry for entry in table if entry.applies(c, target)]
    good = [entry for entry in fit if entry.worthwhile(c, target)] or fit[-1:]
    return min((best(entry, c, signal, target) for entry in good), key=lambda found: cycles(found, c, signal, target))


def best(codelet: Codelet, c: Convolution, signal: Signal, target: Target) -> Plan:
    """A codelet with its best register tile."""
    return Plan(codelet, min(codelet.candidates(c, target), key=lambda tile: codelet.cost(c, tile, signal.row, target)))


def cycles(found: Plan, c: Convolution, signal: Signal, target: Target) -> float:
    """Predicted cycles of one core for the whole signal."""
    codelet, places = found.codelet, signal.batch * prod(signal.outputs)
    work = places * c.groups * c.outputs * c.channels * prod(c.kernel) * codelet.cost(c, found.register, signal.row, target)
    if signal.source not in (None, codelet.READS):
        work += TURN_CYCLES * signal.batch * prod(signal.inputs) * c.channels * c.groups
    if signal.wanted not in (None, codelet.WRITES):
        work += TURN_CYCLES * places * c.outputs * c.groups
    return work
