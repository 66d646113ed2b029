"""What a report calls linear is: affine in all its signals together (lecture row 15: only activation functions are not)."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from atrous.graph import layers as L
from atrous.graph.builder import Builder
from atrous.graph.fact import Array
from atrous.graph.layer import Fused, Layer, Step
from atrous.graph.network import Network
from atrous.graph.networks import NETWORKS
from atrous.report import inspect
from tests.graph.cases import COMPUTED, Case, label


def is_affine(layer: Layer, operands: tuple[Array, ...], moving: tuple[int, ...]) -> bool:
    """Whether the output at a mixture of operands is the mixture of the outputs, up to rounding; large and small ones tried."""
    random = np.random.default_rng(15)
    base = [x.astype(np.float64) if x.dtype.kind == "f" else x for x in operands]
    for size in (0.1, 3.0):
        first, second = ([x + size * random.random(x.shape) if i in moving else x for i, x in enumerate(base)] for _ in "ab")
        between = [0.25 * a + 0.75 * b if i in moving else a for i, (a, b) in enumerate(zip(first, second, strict=True))]
        a, b, c = (np.asarray(layer.evaluate(*each), np.float64) for each in (first, second, between))
        if not np.allclose(0.25 * a + 0.75 * b, c, rtol=1e-9, atol=1e-9):
            return False
    return True


#: Kinks and steps that three random points need not meet, and a cast that only rounds.
MISSED = (L.Sign, L.Floor, L.Ceil, L.Round, L.Clip, L.Comparison, L.ThresholdedRelu)


@pytest.mark.parametrize("case", COMPUTED, ids=label)
def test_layers_are_affine_exactly_where_they_say_so(case: Case) -> None:
    layer, operands = case
    floats = [i for i, x in enumerate(operands) if x.dtype.kind == "f"]
    if isinstance(layer, L.Resize):
        floats = floats[:1]  # the scales decide the shape: they cannot be signals
    for count in range(1, len(floats) + 1):
        for moving in combinations(floats, count):
            said = layer.affine(*moving)
            assert not said or is_affine(layer, operands, moving)
            if not said and not isinstance(layer, MISSED):
                assert not is_affine(layer, operands, moving), moving


def reported(layer: Layer, *constants: Array) -> bool:
    """Whether a report calls a layer linear that reads the input's values and constants, or two values without constants."""
    b = Builder("one", sample={"H": 4, "W": 4})
    x = b.input("x", ("N", 1, "H", "W"))
    values = [b.constant(f"c{i}", array) for i, array in enumerate(constants)]
    y = b.add(layer, *([x, *values] if values else [x, b.relu(x, name="other")]), name="y", kind="y")
    rows = {row.name: row for row in inspect(b.build(y), (1, 1, 4, 4)).rows}
    return rows["y"].linear


ONE = np.full((1, 1, 1, 1), 2.0, np.float32)
SQUARE = np.eye(4, dtype=np.float32)


@pytest.mark.parametrize(
    "layer", [L.Mul(), L.Div(), L.MatMul(), L.Pow(), L.Minimum(), L.Maximum(), L.PRelu(), L.Less(), L.Equal()], ids=repr
)
def test_two_signals_that_meet_otherwise_than_in_a_sum(layer: Layer) -> None:
    assert not reported(layer)


@pytest.mark.parametrize("layer", [L.Add(), L.Sub(), L.Concat(1)], ids=repr)
def test_sums_of_two_signals(layer: Layer) -> None:
    assert reported(layer)


@pytest.mark.parametrize(
    ("layer", "constant", "linear"),
    [
        (L.Mul(), ONE, True),
        (L.Div(), ONE, True),
        (L.MatMul(), SQUARE, True),
        (L.Pow(), ONE, False),
        (L.Maximum(), ONE, False),
        (L.Greater(), ONE, False),
    ],
    ids=repr,
)
def test_a_signal_and_a_constant(layer: Layer, constant: Array, linear: bool) -> None:
    assert reported(layer, constant) is linear


