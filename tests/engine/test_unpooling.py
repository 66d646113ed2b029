"""Places of maxima and unpooling: equal to the definition, any box and number of threads, and nothing beyond the result."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from atrous.engine.codelets.scatter import LANES
from atrous.engine.program import Program
from atrous.errors import NetworkError
from atrous.geometry.padding import Explicit
from atrous.graph.fact import Fact
from atrous.graph.layer import Fused, Step
from atrous.graph.layers import Add, MaxPool, MaxPoolIndices, MaxUnpool
from atrous.graph.network import Network, Node
from tests.engine.running import random_box, run_box
from tests.engine.test_pooling import pools
from tests.engine.test_pooling import program as pooling


def unpooling(space: tuple[int, ...], dtype: str, shape: tuple[int, ...]) -> Program:
    axes = len(space)
    layer = MaxUnpool((2,) * axes, (2,) * axes, Explicit.zeros(axes))
    inputs = {"x": Fact(dtype, shape), "i": Fact("int64", shape)}
    return Program(Network("unpool", inputs, ("y",), (Node("unpool", layer, ("x", "i"), "y"),)))


@settings(max_examples=60)
@given(pools(), st.sampled_from(["float32", "float64"]), st.booleans(), st.booleans(), st.integers(0, 99))
def test_places_are_those_of_the_definition(
    case: tuple[MaxPool, tuple[int, ...]], dtype: str, column_major: bool, equal: bool, seed: int
) -> None:
    pool, shape = case
    layer = MaxPoolIndices(pool.kernel, pool.strides, pool.dilations, pool.padding, column_major=column_major)
    rng = np.random.default_rng(seed)
    x = rng.integers(0, 3, shape).astype(dtype) if equal else rng.standard_normal(shape).astype(dtype)
    x[rng.random(shape) < 0.02] = np.nan
    x[rng.random(shape) < 0.05] = -np.inf
    made = pooling(layer, x)
    result = made(x)
    assert result.dtype == np.int64
    np.testing.assert_array_equal(result, layer.evaluate(x))
    if not column_major:  # the places hold the maxima
        largest = MaxPool(pool.kernel, pool.strides, pool.dilations, pool.padding).evaluate(x)
        np.testing.assert_array_equal(x.ravel()[np.maximum(result, 0)], np.where(result < 0, x.ravel()[0], largest))
    box = random_box(rng, result.shape)
    np.testing.assert_array_equal(run_box(made, x, box, threads=2), result[box.slices()])


def test_a_window_on_padding_alone_has_no_place() -> None:
    layer = MaxPoolIndices((2,), (2,), (1,), Explicit(((2, 0),)))
    x = np.arange(4, dtype="float32").reshape(1, 1, 4)
    assert pooling(layer, x)(x).tolist() == layer.evaluate(x).tolist() == [[[-1, 1, 3]]]


def test_steps_may_follow() -> None:
    """What exporters subtract and add to count within channels."""
    layer = Fused(MaxPoolIndices((2, 2), (2, 2), (1, 1), Explicit.zeros(2)), (Step(Add(), 1),), 1)
    x, more = np.random.default_rng(0).standard_normal((2, 3, 6, 8)).astype("float32"), np.arange(6).reshape(2, 3, 1, 1)
    inputs = {"x": Fact("float32", x.shape), "more": Fact("int64", more.shape)}
    made = Program(Network("places", inputs, ("y",), (Node("places", layer, ("x", "more"), "y"),)))
    np.testing.assert_array_equal(made(x, more), layer.evaluate(x, more))


@pytest.mark.parametrize("dtype", ["float32", "float64", "int8", "int64"])
@pytest.mark.parametrize("size", [1, LANES - 1, LANES, LANES + 1, 77])
def test_the_last_of_several_stays_and_places_outside_are_nobodys(dtype: str, size: int) -> None:
    rng = np.random.default_rng(size)
    shape = (2, 3, size)
    x = rng.integers(-99, 99, shape).astype(dtype)
    indices = rng.integers(-9, 2 * x.size + 9, shape)
    indices[0, 0, 0], indices[1, 2, -1] = 2**62, -(2**62)
    made = unpooling((size,), dtype, shape)
    expected = made.network.nodes[0].layer.evaluate(x, indices)
    for threads in (1, 2, 3):
        made.threads = threads
        np.testing.assert_array_equal(made(x, indices), expected)


def test_indices_of_another_type_or_shape_are_refused() -> None:
    layer, x = MaxUnpool((2,), (2,), Explicit.zeros(1)), Fact("float32", (1, 2, 3))
    for indices in (Fact("int32", (1, 2, 3)), Fact("int64", (1, 2, 4))):
        with pytest.raises(NetworkError, match="they must be int64 in the shape of the input float32"):
            layer.infer(x, indices)


def test_pooling_and_unpooling_keep_the_maxima() -> None:
    """The encoder and decoder of SegNet (arXiv:1511.00561): every maximum comes back to its own place."""
    form = ((2, 2), (2, 2), (1, 1), Explicit.zeros(2))
    nodes = (
        Node("pool", MaxPool(*form), ("x",), "y"),
        Node("places", MaxPoolIndices(*form), ("x",), "i"),
        Node("unpool", MaxUnpool((2, 2), (2, 2), Explicit.zeros(2)), ("y", "i"), "z"),
    )
    x = np.random.default_rng(3).standard_normal((2, 5, 12, 14)).astype("float32")
    made = Program(Network("segnet", {"x": Fact("float32", x.shape)}, ("z",), nodes))
    result = made(x)
    kept = result != 0
    assert kept.sum() == x.size // 4
    np.testing.assert_array_equal(result[kept], x[kept])
