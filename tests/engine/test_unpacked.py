"""Calls whose weights come along: packed by generated code from the third call on, with the same bits."""

from __future__ import annotations

import numpy as np
import pytest

import atrous
from atrous.engine import calls
from atrous.engine.packing import find_packing, numbered
from atrous.engine.unpacked import KEEP_BYTES, KINDS, Kinds
from atrous.problem import Problem
from tests.engine.running import call, program_of, same_bits
from tests.strategies import operands

PROBLEMS = [
    "conv:f32:n2:c5:i9x11:k7:w3x3:p1:b",
    "conv:f32:c64:i14x14:k130:w3x3:p1",
    "conv:f32:c64:i14x15:k96:w1x1:b",
    "conv:f32:c3:i33x35:k21:w7x7:s2:p3:b",
    "conv:f32:c40:i20x9:k40:w5x5:p2:g40:b",
    "conv:f32:c24:i12x12:k48:w3x3:p1:g6:b",
    "conv:f64:c9:i50:k17:w4:d3:p5:b",
    "conv:f32:c8:i6x7x8:k20:w3x3x3:p1",
    "conv:f32:c1:i70x40:k4:w5x5:p2:b",
]


@pytest.mark.parametrize("text", PROBLEMS)
def test_every_call_gives_the_bits_of_packed_weights(text: str) -> None:
    """The same signal and sizes with other weights each time."""
    problem = Problem.parse(text)
    x, *_ = operands(problem)
    rng = np.random.default_rng(1)
    calls._kinds = Kinds()
    for _ in range(5):
        w = rng.standard_normal(problem.weight_shape).astype(x.dtype)
        bias = rng.standard_normal(problem.filters).astype(x.dtype) if problem.bias else None
        assert same_bits(call(problem, x, w, bias), program_of(problem, w, bias)(x))
    assert len(calls._kinds._ready) == 1, "and the last three took the short way"


@pytest.mark.parametrize("odd", [np.inf, -np.inf, np.nan])
def test_weights_that_are_not_finite(odd: float) -> None:
    """A tap on padding adds nothing, whatever the weight; the next finite weights are computed as before."""
    problem = Problem.parse(PROBLEMS[0])
    x, w, bias = operands(problem)
    strange = w.copy()
    strange[3, 2, 0, 1] = odd
    wanted = program_of(problem, w, bias)(x), program_of(problem, strange, bias)(x)
    for _ in range(4):
        assert same_bits(call(problem, x, w, bias), wanted[0])
        assert same_bits(call(problem, x, strange, bias), wanted[1])


def test_weights_of_any_form() -> None:
    problem = Problem.parse(PROBLEMS[0])
    x, w, bias = operands(problem)
    wanted = program_of(problem, w, bias)(x)
    for _ in range(4):
        for form in (w, w.copy("F"), w[::-1][::-1], memoryview(w), w.astype(">f4")):
            assert same_bits(call(problem, x, form, bias), wanted)


def test_out_may_be_the_weights() -> None:
    w = np.random.default_rng(0).standard_normal((3, 3, 1, 1)).astype("float32")
    x = np.random.default_rng(1).standard_normal((3, 3, 1, 1)).astype("float32")
    wanted = atrous.conv(x, w)
    for _ in range(4):
        again = w.copy()
        assert same_bits(atrous.conv(x, again, out=again), wanted)


def test_activations_and_options_are_kinds_of_their_own() -> None:
    rng = np.random.default_rng(2)
    x, w = (rng.standard_normal((4, 4, 5, 5)).astype("float32") for _ in range(2))
    for _ in range(4):
        plain, padded, rectified = atrous.conv(x, w), atrous.conv(x, w, padding=1), atrous.conv(x, w, activation="relu")
        assert plain.shape == (4, 4, 1, 1)
        assert padded.shape == (4, 4, 3, 3)
        assert same_bits(rectified, np.maximum(plain, 0))


def test_kinds_are_forgotten() -> None:
    """A bounded number of them, and of bytes."""
    kinds = Kinds()

    class Large:
        bytes = KEEP_BYTES // 2

    for key in range(3 * KINDS):
        for _ in range(2):
            kinds.learn(key, Large)  # type: ignore[arg-type]
    assert len(kinds._ready) == 2
    assert len(kinds._calls) <= KINDS
    assert kinds.ready(3 * KINDS - 1) is not None
    assert kinds.ready(0) is None


def test_a_packing_is_read_off_numbered_weights() -> None:
    weights = numbered((5, 3, 4), "float32")
    padded = np.zeros((8, 3, 4), "float32")
    padded[:5] = weights
    packed = np.ascontiguousarray(padded.reshape(2, 4, 3, 4).transpose(0, 3, 2, 1))
    found = find_packing(packed)
    assert found is not None
    assert (found.starts.tolist(), found.valid.tolist(), found.step, found.width) == ([0, 48], [4, 1], 12, 4)
    assert found.places.tolist() == [0, 3, 6, 9, 1, 4, 7, 10, 2, 5, 8, 11]
    packed[0, 0, 0] = packed[0, 0, 0, ::-1]
    assert find_packing(packed) is None
