"""Effective receptive fields: how the energy of one output's gradient is spread over the inputs (Luo et al., arXiv 1701.04128).

By structure: as if every output were the mean of what it reads. That is exact, needs no weights, and is what random weights of
mean 0 show on average. ``gradient`` estimates it with a network's own weights.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import reduce
from math import sqrt

import numpy as np

from atrous.geometry import SAME, Moments, Spread, Whole
from atrous.graph.fact import Array, Fact
from atrous.graph.layers import Concat
from atrous.graph.network import Network, Node
from atrous.report.figure import Figure
from atrous.report.receptive import Seen, Source, interior, spatial_axes

#: The share of the energy that the core of a field holds.
CORE = Fraction(95, 100)
#: What the figures speak of, said wherever they are printed.
EXACT = "the gradient of one output where every output is the mean of what it reads: exact, whatever the weights are"
ESTIMATED = "estimated: mean energy of the gradient of the centre output over {} random inputs, channels mixed at random"
NOT_ASKED = "not asked for: it runs the network; ask with effective, how many random inputs to take"
EMPTY = "no output reads any input"
WHOLE, MIXED = "every output reads the whole axis", "a layer on the way mixes axes or joins along them"
UNEVEN = "branches meet of which some outputs read nothing: what is left of each depends on all axes together"
DRIFTS = "branches of unlike jumps drift apart"

#: The moments on one axis of an input, or why they are not known.
Known = Moments | str
Views = Mapping[str, Mapping[Source, Seen]]


@dataclass(frozen=True, slots=True)
class Spot:
    """Where the energy of output 0 of a layer lies on one axis of the input, and how widely: exact, by structure."""

    centre: Fraction
    variance: Fraction

    @property
    def deviation(self) -> float:
        """The standard deviation of the place, in inputs."""
        return sqrt(self.variance)


@dataclass(frozen=True, slots=True)
class EffectiveAxis:
    """The energy along one axis of the input, summed over the others.

    Input ``first + i`` has ``shares[i]`` of it. ``within`` is the share no further than ``deviation`` inputs from ``centre``,
    ``core`` the shortest interval ``(lo, hi)`` with 95 % of it, ``size`` the theoretical receptive field (``None``: unknown).
    """

    axis: int
    centre: float
    deviation: float
    within: float
    core: tuple[int, int]
    size: int | None
    first: int
    shares: tuple[float, ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class EffectiveField:
    """The effective receptive field of ``value`` on the input ``source``, one entry of ``axes`` for each spatial axis.

    ``samples`` is 0 where it follows from the structure, otherwise of how many random inputs it is the mean.
    """

    value: str
    source: str
    axes: tuple[EffectiveAxis, ...]
    samples: int = 0
    estimate: Array | None = field(default=None, repr=False, compare=False)

    @property
    def method(self) -> str:
        """What the figures are of."""
        return ESTIMATED.format(self.samples) if self.samples else EXACT

    def energy(self) -> Array:
        """The energy of each input, float64, summing to 1; element 0 of axis ``i`` is input ``axes[i].first``.

        By structure it is the product of the axes, which is exact but for branches whose kernels differ on several axes.
        """
        if self.estimate is not None:
            return self.estimate
        return reduce(np.multiply.outer, (np.array(axis.shares) for axis in self.axes), np.array(1.0))


def axis_of(axis: int, first: int, shares: Sequence[float], size: int | None, spot: Spot | None = None) -> EffectiveAxis:
    """The figures of one axis from its shares; ``spot`` has centre and variance where they are known exactly."""
    place = np.arange(first, first + len(shares))
    share = np.asarray(shares, np.float64)
    centre = float(spot.centre) if spot else float(share @ place)
    deviation = spot.deviation if spot else sqrt(max(0.0, float(share @ (place - centre) ** 2)))
    # A place exactly one deviation away counts, whatever the square root was rounded to.
    within = float(share[np.abs(place - centre) <= deviation * (1 + 1e-12)].sum())
    lo, hi = core(shares)
    return EffectiveAxis(axis, centre, deviation, within, (first + lo, first + hi), size, first, tuple(map(float, shares)))


def core(shares: Sequence[float]) -> tuple[int, int]:
    """The shortest interval ``(lo, hi)`` that holds ``CORE`` of the shares, the first one of several.

    >>> core([0.02, 0.48, 0.48, 0.02])
    (1, 3)
    """
    # rounding of a sum of floats must not push an interval that holds exactly 95 % below it
    wanted = float(CORE) * sum(shares) - 1e-12
    best, held, lo = (0, len(shares)), 0.0, 0
    for hi, share in enumerate(shares, 1):
        held += share
        while lo < hi and held - shares[lo] >= wanted:
            held, lo = held - shares[lo], lo + 1
        if held >= wanted and hi - lo < best[1] - best[0]:
            best = (lo, hi)
    return best


def moments(network: Network, facts: Mapping[str, Fact], views: Views) -> dict[str, dict[Source, Known]]:
    """For every value that depends on an input: how its energy is spread over each spatial axis of it."""
    start = Moments.of_input()
    found: dict[str, dict[Source, Known]] = {
        name: {(name, axis): start for axis in spatial_axes(facts[name])} for name in network.inputs
    }
    for node in network.nodes:
        if node.output in views and node.output in facts:
            found[node.output] = _behind(node, facts, views, found)
    return found


def _behind(
    node: Node, facts: Mapping[str, Fact], views: Views, found: Mapping[str, dict[Source, Known]]
) -> dict[Source, Known]:
    operands = [facts[name] for name in node.inputs]
    pulls = node.layer.reads(*operands)
    branches: dict[Source, list[tuple[Fraction, Known]]] = {}
    made: dict[tuple[int, object], Known] = {}
    for place, name in enumerate(node.inputs):
        for source, known in found.get(name, {}).items():
            axis = views[name][source].axis
            step = pulls[place][axis].map
            weight = _weight(node, operands, place, axis)
            key = (id(known), step)  # axes that are treated alike share one value
            if key not in made:
                made[key] = _step(known, step)
            branches.setdefault(source, []).append((weight or Fraction(0), made[key] if weight else MIXED))
    alone = len({axis for _, axis in branches}) < 2
    joined: dict[tuple[object, ...], Known] = {}
    seen: dict[Source, Known] = {}
    for source, each in branches.items():
        like = tuple((weight, id(known)) for weight, known in each)
        if like not in joined:
            joined[like] = _joined(each, alone)
        seen[source] = joined[like]
    return seen


def _weight(node: Node, operands: Sequence[Fact], place: int, axis: int) -> Fraction | None:
    """How much of an operand comes through: its share of the channels where it is joined to others; ``None`` along the axis."""
    if not isinstance(node.layer, Concat):
        return Fraction(1)
    along = node.layer.axis % operands[0].rank
    joined = sum(fact.sizes[along] for fact in operands)
    return None if along == axis else Fraction(operands[place].sizes[along], max(1, joined))


def _step(known: Known, step: object) -> Known:
    if isinstance(known, str) or step == SAME:
        return known
    if isinstance(step, Whole):
        return WHOLE
    exact = interior(step)  # type: ignore[arg-type]
    return MIXED if exact is None else known.behind(exact)


def _joined(branches: Sequence[tuple[Fraction, Known]], alone: bool) -> Known:
    """Where branches meet; ``alone`` is whether the input has one axis only."""
    for _, known in branches:
        if isinstance(known, str):
            return known
        if len(branches) > 1 and not alone and len({mass for mass, _, _ in known.phases}) > 1:
            return UNEVEN
    return Moments.join([(weight, known) for weight, known in branches if isinstance(known, Moments)]) or DRIFTS


def spots(view: Mapping[Source, Known], facts: Mapping[str, Fact], inputs: Sequence[str]) -> Figure[tuple[Spot, ...]]:
    """The spots on the spatial axes of the first input that a value depends on."""
    source = next((name for name in inputs if any(source == name for source, _ in view)), None)
    if source is None:
        return Figure.unavailable("it depends on no input")
    each = [view.get((source, axis), MIXED) for axis in spatial_axes(facts[source])]
    for known in each:
        if isinstance(known, str) or known.empty:
            return Figure.unavailable(known if isinstance(known, str) else EMPTY)
    return Figure.complete(tuple(Spot(m.centre, m.variance) for m in each if isinstance(m, Moments)))


def representative(network: Network, facts: Mapping[str, Fact], known: Mapping[str, Mapping[Source, Known]]) -> Figure[str]:
    """The value whose effective field stands for the network: its first output, or else the last value whose field is local.

    Partial where it is not the output, unavailable where there is no such value.
    """
    output, inputs = network.outputs[0], list(network.inputs)
    found = spots(known.get(output, {}), facts, inputs)
    if found.known is not None:
        return Figure.complete(output)
    for node in reversed(network.nodes):
        if node.output in known and spots(known[node.output], facts, inputs).known is not None:
            return Figure.partial(node.output, f"of {node.output}, the last layer with one; of {output}: {found.reason}")
    return Figure.unavailable(found.reason)


def by_structure(
    network: Network, facts: Mapping[str, Fact], views: Views, known: Mapping[str, Mapping[Source, Known]], value: str
) -> EffectiveField:
    """The effective field of a value whose ``spots`` are known: the distribution itself, from one output back to the input."""
    source = next(name for name in network.inputs if any(name == at for at, _ in known[value]))
    axes = []
    for axis in spatial_axes(facts[source]):
        total = known[value][source, axis]
        assert isinstance(total, Moments)
        spread = _spread(network, facts, views, value, (source, axis), total.widest)
        field = views[value][source, axis].field
        spot = Spot(spread.centre, spread.variance)
        axes.append(axis_of(axis, spread.first, [float(s) for s in spread.shares], field.size if field else None, spot))
    return EffectiveField(value, source, tuple(axes))


def _spread(network: Network, facts: Mapping[str, Fact], views: Views, value: str, source: Source, output: int) -> Spread:
    at: dict[str, Spread] = {value: Spread.at(output)}
    for node in reversed(network.nodes):
        spread = at.pop(node.output, None)
        if spread is None:
            continue
        operands = [facts[name] for name in node.inputs]
        pulls = node.layer.reads(*operands)
        for place, name in enumerate(node.inputs):
            if source in views.get(name, {}):
                axis = views[name][source].axis
                step = interior(pulls[place][axis].map)
                weight = _weight(node, operands, place, axis)
                assert step is not None
                assert weight is not None
                before = spread if step == SAME else spread.before(step)
                before = before if weight == 1 else before.times(weight)
                at[name] = at[name].add(before) if name in at else before
    return at[source[0]]
