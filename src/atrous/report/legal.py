"""Legal input sizes: which sizes of one input axis a network accepts, and which of them leave no input behind a last window."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

from atrous.errors import ArgumentError, NetworkError
from atrous.geometry import SAME, IndexSet, TransposedWindow, Window
from atrous.geometry.visits import leftover
from atrous.graph.fact import Fact
from atrous.graph.facts import infer_facts
from atrous.graph.layer import Layer
from atrous.graph.layers import Conv, ConvTranspose, Pool
from atrous.graph.network import Network, Node
from atrous.report.figure import Figure
from atrous.report.receptive import spatial_axes

#: So many sizes to both sides of the given one are tried: twice the stride of the usual classifiers.
REACH = 64


@dataclass(frozen=True, slots=True)
class LegalSizes:
    """The sizes near ``size`` of one axis of an input that leave nothing over: no layer drops inputs behind its last window.

    ``dropping`` names the layers that drop some at ``size``; they may be read on another way around. ``sizes`` are the legal
    ones among those tried, ``below`` and ``above`` the next ones that the whole network accepts.
    """

    source: str
    axis: int
    size: int
    dropping: tuple[str, ...]
    sizes: IndexSet
    below: int | None
    above: int | None

    @property
    def legal(self) -> bool:
        """Whether ``size`` leaves nothing over."""
        return not self.dropping

    @property
    def step(self) -> int | None:
        """The distance from each legal size to the next, where it is always the same."""
        legal = list(self.sizes)
        steps = {b - a for a, b in pairwise(legal)}
        return steps.pop() if len(steps) == 1 else None


@dataclass(frozen=True, slots=True)
class _Step:
    """A node that changes the size of the axis: the class of sizes it reads, and where."""

    node: Node
    operand: int
    axis: int
    before: int


@dataclass(frozen=True, slots=True)
class _Chain:
    """The sizes that an axis takes: class 0 is the input's, each step makes the next; ``equal`` classes must agree."""

    steps: tuple[_Step, ...]
    equal: tuple[tuple[int, int], ...]


def legal_sizes(network: Network, facts: Mapping[str, Fact], source: str, axis: int) -> Figure[LegalSizes]:
    """The sizes around the given one of one axis of an input, the other axes as they are.

    Partial where no other size was found among the ``REACH`` tried to both sides.
    """
    chain = _follow(network, facts, source, axis)
    if isinstance(chain, str):
        return Figure.unavailable(chain)
    rule = _Rule(chain, facts)
    given = facts[source].sizes[axis]
    lowest, highest = max(1, given - REACH), given + REACH
    legal = [n for n in range(lowest, highest + 1) if rule(n)]
    below = max((n for n in legal if n < given), default=None)
    above = min((n for n in legal if n > given), default=None)
    taken = {n for n in (below, above) if n is not None and _accepted(network, facts, source, axis, n)}
    found = LegalSizes(
        source,
        axis,
        given,
        dropping=rule.dropping(given),
        sizes=IndexSet.of(legal if taken else [n for n in legal if n == given]),
        below=below if below in taken else None,
        above=above if above in taken else None,
    )
    if not taken:
        return Figure.partial(found, f"no other size from {lowest} to {highest} is accepted and leaves nothing over")
    return Figure.complete(found)


def _follow(network: Network, facts: Mapping[str, Fact], source: str, axis: int) -> _Chain | str:
    """Which sizes follow from the axis, or why that is not known."""
    places: dict[str, tuple[int, int]] = {source: (axis, 0)}
    steps: list[_Step] = []
    equal: set[tuple[int, int]] = set()
    for node in network.nodes:
        if facts[node.output].value is not None or not any(name in places for name in node.inputs):
            continue
        pulls = node.layer.reads(*(facts[name] for name in node.inputs))
        seen = [(i, *places[name], pulls[i][places[name][0]]) for i, name in enumerate(node.inputs) if name in places]
        if all(pull.map == SAME for _, _, _, pull in seen):
            classes = sorted({known for _, _, known, _ in seen})
            places[node.output] = (seen[0][3].axis, classes[0])
            equal |= {(classes[0], other) for other in classes[1:]}
        elif all(isinstance(pull.map, Window | TransposedWindow) for _, _, _, pull in seen):
            if len(seen) > 1:
                return f"several values meet along the axis at {node.name}"
            operand, at, known, pull = seen[0]
            steps.append(_Step(node, operand, at, known))
            places[node.output] = (pull.axis, len(steps))
    return _Chain(tuple(steps), tuple(equal))


