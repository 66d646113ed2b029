"""Calls with sizes that were run before: the same bits as the first one, whatever the arrays look like."""

from __future__ import annotations

import time

import numpy as np
import pytest

import atrous
from atrous.engine.program import Program
from atrous.errors import ArgumentError
from atrous.graph.fact import Array, Fact
from atrous.graph.layers import Add, Relu
from atrous.graph.network import Network, Node
from tests.engine.running import same_bits

RNG = np.random.default_rng(5)
W = RNG.standard_normal((4, 3, 3, 3)).astype("float32")
X = RNG.standard_normal((1, 3, 8, 9)).astype("float32")
EXPECTED = atrous.Conv(W)(X)


def unaligned(array: Array) -> Array:
    """The same elements one byte off their type's alignment."""
    memory = np.zeros(array.nbytes + 1, np.uint8)[1:]
    memory[:] = np.frombuffer(array.tobytes(), np.uint8)
    return memory.view(array.dtype).reshape(array.shape)


@pytest.mark.parametrize(
    "form",
    [
        lambda x: x,
        lambda x: x.copy("F"),
        lambda x: np.repeat(x, 2, axis=3)[..., ::2],
        lambda x: x.astype(">f4"),
        unaligned,
        memoryview,
    ],
    ids=["plain", "Fortran order", "strided", "big-endian", "unaligned", "memoryview"],
)
def test_any_form_of_the_same_signal_gives_the_same_bits(form: object) -> None:
    f = atrous.Conv(W)
    for _ in range(3):
        assert same_bits(f(form(X)), EXPECTED)  # type: ignore[operator]


def test_results_of_calls_are_of_their_own() -> None:
    f = atrous.Conv(W)
    first, second = f(X), f(X)
    second[:] = 0
    assert same_bits(first, EXPECTED)


def test_out_receives_the_result_again_and_again() -> None:
    f = atrous.Conv(W)
    f(X)
    for out in (
        np.zeros_like(EXPECTED),
        np.zeros((2, *EXPECTED.shape[1:]), "f4")[1:],
        np.zeros((1, 4, 7, 6), "f4").swapaxes(2, 3),
    ):
        for _ in range(2):
            out[:] = 0
            assert f(X, out=out) is out
            assert np.array_equal(out, EXPECTED)


def test_out_may_be_the_signal_itself() -> None:
    f = atrous.Conv(np.ones((3, 3, 3, 3), "float32"), padding=1)
    wanted = f(X)
    for _ in range(3):
        x = X.copy()
        assert f(x, out=x) is x
        assert same_bits(x, wanted)


def test_a_call_that_does_not_fit_says_so_after_one_that_did() -> None:
    f = atrous.Conv(W)
    f(X)
    with pytest.raises(ArgumentError, match="x: got float64, expected float32"):
        f(X.astype("float64"))
    with pytest.raises(ArgumentError, match="out: got float32"):
        f(X, out=np.zeros((1, 4, 6, 6), "float32"))
    frozen = EXPECTED.copy()
    frozen.flags.writeable = False
    with pytest.raises(ArgumentError, match="read-only"):
        f(X, out=frozen)
    assert same_bits(f(X), EXPECTED)


def test_many_sizes_in_turn() -> None:
    f = atrous.Conv(W)
    signals = [RNG.standard_normal((1, 3, 5 + n, 9)).astype("float32") for n in range(12)]
    wanted = [atrous.Conv(W)(x) for x in signals]
    for _ in range(3):
        assert all(same_bits(f(x), y) for x, y in zip(signals, wanted, strict=True))


def test_several_inputs_and_outputs() -> None:
    fact = Fact("float32", ("N", 3))
    nodes = (Node("sum", Add(), ("a", "b"), "c"), Node("relu", Relu(), ("c",), "d"))
    program = Program(Network("pair", {"a": fact, "b": fact}, ("c", "d"), nodes))
    a, b = RNG.standard_normal((2, 5, 3)).astype("float32")
    for _ in range(3):
        c, d = program(a, b)
        assert same_bits(c, a + b)
        assert same_bits(d, np.maximum(a + b, 0))
        out = (np.zeros_like(c), np.zeros_like(c))
        assert program(a, b, out=out)[1] is out[1]
        assert same_bits(out[1], d)
    with pytest.raises(ArgumentError, match="give a tuple of 2 arrays"):
        program(a, b, out=(np.zeros_like(c),))


def test_a_call_takes_microseconds() -> None:
    """8 were measured on a slow core; the limit says that nothing is rebuilt, not how fast a busy machine is."""
    f = atrous.Conv(W)
    f(X)
    times = []
    for _ in range(200):
        begin = time.perf_counter()
        f(X)
        times.append(time.perf_counter() - begin)
    assert min(times) < 50e-6
