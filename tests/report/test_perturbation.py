"""Random graphs: what a report says of fields, holes and coverage equals what perturbing the oracle shows, bit for bit."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

from atrous.geometry import ExactMap, IndexSet
from atrous.graph.fact import Array, Fact
from atrous.graph.facts import infer_facts, input_facts
from atrous.graph.network import Node
from atrous.report import Field, inspect
from atrous.report.coverage import AxisCoverage, reach
from atrous.report.receptive import trace
from tests.report.perturbing import Case, graphs, influence


def along(table: Array, axis: int) -> list[int]:
    """The coordinates along one axis at which a table of conditions holds anywhere."""
    return np.flatnonzero(table.any(axis=tuple(i for i in range(table.ndim) if i != axis))).tolist()


def inside(case: Case, facts: Mapping[str, Fact], axis: int, output: int) -> bool:
    """Whether nothing on the way of an output reads beyond the border of a value along an axis: there the field holds."""
    wanted = {case.network.outputs[0]: [(output, output + 1)]}
    for node in reversed(case.network.nodes):
        asked = wanted.get(node.output, ())
        for name, pulls in zip(node.inputs, node.layer.reads(*(facts[name] for name in node.inputs)), strict=True):
            if name in case.network.constants:
                continue
            step = pulls[2 + axis].map
            assert isinstance(step, ExactMap)
            for run in (run for lo, hi in asked for run in step.reads(lo, hi).runs):
                if run[0] < 0 or run[1] > facts[name].sizes[2 + axis]:
                    return False
                wanted.setdefault(name, []).append(run)
    return True


def check(case: Case) -> None:
    """The whole network, then each output of it, then each layer by itself."""
    facts = infer_facts(case.network, input_facts(case.network, case.shape))
    shown = influence(case)
    axes = len(case.sizes)
    report = inspect(case.network, case.shape)
    assert report.reach.status == "complete"
    for axis, found in enumerate(report.reach.value):
        read = along(shown.any(axis=tuple(range(axes, 2 * axes))), axis)
        assert (list(found.read), list(found.unread)) == (read, sorted(set(range(found.size)) - set(read)))
    for output in product(*map(range, shown.shape[axes:])):
        check_output(case, facts, shown[(..., *output)], output)
    for axis, field in enumerate(report.fields):
        check_field(case, facts, shown, axis, field)
    rows = {row.name: row for row in report.rows}
    for node in case.network.nodes:
        check_layer(case, facts, node, rows[node.name].coverage.value)


def check_output(case: Case, facts: Mapping[str, Fact], shown: Array, output: tuple[int, ...]) -> None:
    """What one output depends on, borders and paddings included."""
    one = [IndexSet(((0, 1),))] * 2 + [IndexSet(((o, o + 1),)) for o in output]
    for axis, found in enumerate(reach(case.network, facts, {case.network.outputs[0]: one}).value):
        assert list(found.read) == along(shown, axis)


def check_field(case: Case, facts: Mapping[str, Fact], shown: Array, axis: int, stated: Field) -> None:
    """The field along one axis, as it is stated: away from borders, in phases; and of branches that drift apart too."""
    axes = len(case.sizes)
    (output,) = case.network.outputs
    seen = trace(case.network, facts)[output][("x", 2 + axis)].field
    assert seen is not None
    others = [i for i in range(axes) if i != axis]
    clear = np.ix_(*([o for o in range(shown.shape[axes + i]) if inside(case, facts, i, o)] for i in others))
    for place in range(shown.shape[axes + axis]):
        found = along(np.moveaxis(shown, axes + axis, 0)[place], axis)
        expected = seen.inputs(place)
        if stated.jump is not None:
            turns, phase = divmod(place, len(stated.sets))
            assert expected == stated.sets[phase].shift(int(turns * len(stated.sets) * stated.jump))
            assert (stated.holes or 0) >= len(expected.holes)
        assert set(found) <= set(expected)
        if inside(case, facts, axis, place) and all(index.size for index in clear):
            assert found == list(expected) or not everywhere(case, facts, others)


def everywhere(case: Case, facts: Mapping[str, Fact], axes: list[int]) -> bool:
    """Whether every output reads something along these axes: with strides beyond the kernel, some of a transposed do not."""
    nodes = case.network.nodes
    pulls = [node.layer.reads(*(facts[name] for name in node.inputs))[0] for node in nodes]
    steps = [pull[2 + axis].map for pull in pulls for axis in axes]
    return all(step.inputs(o).runs for step in steps if isinstance(step, ExactMap) for o in range(step.period[0]))


def check_layer(case: Case, facts: Mapping[str, Fact], node: Node, coverage: tuple[AxisCoverage, ...]) -> None:
    """A layer alone: its counts of visits and of inputs that are never read, by perturbing it."""
    if not coverage:
        return
    axes, sizes = len(case.sizes), facts[node.inputs[0]].sizes[2:]
    weights = [case.network.constants[name] for name in node.inputs[1:]]
    table = node.layer.evaluate(np.eye(int(np.prod(sizes))).reshape(-1, 1, *sizes), *weights) > 0
    table = table.reshape(*sizes, *table.shape[2:])
    upwards = any(axis.overlap for axis in coverage)
    counts = table.sum(axis=tuple(range(axes)) if upwards else tuple(range(axes, 2 * axes)))
    by_axis = {axis.axis - 2: dict(axis.visits) for axis in coverage}
    together = {1: 1}
    for axis in range(axes):
        length = table.shape[axes + axis] if upwards else sizes[axis]
        each = by_axis.get(axis, {1: length})
        assert sum(each.values()) == length
        products: dict[int, int] = {}
        for (a, m), (b, n) in product(together.items(), each.items()):
            products[a * b] = products.get(a * b, 0) + m * n
        together = products
    assert together == {int(n): int((counts == n).sum()) for n in np.unique(counts)}
    for axis in coverage:
        if table.any():
            assert axis.unread.total == sizes[axis.axis - 2] - len(along(table, axis.axis - 2))


QUICK = settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
MANY = settings(max_examples=500, deadline=None, suppress_health_check=list(HealthCheck))


@QUICK
@given(graphs(axes=1))
def test_random_graphs_on_one_axis(case: Case) -> None:
    check(case)


@QUICK
@given(graphs(axes=2))
def test_random_graphs_on_two_axes(case: Case) -> None:
    check(case)


@pytest.mark.slow
@MANY
@given(graphs(axes=1))
def test_five_hundred_random_graphs_on_one_axis(case: Case) -> None:
    check(case)


@pytest.mark.slow
@MANY
@given(graphs(axes=2))
def test_five_hundred_random_graphs_on_two_axes(case: Case) -> None:
    check(case)
