"""Inspection: everything that the layers know about themselves, gathered for one network on given or open sizes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TypeVar

from atrous.errors import ArgumentError, NetworkError
from atrous.graph.fact import Dim, Fact
from atrous.graph.facts import infer_facts, input_facts, moving
from atrous.graph.locality import global_nodes
from atrous.graph.network import Network, Node, Shapes
from atrous.report.costs import Costs, layer_costs, network_costs, open_costs, peak_bytes
from atrous.report.coverage import AxisCoverage, layer_coverage, reach
from atrous.report.effective import NOT_ASKED, EffectiveField, Known, Spot, by_structure, moments, representative, spots
from atrous.report.figure import Figure
from atrous.report.formulas import layer_formulas, network_formulas
from atrous.report.gradient import Progress, estimate
from atrous.report.legal import legal_sizes, nearest_fit
from atrous.report.receptive import Field, Seen, Source, behind, spatial_axes, summary, trace
from atrous.report.report import Branch, Report, Row, Signal
from atrous.report.symbolic import OpenSizes, odd_facts, open_sizes, symbols

#: What an open size is taken for where none is given: one image, 224 on every other axis.
BATCH, SIZE = 1, 224
T = TypeVar("T")


@dataclass(frozen=True)
class _Look:
    """One network on one set of sizes while its report is made; ``shapes`` are what is printed, open sizes as symbols."""

    network: Network
    facts: Mapping[str, Fact]
    shapes: Mapping[str, tuple[Dim, ...]]
    views: Mapping[str, Mapping[Source, Seen]]
    moments: Mapping[str, Mapping[Source, Known]]
    #: ``None`` where all sizes are known.
    sizes: OpenSizes | None = None
    #: The values whose place on the input depends on the open sizes.
    wandering: frozenset[str] = frozenset()
    counted: set[str] = field(default_factory=set)

    @property
    def open(self) -> tuple[str, ...]:
        """Which sizes are open; empty where all are known."""
        return tuple(self.sizes.units) if self.sizes else ()

    @cached_property
    def moving(self) -> frozenset[str]:
        """The values that depend on what the inputs hold, not only on their sizes."""
        return moving(self.network, self.facts)

    @cached_property
    def far(self) -> frozenset[str]:
        """The nodes that are not local."""
        return global_nodes(self.network, self.facts)

    @property
    def missing(self) -> str:
        """Why figures that need a size have none."""
        return f"needs the open sizes {', '.join(self.open)}"


def inspect(
    network: Network,
    shapes: Shapes | None = None,
    *,
    symbolic: bool = False,
    effective: int = 0,
    progress: Progress | None = None,
) -> Report:
    """Look at a network without running it: sizes, costs, receptive field and coverage of every layer.

    ``shapes`` is the shape of the input, or a mapping from input names to shapes. Sizes that the network leaves open and
    that are not given are assumed (a batch of 1, 224 elsewhere), and the report says so; with ``symbolic`` they stay open, and
    figures that need them are unavailable. ``effective`` is on how many random inputs the effective receptive field is
    estimated with the network's weights (0: not at all), and ``progress`` is told (done, of). Raises ``ArgumentError`` for
    shapes that the network cannot take, ``NetworkError`` naming the node that does not fit.

    >>> from atrous.graph.networks import lenet
    >>> inspect(lenet())
    <Report lenet: 12 layers, 61,706 parameters, 416,520 MACs>
    """
    if symbolic and shapes is not None:
        raise ArgumentError("symbolic: sizes were given too; give shapes, or leave them open with symbolic")
    if symbolic and symbols(network):
        if effective:
            raise ArgumentError("effective: an estimate needs known sizes; give shapes, or leave out symbolic")
        sizes = open_sizes(network)
        look = _look(network, sizes.facts, sizes.shapes, sizes, _wandering(network, sizes))
        return _report(look, (), Figure.unavailable(NOT_ASKED))
    inputs, assumed = _concrete(network, shapes)
    try:
        facts = infer_facts(network, inputs)
    except NetworkError as error:
        raise _misfit(error, nearest_fit(network, inputs), assumed) from None
    look = _look(network, facts, {name: fact.shape for name, fact in facts.items()})
    return _report(look, assumed, _estimated(look, effective, progress))


def _misfit(error: NetworkError, near: tuple[int, ...] | None, assumed: tuple[str, ...]) -> ArgumentError | NetworkError:
    """What is raised for sizes that do not fit: the node's complaint, and the nearest sizes that do fit."""
    hint = f"; the nearest that fits is {'x'.join(map(str, near))}" if near else ""
    if not assumed:
        return NetworkError(f"{error}{hint}")
    tried = ", ".join(assumed)
    return ArgumentError(f"shapes: none was given and {tried} does not fit; give the input's shape: {error}{hint}")


