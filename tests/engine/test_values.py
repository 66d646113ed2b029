"""Unusual numbers: NaN and infinity propagate as the definition says, denormals are flushed inside a call and only there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from statistics import median
from time import perf_counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import atrous
from atrous import reference
from atrous.engine.compiler import default_compiler
from atrous.geometry import Window
from atrous.geometry.padding import Explicit
from atrous.graph.fact import Array, Fact
from atrous.graph.layers.arithmetic import Div
from atrous.graph.layers.pooling import AveragePool
from atrous.graph.layers.softmax import Softmax
from atrous.graph.network import Network, Node
from atrous.problem import Problem
from tests.engine.running import call, program_of, random_box, run_box, single
from tests.oracles import by_definition
from tests.strategies import operands, problems

NAN, INF = np.nan, np.inf


def agree(result: Array, expected: Array) -> None:
    """NaN and infinities at the same places, all else close."""
    assert np.array_equal(np.isnan(result), np.isnan(expected))
    infinite = np.isinf(expected)
    assert np.array_equal(result[infinite], expected[infinite].astype(result.dtype))
    assert np.array_equal(np.isinf(result), infinite)
    finite = np.isfinite(expected)
    np.testing.assert_allclose(result[finite], expected[finite], rtol=1e-4, atol=1e-4)


@settings(max_examples=40)
@given(problems(), st.sampled_from([NAN, INF, -INF]), st.sampled_from(["signal", "weights", "bias"]), st.integers(0, 2**32))
def test_nan_and_infinity_go_where_the_definition_says(problem: Problem, number: float, where: str, seed: int) -> None:
    """Padding adds nothing: not even an infinite weight on it gives NaN."""
    x, w, bias = operands(replace(problem, bias=True), seed)
    assert bias is not None
    rng = np.random.default_rng(seed)
    target = {"signal": x, "weights": w, "bias": bias}[where]
    target[tuple(int(rng.integers(0, n)) for n in target.shape)] = number
    with np.errstate(invalid="ignore"):
        expected = by_definition(problem, x, w, bias)
    result = call(problem, x, w, bias)
    agree(result, expected)
    program = program_of(problem, w, bias)
    box = random_box(rng, result.shape)
    assert np.array_equal(run_box(program, x, box, threads=2), result[box.slices()], equal_nan=True)


def test_an_infinite_weight_adds_nothing_on_padding() -> None:
    w = np.zeros((1, 1, 3, 3), "float32")
    w[0, 0, 0, 0] = INF
    y = atrous.conv(np.ones((1, 1, 3, 3), "float32"), w, padding=1)
    assert y[0, 0].tolist() == [[0, 0, 0], [0, INF, INF], [0, INF, INF]]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_pools_of_nan_and_infinity(dtype: str) -> None:
    rng = np.random.default_rng(0)
    x = rng.standard_normal((2, 5, 7, 9)).astype(dtype)
    for number in (NAN, INF, -INF):
        x[tuple(int(rng.integers(0, n)) for n in x.shape)] = number
    windows = (Window(3, 2, 1, 1, 1),) * 2
    agree(atrous.max_pool(x, 3, stride=2, padding=1), reference.max_pool(x, windows))
    agree(atrous.avg_pool(x, 3, stride=2, padding=1), reference.average_pool(x, windows))
    assert np.isneginf(atrous.max_pool(np.full((1, 1, 2), -INF, dtype), 2)).all()
    assert np.isneginf(atrous.max_pool(x, 1, padding=1)[:, :, 0]).all(), "a window wholly on padding"


def test_overflow_gives_infinity() -> None:
    x = np.full((1, 1, 4), 3e38, "float32")
    assert np.isposinf(atrous.conv(x, np.full((1, 1, 2), 1, "float32"))).all()
    assert np.isneginf(atrous.conv(x, np.full((1, 1, 2), -1, "float32"))).all()


def test_negative_zero() -> None:
    x = np.array([[[-0.0, 0.0, 1.0]]], "float32")
    assert np.array_equal(np.signbit(atrous.max_pool(x, 1)), np.signbit(x))
    y = atrous.conv(x, np.ones((1, 1, 1), "float32"))
    assert np.array_equal(y, x), "a sum that starts from +0 has no negative zero, and compares equal"
    assert not np.signbit(y).any()


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize(("dtype", "tiny"), [("float32", 1e-40), ("float64", 1e-310)])
def test_denormals_are_flushed_inside_and_only_there(dtype: str, tiny: float, threads: int) -> None:
    small = np.full((1, 8, 16, 16), tiny, dtype)
    f = atrous.Conv(np.ones((8, 8, 1, 1), dtype), threads=threads)
    result = f(small)
    halved = small * np.asarray(0.5, dtype)
    assert (halved > 0).all(), "the caller's floating-point state is his own again"
    assert (small + small > small).all()
    if default_compiler().target.arch != "x86_64":
        return  # only there are they flushed: other processors handle them at full speed
    assert not result.any(), "inside, denormals count as zero"
    least = np.finfo(dtype).tiny
    assert not atrous.Conv(np.full((1, 1, 1), 0.5, dtype), threads=threads)(np.full((1, 1, 40), least, dtype)).any()


def times(programs: Sequence[Callable[[], object]], turns: int = 15) -> list[float]:
    """The median time of each, in turn, so that what else the machine does meets all of them."""
    found: list[list[float]] = [[] for _ in programs]
    for _ in range(turns):
        for program, seconds in zip(programs, found, strict=True):
            begin = perf_counter()
            program()
            seconds.append(perf_counter() - begin)
    return [median(seconds) for seconds in found]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("kind", ["signal", "weights", "sums", "pool", "softmax"])
def test_denormals_cost_no_time(kind: str, threads: int, dtype: str) -> None:
    """As signal, as weights, and as sums of normal numbers. A processor that handles each of them aside takes 10 to 100 times
    as long, so that 3 is beyond any noise."""
    least = float(np.finfo(dtype).tiny)
    shape, square = (1, 32, 40, 40), (3, 3)
    values = {"signal": (least / 64, 1.0), "weights": (1.0, least / 64), "sums": (least, 2.0**-12)}
    x = np.ones(shape, dtype)
    if kind in values:
        low, high = values[kind]
        programs = [
            (atrous.Conv(np.full((32, 32, *square), weight, dtype), padding=1, threads=threads), np.full(shape, number, dtype))
            for number, weight in ((1.0, 1.0), (low, high))
        ]
    else:
        windows = ((3, 3), (1, 1), (1, 1), Explicit(((1, 1), (1, 1))))
        layer = AveragePool(*windows) if kind == "pool" else Softmax(1, 1)
        # sums of a softmax are of powers of e: the smallest are denormal
        low = least / 64 if kind == "pool" else float(np.log(least)) - 3
        spread = np.where(np.arange(32).reshape(1, -1, 1, 1) == 0, 0.0 if kind == "softmax" else low, low)
        program = single(layer, dtype, 32, 2, {}, threads=threads)
        programs = [(program, x), (program, np.broadcast_to(spread, shape).astype(dtype))]
    for program, signal in programs:
        program(signal)
    normal, tiny = times([partial(program, signal) for program, signal in programs])
    print(f"{kind} {dtype} {threads} threads: {tiny / normal:.2f}")
    assert tiny < 3 * normal


def test_no_warning_and_no_floating_point_flags_reach_the_caller() -> None:
    """The caller's state comes back whole: overflow inside does not show up in NumPy's next error check."""
    with np.errstate(all="raise"):
        x = np.full((1, 1, 4), 3e38, "float32")
        atrous.conv(x, np.full((1, 1, 2), 1, "float32"))
        assert (np.ones(4, "float32") * 2 == 2).all()


@pytest.mark.parametrize("dtype", ["int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"])
@pytest.mark.parametrize("size", [1, 5, 16, 67])
def test_integer_division_ends_no_process(dtype: str, size: int) -> None:
    """A CPU's division traps at 0 and at the least number by -1; lanes beyond the end of an array hold zeros."""
    rng, bounds = np.random.default_rng(size), np.iinfo(dtype)
    x = rng.integers(bounds.min, bounds.max, size, dtype, endpoint=True)
    y = rng.choice(np.array([0, 1, 3, bounds.max, bounds.min] + [-1] * (bounds.min < 0), dtype), size)
    x[: size // 2 + 1] = bounds.min
    pairs = zip(x.tolist(), y.tolist(), strict=True)
    quotients = [0 if b == 0 else abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1) for a, b in pairs]
    expected = np.array([(q - bounds.min) % 2**bounds.bits + bounds.min for q in quotients], dtype)
    inputs = {"x": Fact(dtype, x.shape), "y": Fact(dtype, y.shape)}
    network = Network("division", inputs, ("z",), (Node("n", Div(), ("x", "y"), "z"),))
    np.testing.assert_array_equal(network.compile(threads=1)(x, y), expected)
