"""Random graphs: what a report says of fields, holes and coverage equals what perturbing the oracle shows, bit for bit.

All weights are 1 and all signals are 0 but for one element, so every value is a whole number that no rounding touches and that
is positive exactly where the perturbed element has influence: nothing cancels, and no rectifier hides anything.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from atrous.errors import ArgumentError, NetworkError
from atrous.geometry import TransposedWindow, Window
from atrous.graph.builder import Builder, Value
from atrous.graph.evaluate import evaluate
from atrous.graph.fact import Fact
from atrous.graph.facts import infer_facts, input_facts
from atrous.graph.network import Network
from atrous.report import inspect

Draw = Callable[..., int]


def one_layer(b: Builder, x: Value, draw: Draw) -> Value:
    """Any layer that keeps the number of axes."""
    kernel, stride, pad = draw(1, 4), draw(1, 3), draw(0, 2)
    kind = draw(0, 5)
    if kind <= 2:
        return b.conv(x, 1, kernel, stride=stride, padding=pad, dilation=draw(1, 4), bias=False)
    if kind == 3:
        return b.max_pool(x, kernel, stride=stride, padding=min(pad, kernel // 2))
    if kind == 4:
        return b.relu(x)
    return b.conv_transpose(x, 1, kernel, stride=stride, padding=min(pad, (kernel - 1) // 2), bias=False)


@st.composite
def graphs(draw: st.DrawFn) -> tuple[Network, int]:
    """A chain of layers with branches that meet again, and the size of its 1-d input."""
    size = draw(st.integers(4, 28))

    def integer(low: int, high: int) -> int:
        return draw(st.integers(low, high))

    b = Builder("random")
    x = b.input("x", (1, 1, size))
    try:
        for _ in range(integer(1, 4)):
            before, x = x, one_layer(b, x, integer)
            if integer(0, 2) == 0:
                x = joined(b, before, x, integer)
    except (ArgumentError, NetworkError):
        assume(False)
    assume(x.fact.sizes[-1] <= 60)
    network = b.build(x)
    constants = {name: np.ones_like(array, np.float64) for name, array in network.constants.items()}
    inputs = {"x": Fact("float64", (1, 1, size))}
    return replace(network, constants=constants, inputs=inputs), size


def joined(b: Builder, before: Value, x: Value, draw: Draw) -> Value:
    """A second way around a layer, with a stride of its own, added where its size agrees."""
    other = b.conv(before, 1, draw(1, 3), stride=draw(1, 3), padding=draw(0, 2), bias=False)
    return b.plus(x, other) if other.fact.sizes == x.fact.sizes else x


def influence(network: Network, size: int) -> np.ndarray:
    """(inputs, outputs): whether each input influences each output."""
    (output,) = network.outputs
    rows = [evaluate(network, {"x": one.reshape(1, 1, size)})[output].ravel() for one in np.eye(size)]
    table = np.stack(rows)
    np.testing.assert_array_equal(table, np.rint(table))
    return table > 0


def inside(network: Network, size: int, output: int) -> bool:
    """Whether nothing on the way of an output reads beyond the border of a value, so that the field of the interior holds."""
    facts = infer_facts(network, input_facts(network, (1, 1, size)))
    wanted = {network.outputs[0]: [(output, output + 1)]}
    for node in reversed(network.nodes):
        asked = wanted.get(node.output, ())
        for name, pulls in zip(node.inputs, node.layer.reads(*(facts[name] for name in node.inputs)), strict=True):
            if name in network.constants:
                continue
            step = pulls[2].map
            assert isinstance(step, Window | TransposedWindow)
            for lo, hi in asked:
                for run in step.reads(lo, hi).runs:
                    if run[0] < 0 or run[1] > facts[name].sizes[2]:
                        return False
                    wanted.setdefault(name, []).append(run)
    return True


def check(network: Network, size: int) -> None:
    report = inspect(network, (1, 1, size))
    shown = influence(network, size)
    (axis,) = report.reach.value
    assert list(axis.read) == np.flatnonzero(shown.any(axis=1)).tolist()
    assert list(axis.unread) == np.flatnonzero(~shown.any(axis=1)).tolist()
    (field,) = report.fields
    if field.jump is None:
        return
    period = len(field.sets)
    for output in range(shown.shape[1]):
        turns, phase = divmod(output, period)
        expected = field.sets[phase].shift(int(turns * period * field.jump))
        seen = np.flatnonzero(shown[:, output]).tolist()
        if inside(network, size, output):
            assert seen == list(expected)
            assert (field.holes or 0) >= len(expected.holes)
        else:
            assert set(seen) <= set(expected)
    check_layers(network, size)


def check_layers(network: Network, size: int) -> None:
    """A layer alone: its counts of visits and of inputs that are never read, by perturbing it."""
    facts = infer_facts(network, input_facts(network, (1, 1, size)))
    report = {row.name: row for row in inspect(network, (1, 1, size)).rows}
    for node in network.nodes:
        for axis in report[node.name].coverage.value:
            length = facts[node.inputs[0]].sizes[2]
            weights = [network.constants[name] for name in node.inputs[1:]]
            outputs = [node.layer.evaluate(one.reshape(1, 1, length), *weights).ravel() for one in np.eye(length)]
            table = np.stack(outputs) > 0
            assert axis.unread.total == int((~table.any(axis=1)).sum())
            counts = table.sum(axis=0 if axis.overlap else 1)
            assert dict(axis.visits) == {int(n): int((counts == n).sum()) for n in np.unique(counts)}


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(graphs())
def test_random_graphs(case: tuple[Network, int]) -> None:
    check(*case)


@pytest.mark.slow
@settings(max_examples=1000, deadline=None, suppress_health_check=list(HealthCheck))
@given(graphs())
def test_a_thousand_random_graphs(case: tuple[Network, int]) -> None:
    check(*case)
