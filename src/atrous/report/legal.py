"""Legal input sizes: which sizes of one input axis a network accepts, and which of them leave no input behind a last window."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from atrous.errors import ArgumentError, NetworkError
from atrous.geometry import SAME, TransposedWindow, Window, unread
from atrous.graph.fact import Fact
from atrous.graph.facts import infer_facts
from atrous.graph.network import Network, Node
from atrous.report.figure import Figure

#: So many sizes to both sides of the given one are tried: twice the stride of the usual classifiers.
REACH = 64


@dataclass(frozen=True, slots=True)
class LegalSizes:
    """The sizes near ``size`` of one axis of an input that leave nothing over: no layer drops inputs behind its last window.

    ``legal`` says whether ``size`` is one; ``below`` and ``above`` are the next ones, ``step`` their distance from there on.
    """

    source: str
    axis: int
    size: int
    legal: bool
    below: int | None
    above: int | None
    step: int | None


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
    fits = _Rule(chain, facts)
    given = facts[source].sizes[axis]
    legal = [n for n in range(max(1, given - REACH), given + REACH + 1) if fits(n)]
    below = [n for n in legal if n < given]
    above = [n for n in legal if n > given]
    accepted = [n for n in (*below[-1:], *above[:1]) if _accepted(network, facts, source, axis, n)]
    found = LegalSizes(
        source,
        axis,
        given,
        given in legal,
        below[-1] if below[-1:] and below[-1] in accepted else None,
        above[0] if above[:1] and above[0] in accepted else None,
        above[1] - above[0] if len(above) > 1 and above[0] in accepted else None,
    )
    if not accepted:
        tried = f"from {max(1, given - REACH)} to {given + REACH}"
        return Figure.partial(found, f"no other size {tried} is accepted and leaves nothing over")
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
        self._pass = cache(self._outputs)

    def __call__(self, size: int) -> bool:
        sizes = [size]
        for place, step in enumerate(self._chain.steps):
            outputs = self._pass(place, sizes[step.before])
            if outputs is None:
                return False
            sizes.append(outputs)
        return all(sizes[a] == sizes[b] for a, b in self._chain.equal)

    def _outputs(self, place: int, size: int) -> int | None:
        """The size behind one step, ``None`` where it does not fit or drops inputs."""
        step = self._chain.steps[place]
        operands = [self._facts[name] for name in step.node.inputs]
        operands[step.operand] = resized(operands[step.operand], step.axis, size)
        try:
            window = step.node.layer.reads(*operands)[step.operand][step.axis].map
        except (NetworkError, ArgumentError):
            return None
        assert isinstance(window, Window | TransposedWindow)
        outputs = window.output_size(size)
        return outputs if outputs >= 1 and not unread(window, size).floor else None


def resized(fact: Fact, axis: int, size: int) -> Fact:
    """The fact with another size on one axis."""
    return Fact(fact.dtype, (*fact.shape[:axis], size, *fact.shape[axis + 1 :]))


def _accepted(network: Network, facts: Mapping[str, Fact], source: str, axis: int, size: int) -> bool:
    """Whether the whole network takes the size, its fixed linear layers included."""
    inputs = {name: facts[name] for name in network.inputs} | {source: resized(facts[source], axis, size)}
    try:
        infer_facts(network, inputs)
    except (NetworkError, ArgumentError):
        return False
    return True
