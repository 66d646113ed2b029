"""Which algorithm computes a convolution, with which register tile, and which blocks innermost.

All algorithms of the table sum every output element in the same order, so the choice is free: it changes the speed, never a
bit. It follows from the layer, from the size of the whole signal, from the layouts around the layer, and from wisdom, which
is what was measured before; never from a tile, a chunk, or the threads of a run.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from atrous.engine.codelets.convolution import Convolution, Register
from atrous.engine.model import Model, Prediction, inner_counts
from atrous.engine.plan import TABLE, Codelet, Plan, Request, Signal, name
from atrous.errors import ArgumentError
from atrous.target import Target

#: Register tiles of each algorithm that the whole model looks at: the best of them by their own cost.
TILES = 6
#: Requests that a planner remembers: signals of ever new sizes must not fill the memory.
KEPT = 4096


@dataclass(frozen=True, slots=True)
class Candidate:
    """A plan with what is predicted of it."""

    plan: Plan
    prediction: Prediction


def plan(c: Convolution, signal: Signal, target: Target, table: Sequence[Codelet] = TABLE) -> Plan:
    """The plan with the least predicted cycles, changes of layout included."""
    return ranked(c, signal, target, table)[0].plan


def ranked(
    c: Convolution, signal: Signal, target: Target, table: Sequence[Codelet] = TABLE, tiles: int = TILES
) -> list[Candidate]:
    """The plans that are worth a look, the one with the least predicted cycles first."""
    model = Model(c, signal, target)
    found = [Candidate(each, model.predict(each)) for each in plans(model.c, model.signal, target, table, tiles)]
    return sorted(found, key=lambda each: each.prediction.cycles)


def plans(
    c: Convolution, signal: Signal, target: Target, table: Sequence[Codelet] = TABLE, tiles: int | None = None
) -> list[Plan]:
    """The plans of a convolution: of every worthwhile algorithm the best register tiles (default: all), in all orders."""
    fit = [codelet for codelet in table if codelet.applies(c, target) and _writes(codelet, signal)]
    good = [codelet for codelet in fit if codelet.worthwhile(c, target)] or fit[-1:]
    found = []
    for codelet in good:
        for register in _best_tiles(codelet, c, signal, target, tiles):
            blocks = codelet.blocks(c, register, target)
            found += [Plan(codelet, register, inner) for inner in inner_counts(c, codelet.READS, blocks)]
    return found


def _writes(codelet: Codelet, signal: Signal) -> bool:
    return not signal.strict or codelet.WRITES is signal.wanted


def _best_tiles(codelet: Codelet, c: Convolution, signal: Signal, target: Target, tiles: int | None) -> Sequence[Register]:
    every = codelet.candidates(c, target)
    if tiles is None or len(every) <= tiles:
        return every
    return sorted(every, key=lambda tile: codelet.cost(c, tile, signal.row, target).cycles)[:tiles]


def refusal(plan: Plan, request: Request, target: Target) -> str | None:
    """Why a plan does not compute what is asked for on this CPU; ``None`` if it does."""
    codelet, (c, signal) = plan.codelet, request.signal.joined(request.c)
    if not codelet.applies(c, target):
        return f"{name(codelet)} does not apply to this convolution"
    if not _writes(codelet, signal):
        return f"{name(codelet)} does not write the layout that is needed here"
    tiles = codelet.candidates(c, target)
    if plan.register not in tiles:
        return "the register tiles of this algorithm are " + ", ".join(f"p{tile.pixels}v{tile.vectors}" for tile in tiles)
    blocks = codelet.blocks(c, plan.register, target)
    return None if blocks % plan.inner == 0 else f"{plan.inner} innermost blocks do not divide {blocks}"


def forced(text: str, request: Request, target: Target, node: str) -> Plan:
    """The plan that a caller wants for a node; ``ArgumentError`` if it cannot compute it."""
    wanted = Plan.parse(text)
    why = refusal(wanted, request, target)
    if why is not None:
        raise ArgumentError(f"plans: node {node!r} ({request}) cannot be computed by {text!r}: {why}")
    return wanted


class Planner:
    """Plans for the layers of one program, kept for its life: what is forced, else what wisdom says, else the model.

    ``wisdom`` finds the text of a plan for a request. A layer that meets another size of signal keeps its kernel, unless
    wisdom knows better, so that a new size compiles nothing.
    """

    def __init__(
        self,
        target: Target,
        wisdom: Callable[[Request], Plan | None] = lambda request: None,
        forced: Mapping[str, str] | None = None,
    ) -> None:
        self.target, self.wisdom, self.forced = target, wisdom, dict(forced or {})
        self.chosen: dict[Request, Plan] = {}  # of all that was asked, in order
        self._kernels: dict[object, Plan] = {}

    def choose(self, node: str, request: Request) -> Plan:
        """The plan for a node's convolution."""
        if node in self.forced:
            return forced(self.forced[node], request, self.target, node)
        found = self.chosen.get(request)
        if found is None:
            if len(self.chosen) >= KEPT:
                self.chosen.clear()
            found = self.chosen[request] = self._learnt(request) or self._kept(request)
        return found

    def _learnt(self, request: Request) -> Plan | None:
        found = self.wisdom(request)
        return found if found is not None and refusal(found, request, self.target) is None else None

    def _kept(self, request: Request) -> Plan:
        """The kernel of the first signal, with its blocks in the best order for this one."""
        c, signal = request.c, request.signal
        key = (c, signal.source, signal.wanted)
        first = self._kernels.get(key)
        if first is None:
            found = self._kernels[key] = plan(c, signal, self.target)
            return found
        model = Model(c, signal, self.target)
        blocks = first.codelet.blocks(c, first.register, self.target)
        orders = [replace(first, inner=inner) for inner in inner_counts(c, first.codelet.READS, blocks)]
        return min(orders, key=lambda each: model.predict(each).cycles)