def _look(
    network: Network,
    facts: Mapping[str, Fact],
    shapes: Mapping[str, tuple[Dim, ...]],
    sizes: OpenSizes | None = None,
    wandering: frozenset[str] = frozenset(),
) -> _Look:
    views = trace(network, facts)
    return _Look(network, facts, shapes, views, moments(network, facts, views), sizes, wandering)


def _wandering(network: Network, sizes: OpenSizes) -> frozenset[str]:
    """Which values lie elsewhere on the input for odd sizes, because of padding that depends on the size."""
    other = odd_facts(network, sizes.remainder)
    if other is None:
        return frozenset()
    here, there = trace(network, sizes.facts), trace(network, other)
    return frozenset(name for name in here if name in there and here[name] != there[name])


def _effective(look: _Look) -> Figure[EffectiveField]:
    """By structure, of the output or of the last value that has one."""
    chosen = representative(look.network, look.facts, look.moments)
    found = chosen.map(lambda value: by_structure(look.network, look.facts, look.views, look.moments, value))
    return found if chosen.known is None else _as_far_as_known(look, chosen.known, found)


def _estimated(look: _Look, samples: int, progress: Progress | None) -> Figure[EffectiveField]:
    """With the network's weights, of the same value."""
    chosen = representative(look.network, look.facts, look.moments)
    if not samples or chosen.known is None:
        return Figure.unavailable(chosen.reason if samples else NOT_ASKED)
    found = estimate(look.network, look.facts, look.views, chosen.known, samples, progress=progress)
    return Figure(chosen.status, found.known, chosen.reason) if found.known is not None else found


def _concrete(network: Network, shapes: Shapes | None) -> tuple[dict[str, Fact], tuple[str, ...]]:
    """Concrete facts of the inputs, and what had to be assumed for them."""
    if shapes is not None:
        return input_facts(network, shapes), ()
    sizes: dict[str, int] = {}
    for fact in network.inputs.values():
        for axis, dim in enumerate(fact.shape):
            if isinstance(dim, str):
                sizes.setdefault(dim, BATCH if axis == 0 else SIZE)
    filled = {
        name: tuple(sizes[dim] if isinstance(dim, str) else dim for dim in fact.shape) for name, fact in network.inputs.items()
    }
    return input_facts(network, filled), tuple(f"{dim} = {size}" for dim, size in sizes.items())


def _report(look: _Look, assumed: tuple[str, ...], estimated: Figure[EffectiveField]) -> Report:
    network, facts = look.network, look.facts
    rows = tuple(_row(look, node) for node in network.nodes if node.output not in facts or facts[node.output].value is None)
    known = not look.open
    axes = tuple((name, axis) for name in network.inputs for axis in spatial_axes(facts[name]))
    return Report(
        network=network.name,
        inputs=tuple(_signal(look, name) for name in network.inputs),
        outputs=tuple(_signal(look, name) for name in network.outputs),
        rows=rows,
        costs=network_costs(network, [(row.name, row.costs) for row in rows]),
        formulas=network_formulas([(row.name, row.formulas) for row in rows if row.formulas]) if look.sizes else None,
        peak_bytes=Figure.complete(peak_bytes(network, facts)) if known else Figure.unavailable(look.missing),
        receptive=_receptive(look, network.outputs[0]),
        effective=_effective(look),
        estimated=estimated,
        reach=reach(network, facts) if known else Figure.unavailable(look.missing),
        legal=tuple(legal_sizes(network, facts, *each) for each in axes) if known else (),
        axes=axes,
        assumed=assumed,
        symbols=look.open,
        exact_for=look.sizes.exact_for if look.sizes else "",
    )


