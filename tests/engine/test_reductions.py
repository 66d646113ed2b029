"""Reductions and softmax: one order of elements, whatever the layout in memory, the length, the threads or the box."""

from __future__ import annotations

import numpy as np
import pytest

from atrous.engine.lowering.reducing import PART
from atrous.engine.program import Program
from atrous.geometry.padding import Explicit
from atrous.graph.fact import Array, Fact
from atrous.graph.layer import Layer
from atrous.graph.layers import pooling, reduction, softmax
from atrous.graph.network import Network, Node
from tests.engine.running import random_box, run_box, same_bits

RNG = np.random.default_rng(11)


def build(layer: Layer, x: Array, *, turned: bool = False, threads: int = 1) -> Program:
    """The layer on an array in C order, or on a value with channels last: a pool of one element lays them so."""
    ones = (1,) * (x.ndim - 2)
    pool = Node("turn", pooling.MaxPool(ones, ones, ones, Explicit(((0, 0),) * len(ones))), ("x",), "t")
    nodes = (pool,) if turned else ()
    node = Node("node", layer, ("t" if turned else "x",), "y")
    return Program(Network("one", {"x": Fact(x.dtype.name, x.shape)}, ("y",), (*nodes, node)), threads)


def sum_by_ways(elements: Array) -> float:
    """The sum along one axis in the order of ``codelets.ways`` and ``lowering.reducing``, element by element."""

    def ways(values: Array) -> float:
        totals = np.zeros(16)
        for i, value in enumerate(values):
            totals[i % 16] += value
        while len(totals) > 1:
            totals = totals[: len(totals) // 2] + totals[len(totals) // 2 :]
        return float(totals[0])

    if len(elements) < 2 * PART:
        return ways(elements)
    return ways(np.array([ways(elements[i : i + PART]) for i in range(0, len(elements), PART)]))


@pytest.mark.parametrize("count", [1, 2, 15, 16, 17, 33, PART, 2 * PART - 1, 2 * PART, 3 * PART + 5])
def test_the_order_of_a_sum(count: int) -> None:
    x = RNG.standard_normal((2, 3, count)) * 10.0 ** RNG.integers(-8, 8, (2, 3, count))
    result = build(reduction.ReduceSum((2,), False), x)(x)
    assert result.tolist() == [[sum_by_ways(x[n, c]) for c in range(3)] for n in range(2)]


SHAPES = [(2, 37, 5, 7), (1, 3, 33, 65), (2, 17, 1, 2), (1, 20, 40, 53), (3, 1, 9, 4)]
REDUCTIONS = [
    rule(axes, True)
    for rule in (reduction.ReduceMean, reduction.ReduceMax, reduction.ReduceL2)
    for axes in ((1,), (2, 3), (3,), (1, 2, 3), (0, 2), ())
]
SOFTMAXES = [softmax.Softmax(1, 1), softmax.Softmax(2, 3), softmax.Softmax(1, -1), softmax.Softmax(-1, -1)]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("layer", [*REDUCTIONS, *SOFTMAXES], ids=repr)
def test_layouts_threads_and_boxes_give_the_same_bits(layer: Layer, shape: tuple[int, ...], dtype: str) -> None:
    x = (RNG.standard_normal(shape) * 3).astype(dtype)
    plain = build(layer, x)
    result = plain(x)
    np.testing.assert_allclose(result, layer.evaluate(x), rtol=2e-6 if dtype == "float32" else 1e-13, atol=1e-13)
    for program in (build(layer, x, turned=True), build(layer, x, threads=2), build(layer, x, turned=True, threads=2)):
        assert same_bits(program(x), result)
        box = random_box(RNG, result.shape)
        assert same_bits(run_box(program, x, box, threads=2), result[box.slices()].copy())


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("axis", [1, -1])
def test_softmax_of_unusual_numbers(axis: int, turned: bool) -> None:
    """NaN and infinity make all of one softmax NaN, and no other; large numbers do not overflow."""
    x = RNG.standard_normal((4, 21, 3, 21)).astype("float32")
    x[0, 3, 0, 4], x[1, 5, 1, 6], x[2, 7, 2, 8], x[3] = np.nan, np.inf, -np.inf, x[3] * 1e30
    layer = softmax.Softmax(axis, axis)
    with np.errstate(all="ignore"):
        expected = layer.evaluate(x)
    np.testing.assert_allclose(build(layer, x, turned=turned)(x), expected, rtol=2e-6, atol=1e-37)


@pytest.mark.parametrize("rule", [reduction.ReduceSum, reduction.ReduceProd, reduction.ReduceL1])
@pytest.mark.parametrize("dtype", ["int32", "int64"])
def test_integers(rule: type[reduction.Reduce], dtype: str) -> None:
    x = RNG.integers(-2, 3, (2, 5, 40)).astype(dtype)
    layer = rule((1, 2), True)
    np.testing.assert_array_equal(build(layer, x)(x), layer.evaluate(x))