class _Rule:
    """Whether a size goes through the chain with nothing left over; windows are asked of their layers once for each size."""

    def __init__(self, chain: _Chain, facts: Mapping[str, Fact]) -> None:
        self._chain = chain
        self._facts = facts
        self._known: dict[tuple[Layer | int, int, int], tuple[int, int]] = {}

    def _pass(self, place: int, size: int) -> tuple[int, int]:
        """``_outputs``, once for layers that are alike: the windows of these depend on nothing but the size."""
        step = self._chain.steps[place]
        layer = step.node.layer
        key = (layer if isinstance(layer, Conv | ConvTranspose | Pool) else place, step.axis, size)
        if key not in self._known:
            self._known[key] = self._outputs(step, size)
        return self._known[key]

    def __call__(self, size: int) -> bool:
        sizes = [size]
        for place, step in enumerate(self._chain.steps):
            outputs, left = self._pass(place, sizes[step.before])
            if outputs < 1 or left:
                return False
            sizes.append(outputs)
        return all(sizes[a] == sizes[b] for a, b in self._chain.equal)

    def dropping(self, size: int) -> tuple[str, ...]:
        """The layers that drop inputs behind their last window, for a size that the network accepts."""
        sizes, names = [size], []
        for place, step in enumerate(self._chain.steps):
            outputs, left = self._pass(place, sizes[step.before])
            sizes.append(outputs)
            names += [step.node.name] if left else []
        return tuple(names)

    def _outputs(self, step: _Step, size: int) -> tuple[int, int]:
        """The size behind one step, less than 1 where it does not fit, and how many inputs it drops."""
        operands = [self._facts[name] for name in step.node.inputs]
        operands[step.operand] = resized(operands[step.operand], step.axis, size)
        try:
            window = step.node.layer.reads(*operands)[step.operand][step.axis].map
        except (NetworkError, ArgumentError):
            return (0, 0)
        assert isinstance(window, Window | TransposedWindow)
        outputs = window.output_size(size)
        return (outputs, leftover(window, size) if outputs >= 1 else 0)


def nearest_fit(network: Network, inputs: Mapping[str, Fact]) -> tuple[int, ...] | None:
    """The shape of the first input nearest to the given one, on which the network can be inferred; ``None`` if none was found.

    One axis is changed by itself where that is enough, otherwise all spatial ones that the network leaves open by as much.
    """
    source, given = next(iter(inputs.items()))
    free = [axis for axis in spatial_axes(given) if isinstance(network.inputs[source].shape[axis], str)]
    groups = [(axis,) for axis in free] + ([tuple(free)] if len(free) > 1 else [])
    for change in (sign * by for by in range(1, REACH // 2 + 1) for sign in (1, -1)):
        for axes in groups:
            fact = given
            for axis in axes:
                fact = resized(fact, axis, given.sizes[axis] + change)
            if min(fact.sizes) >= 1 and _fits(network, {**inputs, source: fact}):
                return fact.sizes
    return None


def resized(fact: Fact, axis: int, size: int) -> Fact:
    """The fact with another size on one axis."""
    return Fact(fact.dtype, (*fact.shape[:axis], size, *fact.shape[axis + 1 :]))


def _accepted(network: Network, facts: Mapping[str, Fact], source: str, axis: int, size: int) -> bool:
    """Whether the whole network takes the size, its fixed linear layers included."""
    return _fits(network, {name: facts[name] for name in network.inputs} | {source: resized(facts[source], axis, size)})


def _fits(network: Network, inputs: Mapping[str, Fact]) -> bool:
    try:
        infer_facts(network, inputs)
    except (NetworkError, ArgumentError):
        return False
    return True