@pytest.mark.parametrize(
    "layer",
    [
        *(L.Clip(0.0, 6.0), L.Reciprocal(), L.Abs(), L.Softmax(1, 1), L.ReduceMax((2, 3)), L.ReduceL2((2, 3))),
        *(L.Cast("int64"), L.Cast("bool")),
    ],
    ids=repr,
)
def test_layers_of_one_signal_that_are_not_linear(layer: Layer) -> None:
    b = Builder("one")
    x = b.input("x", ("N", 1, "H", "W"))
    network = b.build(b.add(layer, x, name="y", kind="y"))
    assert [row.linear for row in inspect(network, (1, 1, 4, 4)).rows] == [False]


def test_max_pools_comparisons_and_choices() -> None:
    b = Builder("mixed", sample={"H": 8, "W": 8})
    x = b.input("x", ("N", 1, "H", "W"))
    mask = b.constant("mask", np.ones((1, 1, 8, 8), bool))
    b.max_pool(x, 2, name="pool")
    b.avg_pool(x, 2, name="mean")
    half = b.constant("half", ONE)
    above = b.add(L.Greater(), x, half, name="above", kind="above")
    b.add(L.Where(), mask, x, half, name="by constant", kind="where")
    b.add(L.Cast("float64"), x, name="wider", kind="cast")
    network = b.build(b.add(L.Where(), above, x, half, name="by signal", kind="where"))
    linear = {row.name: row.linear for row in inspect(network, (1, 1, 8, 8)).rows}
    names = ("pool", "mean", "above", "by constant", "wider", "by signal")
    assert linear == dict(zip(names, (False, True, False, True, True, False), strict=True))


def test_weights_that_are_computed_make_a_product() -> None:
    b = Builder("dynamic", sample={"H": 8, "W": 8})
    x, w = b.input("x", ("N", 1, "H", "W")), b.input("w", (2, 1, 3, 3))
    ordinary = b.conv(x, 2, 3, name="fixed")
    layer = next(node.layer for node in b.build(ordinary).nodes)
    network = b.build(ordinary, b.add(layer, x, w, name="dynamic", kind="conv"))
    linear = {row.name: row.linear for row in inspect(network, {"x": (1, 1, 8, 8), "w": (2, 1, 3, 3)}).rows}
    assert linear == {"fixed": True, "dynamic": False}


def test_division_by_a_signal() -> None:
    b = Builder("under", sample={"T": 4})
    x = b.input("x", ("N", 1, "T"))
    network = b.build(b.over(b.constant("one", np.ones((1, 1, 1), np.float32)), x))
    assert [row.linear for row in inspect(network, (1, 1, 4)).rows] == [False]


def test_epilogues() -> None:
    """A bias that is added is linear, a gate that is multiplied is not, nor is a ReLU."""
    conv, ones = L.Identity(), 1
    assert Fused(conv, (Step(L.Add(), extra=1),), ones).affine(0, 1)
    assert Fused(conv, (Step(L.Mul(), extra=1),), ones).affine(0)
    assert not Fused(conv, (Step(L.Mul(), extra=1),), ones).affine(0, 1)
    assert Fused(conv, (Step(L.Mul(), extra=1), Step(L.Add(), extra=1)), ones).affine(1, 2)
    assert not Fused(conv, (Step(L.Div(), extra=1, position=1),), ones).affine(0)
    assert not Fused(conv, (Step(L.Relu()),), ones).affine(0)


#: Weights of these take seconds to draw.
LARGE = ("vgg16", "alexnet", "unet3d", "front_end", "c3d")


@pytest.mark.parametrize("name", [name for name in NETWORKS if name not in LARGE])
def test_only_activations_pools_and_softmax_are_not_linear_in_the_built_in_networks(name: str) -> None:
    network: Network = NETWORKS[name]()
    kinds = {row.operator for row in inspect(network, symbolic=True).rows if not row.linear}
    own = {"wavenet": {"Mul"}, "convnext_tiny": {"Gelu", "Standardise"}}.get(name, set())
    assert kinds <= {"Relu", "LeakyRelu", "Clip", "Tanh", "Sigmoid", "Softmax", "MaxPool"} | own