def _signal(look: _Look, name: str) -> Signal:
    fact = look.facts.get(name)
    return (name, fact.dtype if fact else "?", look.shapes.get(name, ("?",)))


def _row(look: _Look, node: Node) -> Row:
    """One line; parameters that an earlier layer holds already count there."""
    network, facts = look.network, look.facts
    held = network.trained(node) - look.counted
    look.counted.update(held)
    if node.output in facts and not look.open:
        costs: Costs = layer_costs(network, node, facts, held)
        dependent = [name for name in node.inputs if look.views.get(name) or name in network.inputs]
        coverage: Figure[tuple[AxisCoverage, ...]] = Figure.complete(layer_coverage(node, facts, dependent))
    else:
        reason = look.missing if node.output in facts else f"no size was found that fits; {look.missing}"
        costs, coverage = open_costs(network, held, reason), Figure.unavailable(reason)
    fact = facts.get(node.output)
    return Row(
        name=node.name,
        operator=type(node.layer).__name__,
        output=look.shapes.get(node.output, ("?",)),
        dtype=fact.dtype if fact else "?",
        costs=costs,
        formulas=layer_formulas(network, node, look.sizes) if look.sizes else None,
        receptive=_receptive(look, node.output),
        effective=_spots(look, node.output),
        branches=_branches(look, node),
        coverage=coverage,
        linear=node.layer.affine(*(i for i, name in enumerate(node.inputs) if name in look.moving)),
        local=node.name not in look.far,
    )


def _receptive(look: _Look, value: str) -> Figure[tuple[Field, ...]]:
    """The field on the first input that a value depends on."""
    if value not in look.facts:
        return Figure.unavailable(look.missing)
    view = look.views.get(value, {})
    inputs = {name: look.facts[name] for name in look.network.inputs}
    fields = summary(view, inputs)
    if not fields:
        return Figure.unavailable("a layer on the way mixes axes" if view else "it depends on no input")
    if value in look.wandering:
        fields = tuple(replace(field, sets=()) for field in fields)
    return _as_far_as_known(look, value, Figure.complete(fields))


def _spots(look: _Look, value: str) -> Figure[tuple[Spot, ...]]:
    """Where the energy of a layer's outputs lies, by structure."""
    if value not in look.facts:
        return Figure.unavailable(look.missing)
    found = spots(look.moments.get(value, {}), look.facts, list(look.network.inputs))
    return found if found.known is None else _as_far_as_known(look, value, found)


def _as_far_as_known(look: _Look, value: str, figure: Figure[T]) -> Figure[T]:
    """Partial where a value depends on further inputs, of which the figure does not speak, or on sizes that are open."""
    said = [figure.reason] if figure.reason else []
    several = list(dict.fromkeys(source for source, _ in look.views.get(value, {})))
    if len(several) > 1:
        said.append(f"on {several[0]} only; it also depends on {', '.join(several[1:])}")
    if value in look.wandering:
        said.append(f"where it lies, and whether branches are aligned, depends on the open sizes {', '.join(look.open)}")
    return Figure.partial(figure.known, "; ".join(said)) if said and figure.known is not None else figure


def _branches(look: _Look, node: Node) -> tuple[Branch, ...]:
    """The ways on which a layer of several signals sees the input; empty for a layer of one."""
    meeting = [(i, name) for i, name in enumerate(node.inputs) if look.views.get(name)]
    if len(meeting) < 2 or node.output not in look.facts:
        return ()
    pulls = node.layer.reads(*(look.facts[name] for name in node.inputs))
    inputs = {name: look.facts[name] for name in look.network.inputs}
    return tuple(
        Branch(name, summary({s: behind(seen, pulls[i][seen.axis]) for s, seen in look.views[name].items()}, inputs))
        for i, name in meeting
    )
