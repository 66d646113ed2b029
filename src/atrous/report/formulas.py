"""What layers cost where sizes are open: formulas in the open sizes, exact where every stride divides them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import partial

from atrous.graph.fact import Fact
from atrous.graph.network import Network, Node
from atrous.report.costs import UNCOUNTED, layer_costs
from atrous.report.figure import Figure, total
from atrous.report.polynomial import Polynomial, fitted
from atrous.report.symbolic import OpenSizes

SEVERAL = "a size depends on several open sizes"
NO_FORMULA = "it is no polynomial in the open sizes"


@dataclass(frozen=True, slots=True)
class Formulas:
    """The costs of a layer or a network as polynomials in the open sizes; each is counted as the figure of the same name."""

    activation_bytes: Figure[Polynomial]
    moved_bytes: Figure[Polynomial]
    macs: Figure[Polynomial]
    real_macs: Figure[Polynomial]
    flops: Figure[Polynomial]
    fully_connected: Figure[Polynomial]


#: The names of the formulas, in order.
NAMES = tuple(field.name for field in fields(Formulas))
#: Those that a layer gives; FLOP are twice the multiply-adds.
COUNTED = ("activation_bytes", "moved_bytes", "macs", "real_macs", "fully_connected")


def layer_formulas(network: Network, node: Node, sizes: OpenSizes) -> Formulas:
    """The formulas of one layer."""
    names = (*node.inputs, node.output)
    if any(name not in sizes.forms for name in names):
        reason = "no size was found that fits"
    elif any(form is None for name in names for form in sizes.forms[name]):
        reason = SEVERAL
    else:
        return _fitted(network, node, sizes)
    return Formulas(**{name: Figure[Polynomial].unavailable(reason) for name in NAMES})


def _fitted(network: Network, node: Node, sizes: OpenSizes) -> Formulas:
    seen: dict[tuple[int, ...], dict[str, Figure[int]]] = {}

    def costs(at: Mapping[str, int]) -> dict[str, Figure[int]]:
        key = tuple(at.values())
        if key not in seen:
            facts = {name: _at(sizes, name, at) for name in (*node.inputs, node.output)}
            found = layer_costs(network, node, facts, ())
            seen[key] = {name: getattr(found, name) for name in COUNTED}
        return seen[key]

    def count(name: str, at: Mapping[str, int]) -> int:
        return costs(at)[name].value

    first = costs(sizes.starts)
    formulas: dict[str, Figure[Polynomial]] = {}
    for name in COUNTED:
        if first[name].known is None:
            formulas[name] = Figure.unavailable(first[name].reason)
            continue
        form = fitted(partial(count, name), sizes.starts, sizes.units)
        formulas[name] = Figure.unavailable(NO_FORMULA) if form is None else Figure.complete(form)
    macs = formulas["macs"]
    flops = Figure[Polynomial].unavailable(UNCOUNTED) if macs.known == Polynomial() else macs.map(lambda form: form.times(2))
    return Formulas(**formulas, flops=flops)


def _at(sizes: OpenSizes, name: str, at: Mapping[str, int]) -> Fact:
    """A value's fact for known sizes."""
    fact = sizes.facts[name]
    return Fact(fact.dtype, tuple(int(form(at)) for form in sizes.forms[name] if form is not None), fact.value)


def network_formulas(layers: list[tuple[str, Formulas]]) -> Formulas:
    """All layers together."""
    sums = {name: total(((layer, getattr(each, name)) for layer, each in layers), Polynomial()) for name in NAMES}
    convolutions = [each.fully_connected.known for _, each in layers if each.fully_connected.known is not None]
    if convolutions:
        sums["fully_connected"] = Figure.complete(sum(convolutions, Polynomial()))
    return Formulas(**sums)
