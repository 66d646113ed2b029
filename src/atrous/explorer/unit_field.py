"""The receptive field of one unit of a layer: the rows and columns of the image that it reads, exactly."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from atrous.engine.activations import value_names
from atrous.geometry import IndexSet
from atrous.graph.facts import infer_facts, input_facts
from atrous.graph.network import Network
from atrous.graph.passes import remove_dead
from atrous.report.coverage import reach
from atrous.report.receptive import summary, trace


def unit_field(
    whole: Network, shape: tuple[int, ...], layer: str, place: tuple[int, int, int]
) -> tuple[list[IndexSet], list[str]]:
    """The rows and columns of an image that a unit reads, and what of its receptive field is not on the image."""
    value = value_names(whole, [layer])[layer]
    network = remove_dead(replace(whole, outputs=(value,)))
    facts = infer_facts(network, input_facts(network, shape))
    found = reach(network, facts, {value: [IndexSet.of([index]) for index in (0, *place)]})
    sets = [axis.read for axis in found.value]
    view = trace(network, facts).get(value, {})
    fields = summary(view, {name: facts[name] for name in network.inputs})
    size = " × ".join(map(str, fields))
    told = [f"Away from the borders its receptive field is {size}."] if fields and not _all(sets, fields) else []
    return sets, told + ([f"In part: {found.reason}."] if found.reason else [])


def _all(sets: list[IndexSet], fields: Any) -> bool:
    """Whether a unit reads as much as any unit of its layer: nothing is cut off at the border."""
    return all(field.whole or field.size is None or each.extent == field.size for each, field in zip(sets, fields, strict=True))
