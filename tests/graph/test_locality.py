"""Which nodes are local follows from what grows with the signal, wherever the channels stand."""

from __future__ import annotations

import numpy as np
import pytest

from atrous.geometry import Explicit
from atrous.graph import layers as L
from atrous.graph.evaluate import evaluate
from atrous.graph.fact import Array, Fact
from atrous.graph.facts import infer_facts, input_facts
from atrous.graph.layer import Layer
from atrous.graph.locality import global_nodes
from atrous.graph.network import Network, Node

RNG = np.random.default_rng(5)


def floats(*shape: int) -> Array:
    return RNG.standard_normal(shape).astype(np.float32)


def chain(*steps: tuple[Layer, tuple[Array, ...]]) -> Network:
    """Layers one after another, each with further operands; the nodes are called 0, 1, ..."""
    nodes, constants, value = [], {}, "x"
    for number, (layer, more) in enumerate(steps):
        names = [f"c{number}.{place}" for place in range(len(more))]
        constants |= dict(zip(names, more, strict=True))
        nodes.append(Node(str(number), layer, (value, *names), f"y{number}"))
        value = f"y{number}"
    return Network("chain", {"x": Fact("float32", ("N", 6, "H", "W"))}, (value,), tuple(nodes), constants)


LAST = (L.Transpose((0, 2, 3, 1)), ())
FIRST = (L.Transpose((0, 3, 1, 2)), ())
NORM = (floats(6), floats(6))
#: Layers, and the numbers of those of them that are not local.
CHAINS: dict[str, tuple[tuple[tuple[Layer, tuple[Array, ...]], ...], set[int]]] = {
    "layer norm over channels that stand last": ((LAST, (L.Standardise((3,)), NORM), FIRST), set()),
    "the same, counted from the end": ((LAST, (L.Standardise((-1,)), NORM), (L.Linear(), (floats(4, 6),))), set()),
    "and over a row": (((L.Standardise((3,)), ()),), {0}),
    "a softmax of channels that stand last, and of a column": ((LAST, (L.Softmax(-1, -1), ()), (L.Softmax(1, 1), ())), {2}),
    "norms and extremes": ((LAST, (L.LpNorm(2, -1), ()), (L.LpNorm(1, 1), ()), (L.ArgMax(3), ()), (L.ArgMax(1), ())), {2, 4}),
    "means": ((LAST, (L.ReduceMean((3,)), ()), (L.ReduceMean((1, 2)), ()), (L.ReduceMean((1, 2)), ())), {2}),
    "groups of channels": (
        ((L.Unsqueeze((2,)), ()), (L.Reshape(), (np.array([0, 2, 3, 0, 0]),)), (L.Transpose((0, 2, 1, 3, 4)), ())),
        set(),
    ),
    "flattened": (((L.ReduceMean((2, 3)), ()), (L.Flatten(1), ()), (L.Linear(), (floats(4, 6),))), {0}),
    "flattened whole": (((L.Flatten(1), ()), (L.Relu(), ())), {0}),
    "a kernel": (((L.Conv((3, 3), (1, 1), (1, 1), Explicit(((1, 1), (1, 1)))), (floats(4, 6, 3, 3),)),), set()),
    "repeated along channels, and along a row": (
        ((L.Tile(), (np.array([1, 2, 1, 1]),)), (L.Tile(), (np.array([1, 1, 1, 2]),))),
        {1},
    ),
    "a group norm": (((L.GroupNorm(2), NORM),), {0}),
}


@pytest.mark.parametrize("name", CHAINS)
@pytest.mark.parametrize("sizes", [(1, 6, 5, 4), (2, 6, 7, 9)])
def test_what_is_global_is_what_reads_all_of_an_axis_that_grows(name: str, sizes: tuple[int, ...]) -> None:
    steps, wanted = CHAINS[name]
    network = chain(*steps)
    facts = infer_facts(network, input_facts(network, sizes))
    assert global_nodes(network, facts) == {str(number) for number in wanted}


@pytest.mark.parametrize("name", CHAINS)
def test_a_far_element_is_seen_by_global_nodes_only(name: str) -> None:
    """By trying: the far corner of the signal changes, and the near corner stays until the first node that is global."""
    steps, wanted = CHAINS[name]
    near = floats(1, 6, 40, 41)
    far = near.copy()
    far[:, :, -1, -1] = 9.0
    for number in range(min(wanted, default=len(steps))):
        network = chain(*steps[: number + 1])
        ours, theirs = (evaluate(network, {"x": x})[network.outputs[0]].reshape(-1) for x in (near, far))
        assert ours[0] == theirs[0], number


def test_sizes_that_are_fixed_on_the_way_leave_a_node_what_its_layer_says() -> None:
    fixed = (L.Reshape(), (np.array([1, 6, 20]),))
    network = chain(LAST, FIRST, fixed, (L.Softmax(2, 2), ()), (L.Relu(), ()))
    facts = infer_facts(network, input_facts(network, (1, 6, 5, 4)))
    assert global_nodes(network, facts) == {"2", "3"}
    assert global_nodes(network, {}) == {"2", "3"}, "no facts at all"


def test_an_inspected_layer_norm_over_channels_that_stand_last_is_local() -> None:
    network = chain(LAST, (L.Standardise((3,)), NORM), FIRST, (L.Standardise((2, 3)), ()))
    for report in (network.inspect((1, 6, 9, 8)), network.inspect(symbolic=True)):
        assert [row.local for row in report.rows] == [True, True, True, False]
