"""Which algorithm computes a convolution, with which register tile, and which blocks innermost.

All algorithms of the table sum every output element in the same order, so the choice is free: it changes the speed, never a
bit. It follows from the layer, from the size of the whole signal, from the layouts around the layer, and from wisdom, which
is what was measured before; never from a tile, a chunk, or the threads of a run.

Algorithms that compute tiles of outputs together have other sums. Whether one of them is taken, the ``family``, follows from
the layer, the axes of its whole signal and the accuracy that is asked for, and from nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from atrous.engine.codelets.convolution import Convolution, Register
from atrous.engine.epilogue import Epilogue
from atrous.engine.model import Model, Prediction, inner_counts
from atrous.engine.model_filters import predict_tiles
from atrous.engine.plan import FILTERS, TABLE, Codelet, Plan, Request, Signal, name
from atrous.errors import ArgumentError
from atrous.target import Target

#: Register tiles of each algorithm that the whole model looks at: the best of them by their own cost.
TILES = 3
#: Algorithms are looked at closely that are predicted to take no longer than this, relative to the best.
NEAR = 1.2
#: What two ways of adding up the same cycles may differ by.
ROUNDING = 1e-9
#: Outputs of a row in which even large tiles leave short tails.
LONG = 28
#: Requests that a planner remembers: signals of ever new sizes must not fill the memory.
KEPT = 4096


@dataclass(frozen=True, slots=True)
class Candidate:
    """A plan with what is predicted of it."""

    plan: Plan
    prediction: Prediction


def plan(c: Convolution, signal: Signal, target: Target, table: Sequence[Codelet] = TABLE) -> Plan:
    """The plan with the least predicted cycles, changes of layout included: the first of ``ranked``.

    What cannot be the best by its own cost is not predicted.
    """
    model = Model(c, signal, target)
    short = _shortlist(model, table, TILES)
    least = {codelet: model.least(codelet, registers[0]) for codelet, registers in short.items()}
    firsts: dict[Codelet, Candidate] = {}
    best = float("inf")
    for codelet in sorted(short, key=least.__getitem__):
        if least[codelet] <= NEAR * best:
            firsts[codelet] = _predicted(Plan(codelet, short[codelet][0]), model)
            best = min(best, firsts[codelet].prediction.cycles)
    near, most, found = NEAR * best, best * (1 + ROUNDING), None
    for codelet, registers in short.items():
        if codelet in firsts and firsts[codelet].prediction.cycles <= near:
            possible = [register for register in registers if model.least(codelet, register) <= most]
            for each in _orders(codelet, possible, model.c, target):
                candidate = _same(firsts[codelet], each) or _predicted(each, model)
                if found is None or candidate.prediction.cycles < found.prediction.cycles:
                    found = candidate
    assert found is not None
    return found.plan


@lru_cache(maxsize=KEPT)
def _remembered(c: Convolution, signal: Signal, target: Target, table: tuple[Codelet, ...] = TABLE) -> Plan:
    """``plan``, once in a process for equal layers.

    The best plan for an input that may lie in any way is the best one, too, for an input that lies as it reads it: for all
    others a change of layout comes on top, if anything.
    """
    if signal.source is not None:
        found = _remembered(c, replace(signal, source=None), target, table)
        if found.codelet.READS is signal.source:
            return found
    return plan(c, signal, target, table)


_NO_EPILOGUE = Epilogue()


def ranked(
    c: Convolution, signal: Signal, target: Target, table: Sequence[Codelet] = TABLE, tiles: int = TILES
) -> list[Candidate]:
    """The plans that are worth a look, the one with the least predicted cycles first."""
    model = Model(c, signal, target)
    short = _shortlist(model, table, tiles)
    found = {codelet: [_predicted(Plan(codelet, registers[0]), model)] for codelet, registers in short.items()}
    near = NEAR * min(first.prediction.cycles for first, *_ in found.values())
    for codelet, registers in short.items():
        if found[codelet][0].prediction.cycles <= near:
            found[codelet] = [_predicted(each, model) for each in _orders(codelet, registers, model.c, target)]
    return sorted((each for some in found.values() for each in some), key=lambda each: each.prediction.cycles)


def _shortlist(model: Model, table: Sequence[Codelet], tiles: int) -> dict[Codelet, Sequence[Register]]:
    """The algorithms that are worthwhile, each with the register tiles that are best by their own cost."""
    every: dict[object, tuple[Register, ...]] = {}  # some algorithms share their tiles
    found = {}
    for codelet in _fitting(model.c, model.signal, model.target, table):
        registers = every.get(codelet.candidates)
        if registers is None:
            registers = every[codelet.candidates] = codelet.candidates(model.c, model.target)
        found[codelet] = _best_tiles(codelet, registers, model, tiles)
    return found


def _same(first: Candidate, plan: Plan) -> Candidate | None:
    """A candidate if it is of this plan."""
    return first if first.plan == plan else None


def _predicted(plan: Plan, model: Model) -> Candidate:
    if model.c.groups > 1:  # which blocks are innermost is not free
        blocks = plan.codelet.blocks(model.c, plan.register, model.target)
        plan = replace(plan, inner=inner_counts(model.c, plan.codelet.READS, blocks)[0])
    return Candidate(plan, predict(model, plan))


def predicted(plan: Plan, request: Request, target: Target) -> Candidate | None:
    """A given plan with what is predicted of it; ``None`` if it cannot compute the request."""
    if refusal(plan, request, target) is not None:
        return None
    return Candidate(plan, predict(Model(request.c, request.signal, target), plan))


def plans(c: Convolution, signal: Signal, target: Target, table: Sequence[Codelet] = TABLE) -> list[Plan]:
    """All plans of a convolution: every worthwhile algorithm with its register tiles, in all orders of blocks."""
    found = []
    for codelet in _fitting(c, signal, target, table):
        found += _orders(codelet, codelet.candidates(c, target), c, target)
    return found


def _fitting(c: Convolution, signal: Signal, target: Target, table: Sequence[Codelet]) -> list[Codelet]:
    """The algorithms that are worthwhile; the last of the table, which takes anything but slowly, where no other is."""
    fit = [codelet for codelet in table if codelet.applies(c, target) and _writes(codelet, signal)]
    return [codelet for codelet in fit[:-1] if codelet.worthwhile(c, target)] or fit[-1:]


def _orders(codelet: Codelet, registers: Sequence[Register], c: Convolution, target: Target) -> list[Plan]:
    return [
        Plan(codelet, register, inner)
        for register in registers
        for inner in inner_counts(c, codelet.READS, codelet.blocks(c, register, target))
    ]


def _writes(codelet: Codelet, signal: Signal) -> bool:
    return not signal.strict or codelet.WRITES is signal.wanted


def _best_tiles(codelet: Codelet, registers: Sequence[Register], model: Model, tiles: int) -> Sequence[Register]:
    """The register tiles with the least cost of their own; in long rows, small ones are not looked at."""
    if codelet.GRID == 1 and model.row >= LONG:
        largest = max(tile.pixels * tile.vectors for tile in registers)
        registers = [tile for tile in registers if 4 * tile.pixels * tile.vectors >= largest]
    if codelet.GRID > 1:  # how many tiles there are decides as much
        return sorted(registers, key=lambda tile: predict_tiles(model, Plan(codelet, tile)).cycles)[:tiles]
    return sorted(registers, key=lambda tile: model.cost(codelet, tile).cycles)[:tiles]


def refusal(plan: Plan, request: Request, target: Target) -> str | None:
    """Why a plan does not compute what is asked for on this CPU; ``None`` if it does."""
    codelet, (c, signal) = plan.codelet, request.signal.joined(request.c)
    if not codelet.applies(c, target):
        return f"{name(codelet)} does not apply to this convolution"
    if not _writes(codelet, signal):
        return f"{name(codelet)} does not write the layout that is needed here"
    tiles = codelet.candidates(c, target)
    if plan.register not in tiles:
        return "the register tiles of this algorithm are " + ", ".join(map(str, tiles))
    blocks = codelet.blocks(c, plan.register, target)
    return None if blocks % plan.inner == 0 else f"{plan.inner} innermost blocks do not divide {blocks}"


def forced(text: str, request: Request, target: Target, node: str) -> Plan:
    """The plan that a caller wants for a node; ``ArgumentError`` if it cannot compute it."""
    wanted = Plan.parse(text)
    why = refusal(wanted, request, target)
    if why is not None:
        raise ArgumentError(f"plans: node {node!r} ({request}) cannot be computed by {text!r}: {why}")
    return wanted


#: What results may be, and the algorithms with other sums that may compute them.
ACCURACIES: Mapping[str, tuple[Codelet, ...]] = {
    "strict": (),
    "default": tuple(codelet for codelet in FILTERS if codelet.GRID <= 4),
    "fast": FILTERS,
}


def check_accuracy(accuracy: str) -> str:
    """One of ``ACCURACIES``."""
    if accuracy not in ACCURACIES:
        raise ArgumentError(f"accuracy: got {accuracy!r}; it must be {', '.join(map(repr, ACCURACIES))}")
    return accuracy


#: The outputs for which the family of a signal of one axis is chosen: it may come in pieces, and nobody knows its length.
LENGTH = 4096
#: Tiles are taken where they are predicted to save at least this part of the time.
GAIN = 0.1


@lru_cache(maxsize=KEPT)
def family(c: Convolution, signal: Signal, target: Target, accuracy: str) -> tuple[Codelet, ...]:
    """The algorithms with the same bits, of which the fastest may be taken: ``TABLE``, or one that computes tiles together.

    Neither the size of the batch nor the layouts around the layer decide it: its results are the same in any of them.
    """
    wanted = [codelet for codelet in ACCURACIES[accuracy] if codelet.applies(c, target) and codelet.worthwhile(c, target)]
    if not wanted or signal.strict or not all(signal.outputs):
        return TABLE
    alone = replace(signal, batch=1, source=None, wanted=None)
    if len(signal.inputs) == 1:
        size = LENGTH + c.dilations[0] * (c.kernel[0] - 1)
        alone = replace(alone, inputs=(size,), outputs=(LENGTH,), pads=())
    plain = replace(c, epilogue=_NO_EPILOGUE)
    found = {codelet: ranked(plain, alone, target, (codelet,))[0].prediction.cycles for codelet in wanted}
    best = min(wanted, key=found.__getitem__)
    model = Model(plain, alone, target)
    swept = predict(model, _remembered(plain, alone, target)).cycles
    return (best,) if found[best] <= (1 - GAIN) * swept else TABLE


def predict(model: Model, plan: Plan) -> Prediction:
    """Cycles and bytes of a plan."""
    return predict_tiles(model, plan) if plan.codelet.GRID > 1 else model.predict(plan)


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
        accuracy: str = "default",
    ) -> None:
        self.target, self.wisdom, self.forced, self.accuracy = target, wisdom, dict(forced or {}), accuracy
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
        if found is None or found.codelet not in self._family(request):
            return None
        return found if refusal(found, request, self.target) is None else None

    def _family(self, request: Request) -> tuple[Codelet, ...]:
        return family(request.c, request.signal, self.target, self.accuracy)

    def grid(self, node: str, request: Request) -> int:
        """How many outputs of an axis the algorithm for a node's convolution computes together."""
        if node in self.forced:
            return forced(self.forced[node], request, self.target, node).codelet.GRID
        return self._family(request)[0].GRID

    def _kept(self, request: Request) -> Plan:
        """The kernel of the first signal, with its blocks in the best order for this one."""
        c, signal = request.c, request.signal
        table = self._family(request)
        key = (c, signal.source, signal.wanted, table)
        first = self._kernels.get(key)
        if first is None:
            # What is done to a result on its way out costs all algorithms the same.
            found = self._kernels[key] = _remembered(replace(c, epilogue=_NO_EPILOGUE), signal, self.target, table)
            return found
        model = Model(c, signal, self.target)
        blocks = first.codelet.blocks(c, first.register, self.target)
        orders = [replace(first, inner=inner) for inner in inner_counts(c, first.codelet.READS, blocks)]
        return min(orders, key=lambda each: predict(model, each).cycles)
