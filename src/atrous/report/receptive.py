"""The receptive field of every value of a network, axis by axis, composed forwards through the layers' geometry rules."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from math import ceil
from typing import TypeGuard

from atrous.geometry import SAME, AxisMap, ExactMap, IndexSet, Pull, ReceptiveField, Window
from atrous.geometry.blocks import Clamped, Mirrored
from atrous.graph.fact import Fact
from atrous.graph.facts import infer_facts, input_facts
from atrous.graph.network import Network, Node, Shapes

#: One axis of an input: the input's name, and the axis.
Source = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Seen:
    """One input axis as a value sees it: along which of its own axes, and through which field; ``None`` if it is not known."""

    axis: int
    field: ReceptiveField | None

    @property
    def whole(self) -> bool:
        """Whether every position reads the same inputs: what lies behind a global pool or a linear layer."""
        return self.field is not None and any(pattern.jump == 0 for pattern in self.field.patterns)


@dataclass(frozen=True, slots=True)
class Field:
    """The receptive field of one value on one axis of an input: all that one of its elements can depend on.

    ``size`` is the hull over all branches, in input elements, the largest over the outputs where they differ; ``jump`` is how
    far it moves from one output to the next. Both are ``None`` where branches of unlike jumps drift apart. ``whole`` says
    that every output reads the whole axis, ``aligned`` that all branches agree on the centre. ``sets`` are the exact inputs
    of the first outputs, one for each phase: output ``o + len(sets)`` reads those of ``o``, ``jump * len(sets)`` further on.
    """

    size: int | None
    jump: Fraction | None
    whole: bool = False
    aligned: bool = True
    sets: tuple[IndexSet, ...] = ()

    def __str__(self) -> str:
        if self.whole:
            return "all"
        return "drifts" if self.size is None else f"{self.size}" if self.aligned else f"{self.size}*"

    @property
    def starts(self) -> tuple[Fraction, ...]:
        """For each phase, the first input minus ``jump`` times the output; with one phase, minus the effective padding."""
        if self.jump is None or self.whole:
            return ()
        return tuple(each.span[0] - self.jump * o for o, each in enumerate(self.sets))

    @property
    def holes(self) -> int | None:
        """How many inputs inside the hull influence nothing, the most over the phases; ``None`` where branches drift apart."""
        return max(len(each.holes) for each in self.sets) if self.sets else None

    @property
    def halo(self) -> tuple[int, int] | None:
        """How many inputs before and behind its own ``jump`` inputs an output needs, the most over the phases.

        ``None`` where the whole axis is needed or branches drift apart. A negative number: so many are not needed.
        """
        if self.jump is None or not self.starts:
            return None
        ends = [each.span[1] - self.jump * (o + 1) for o, each in enumerate(self.sets)]
        return (ceil(max(-start for start in self.starts)), ceil(max(ends)))


def spatial_axes(fact: Fact) -> tuple[int, ...]:
    """The axes of a signal that have a metric meaning: those behind batch and channel; the last one of an array of two."""
    return tuple(range(2, fact.rank)) or tuple(range(1, fact.rank))


def trace(network: Network, facts: Mapping[str, Fact]) -> dict[str, dict[Source, Seen]]:
    """For every value that depends on an input: how it sees the spatial axes of the inputs."""
    views: dict[str, dict[Source, Seen]] = {
        name: {(name, axis): Seen(axis, ReceptiveField.of_input()) for axis in spatial_axes(facts[name])}
        for name in network.inputs
    }
    for node in network.nodes:
        if node.output in facts and facts[node.output].value is None:
            views[node.output] = _through(node, facts, views)
    return views


def _through(node: Node, facts: Mapping[str, Fact], views: Mapping[str, dict[Source, Seen]]) -> dict[Source, Seen]:
    pulls = node.layer.reads(*(facts[name] for name in node.inputs))
    branches: dict[Source, list[Seen]] = {}
    for name, operand in zip(node.inputs, pulls, strict=True):
        for source, seen in views.get(name, {}).items():
            branches.setdefault(source, []).append(behind(seen, operand[seen.axis]))
    return {source: _join(each) for source, each in branches.items()}


def behind(seen: Seen, pull: Pull) -> Seen:
    """An input axis as the output of a layer sees it, through one operand's rule."""
    if pull.map == SAME:
        return Seen(pull.axis, seen.field)
    step = interior(pull.map)
    return Seen(pull.axis, None if seen.field is None or step is None else seen.field.behind(step))


def interior(step: AxisMap) -> ExactMap | None:
    """The map as it is away from the border, where receptive fields are stated; ``None`` if it knows only intervals."""
    if isinstance(step, Mirrored | Clamped):
        return Window(1, pad_lo=step.pad_lo)
    return step if is_exact(step) else None


def is_exact(step: AxisMap) -> TypeGuard[ExactMap]:
    """Whether a map knows the very inputs of each output; windows are asked first: a protocol takes long to check."""
    return isinstance(step, (Window, ExactMap))


def _join(branches: Iterable[Seen]) -> Seen:
    """Where branches meet. One that reads the whole axis decides alone; branches along unlike axes are not composed."""
    several = list(branches)
    for seen in several:
        if seen.whole:
            return seen
    fields = [seen.field for seen in several if seen.field is not None]
    if len(fields) < len(several) or len({seen.axis for seen in several}) > 1:
        return Seen(several[0].axis, None)
    alike = all(field == fields[0] for field in fields[1:])
    return Seen(several[0].axis, fields[0] if alike else ReceptiveField.join(fields))


def summary(view: Mapping[Source, Seen], inputs: Mapping[str, Fact]) -> tuple[Field, ...]:
    """The fields on the spatial axes of the first input that a value depends on; empty where one of them is not known."""
    first = next((name for name in inputs if any(source[0] == name for source in view)), None)
    if first is None:
        return ()
    seen = [view.get((first, axis)) for axis in spatial_axes(inputs[first])]
    fields = [None if each is None or each.field is None else _field(each, each.field) for each in seen]
    return tuple(field for field in fields if field is not None) if None not in fields else ()


def _field(seen: Seen, field: ReceptiveField) -> Field:
    sets = () if field.jump is None else tuple(field.inputs(o) for o in range(field.period))
    size = max(each.extent for each in sets) if sets else None
    return Field(size, field.jump, seen.whole, seen.whole or field.aligned, sets)


def receptive_field(network: Network, shapes: Shapes | None = None) -> dict[str, tuple[Field, ...]]:
    """The receptive field of each output on the spatial axes of the first input that it depends on.

    ``shapes`` is the shape of the input, or a mapping from input names to shapes; not needed where the network fixes them.

    >>> from atrous.graph.networks import dncnn
    >>> [str(field) for field in receptive_field(dncnn(), (1, 1, 64, 64))["clean"]]
    ['35', '35']
    """
    inputs = input_facts(network, shapes)
    views = trace(network, infer_facts(network, inputs))
    return {name: summary(views.get(name, {}), inputs) for name in network.outputs}
