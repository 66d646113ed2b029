"""Depthwise transposed convolutions by the kernel for all phases at once: the bits of the phases by the plain loop nest."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import atrous
from atrous.engine.codelets import upsampling
from atrous.engine.compiler import default_compiler
from atrous.geometry import Box
from atrous.graph.fact import Array
from atrous.problem import Problem
from tests.engine.running import call, program_of, run_box, same_bits
from tests.strategies import operands

TEXTS = (
    "convt:f32:n2:c3:i9x11:k3:w4x4:s2:p1:g3",
    "convt:f32:c5:i12x13:k5:w16x16:s8:p4:g5:b",
    "convt:f64:n2:c4:i6x29:k8:w3x5:s2x3:p1:g4:b",
    "convt:f32:c5:i40:k5:w4:s2:p1:o1:g5:b",
    "convt:f32:c2:i4x3x17:k2:w2x3x2:s2x1x4:g2:b",
    "convt:f32:c3:i7x30:k6:w9x7:s5x6:p3x1:g3:b",
    "convt:f64:c3:i4x9:k3:w32x33:s16:p8:g3",
    "convt:f32:c2:i5x9:k2:w40x64:s32:p16:g2",
    "convt:f32:c2:i5x9:k2:w1x2:s2x5:o1:g2:b",
)


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[upsampling.Upsampling]:
    """What kernels are asked for."""
    found: list[upsampling.Upsampling] = []

    def watched(c: upsampling.Upsampling) -> list[str]:
        found.append(c)
        return names(c)

    names = upsampling.names
    monkeypatch.setattr(upsampling, "names", watched)
    return found


@pytest.mark.parametrize("text", TEXTS)
def test_it_equals_the_phases_by_the_loop_nest(text: str, made: list[Any]) -> None:
    problem = Problem.parse(text)
    _, w, bias = operands(problem)
    phases, whole = program_of(problem, w, bias, plans={"layer": "nest p1v1"}), program_of(problem, w, bias)
    for row in (1, 2, problem.space[-1], 61):
        x = operands(replace(problem, space=(*problem.space[:-1], row)), seed=row)[0]
        expected = phases(x)
        assert not made
        assert same_bits(whole(x), expected), row
        assert made
        made.clear()


def test_boxes_have_the_bits_of_the_whole() -> None:
    problem = Problem.parse(TEXTS[1])
    x, w, bias = operands(problem)
    program = program_of(problem, w, bias)
    whole = program(x)
    for lo, hi in (((0, 0, 8, 16), (1, 5, 50, 90)), ((0, 0, 3, 8), (1, 5, 4, 9)), ((0, 0, 5, 3), (1, 5, 21, 77))):
        place = tuple(slice(a, b) for a, b in zip(lo, hi, strict=True))
        assert same_bits(run_box(program, x, Box(lo, hi), threads=2), np.ascontiguousarray(whole[place]))


def test_infinite_signals_stay_where_they_are_and_infinite_weights_are_the_phases() -> None:
    problem = Problem.parse(TEXTS[2])
    x, w, bias = operands(problem)
    x[0, 0, 2, 3] = np.inf
    assert same_bits(program_of(problem, w, bias)(x), _phases(problem, x, w, bias))
    w[0, 0, 1, 4] = np.inf
    assert same_bits(program_of(problem, w, bias)(x), _phases(problem, x, w, bias))


@pytest.mark.parametrize("text", TEXTS[:3])
def test_weights_of_a_call(text: str, made: list[Any]) -> None:
    problem = Problem.parse(text)
    x, w, bias = operands(problem)
    expected = _phases(problem, x, w, bias)
    for _ in range(4):
        assert same_bits(call(problem, x, w, bias), expected)
    assert made


def test_an_explanation_says_that_there_is_one_kernel() -> None:
    assert "one kernel computes all phases at once where the result lies in rows" in str(atrous.plan(TEXTS[0]))
    assert "at once" not in str(atrous.plan("convt:f32:c4:i9:k4:w4:s2"))


def test_large_outputs_are_written_row_by_row() -> None:
    target = default_compiler().target
    small = upsampling.tile((8, 8), (1, 1, 64, 64), "float32", target)
    large = upsampling.tile((8, 8), (64, 1024, 512, 512), "float32", target)
    assert small is not None
    assert large is not None
    assert small.rows == 4
    assert large.rows == 1
    assert upsampling.tile((1, 31), (1, 1, 64, 64), "float32", target) is None, "31 vectors are too many"


def _phases(problem: Problem, x: Array, w: Array, bias: Array | None) -> Array:
    found: Array = program_of(problem, w, bias, plans={"layer": "nest p1v1"})(x)
    return found
