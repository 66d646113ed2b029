"""Coverage: which inputs a layer or a whole network reads, how often, and how evenly a transposed layer reaches its outputs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from atrous.geometry import (
    SAME,
    IndexSet,
    Pull,
    Region,
    TransposedWindow,
    Unread,
    Whole,
    Window,
    overlap,
    unread,
    visits,
)
from atrous.geometry.region import Product
from atrous.geometry.visits import Histogram
from atrous.graph.fact import Fact
from atrous.graph.network import Network, Node
from atrous.report.figure import Figure
from atrous.report.receptive import is_exact, spatial_axes


@dataclass(frozen=True, slots=True)
class AxisCoverage:
    """How a layer reads one axis of its operand.

    ``visits`` says how many places are touched how often, as (count, places): inputs, or outputs of a transposed layer.
    ``overlap`` is (fewest, most) taps per output of a transposed layer away from its borders: unlike ones are uneven.
    """

    axis: int
    size: int
    unread: Unread
    visits: Histogram
    overlap: tuple[int, int] | None = None

    @property
    def uneven(self) -> bool:
        """Whether a transposed layer reaches some outputs more often than others: the cause of checkerboards."""
        return self.overlap is not None and self.overlap[0] != self.overlap[1]


@dataclass(frozen=True, slots=True)
class AxisReach:
    """Which positions of one input axis influence any output of a network; ``read`` is exact, borders and holes included."""

    source: str
    axis: int
    size: int
    read: IndexSet

    @property
    def unread(self) -> IndexSet:
        """The positions that influence no output."""
        edges = [0, *(edge for run in self.read.runs for edge in run), self.size]
        return IndexSet.union(zip(edges[::2], edges[1::2], strict=True))


def layer_coverage(node: Node, facts: Mapping[str, Fact], dependent: Sequence[str]) -> tuple[AxisCoverage, ...]:
    """Every windowed axis of the operands that depend on the network's input; empty where a layer reads place by place."""
    operands = [facts[name] for name in node.inputs]
    found = []
    for name, fact, pulls in zip(node.inputs, operands, node.layer.reads(*operands), strict=True):
        if name in dependent:
            each = zip(range(fact.rank), fact.sizes, pulls, strict=True)
            found += [_axis(axis, size, pull.map) for axis, size, pull in each if _sliding(pull)]
    return tuple(found)


def _sliding(pull: Pull) -> bool:
    return isinstance(pull.map, Window | TransposedWindow) and pull.map != SAME


def _axis(axis: int, size: int, window: object) -> AxisCoverage:
    assert isinstance(window, Window | TransposedWindow)
    taps = overlap(window) if isinstance(window, TransposedWindow) else None
    return AxisCoverage(axis, size, unread(window, size), visits(window, size), taps)


def reach(
    network: Network, facts: Mapping[str, Fact], wanted: Mapping[str, Sequence[IndexSet]] | None = None
) -> Figure[tuple[AxisReach, ...]]:
    """Which positions of every spatial axis of every input influence an output, pushed back through every layer.

    ``wanted`` are the positions of outputs, a set for each axis; all of them unless given. A row counts as read when any of its
    elements is. Inner padding leads nowhere. Partial where a layer only knows the interval that it reads, or where what is
    read falls into too many pieces to keep them apart.
    """
    asked = {name: Region.of(sets) for name, sets in (wanted or {}).items()}
    for name in network.outputs if wanted is None else ():
        asked[name] = Region.of([IndexSet.union([(0, size)]) for size in facts[name].sizes])
    inexact = []
    for node in reversed(network.nodes):
        if node.output not in asked or facts[node.output].value is not None:
            continue
        operands = [facts[name] for name in node.inputs]
        for name, fact, pulls in zip(node.inputs, operands, node.layer.reads(*operands), strict=True):
            if fact.value is not None:  # a constant, or shape arithmetic that follows from sizes alone
                continue
            read = _through(asked[node.output], pulls, fact)
            if not read.exact or not all(is_exact(pull.map) for pull in pulls[2:]):
                inexact.append(node.name)
            asked[name] = asked[name].union(read) if name in asked else read
    found = tuple(
        AxisReach(name, axis, fact.sizes[axis], asked[name].along(axis) if name in asked else IndexSet())
        for name, fact in ((name, facts[name]) for name in network.inputs)
        for axis in spatial_axes(fact)
    )
    return Figure.partial(found, f"of what {inexact[0]} reads only the hull is known") if inexact else Figure.complete(found)


def _through(wanted: Region, pulls: Sequence[Pull], fact: Fact) -> Region:
    """What the places of an output read of an operand; a place that reads padding alone on one axis reads nothing."""
    if fact.rank == wanted.rank and all(pull == Pull(i, SAME) for i, pull in enumerate(pulls)):
        return wanted
    each = ([_along(part, pull, size) for pull, size in zip(pulls, fact.sizes, strict=True)] for part in wanted.parts)
    read = Region.of(*each)
    return Region(read.parts, read.exact and wanted.exact)


def _along(part: Product, pull: Pull, size: int) -> IndexSet:
    if isinstance(pull.map, Whole):  # of a value without axes too
        return pull.map.inputs(0)
    wanted, step = part[pull.axis], pull.map
    if step == SAME:
        return wanted
    if is_exact(step):
        read = IndexSet.union(*(step.reads(lo, hi).runs for lo, hi in wanted.runs))
    else:
        read = IndexSet.union(step.needs(lo, hi) for lo, hi in wanted.runs)
    return read.clip(0, size)
