"""Problems: the text form and back, derived shapes and counts, and what is refused."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given

from atrous.errors import ArgumentError
from atrous.geometry import Same
from atrous.problem import Problem
from tests.strategies import problems


@given(problems())
def test_a_problem_survives_its_text(problem: Problem) -> None:
    assert Problem.parse(str(problem)) == problem
    assert str(Problem.parse(str(problem))) == str(problem)


@given(problems())
def test_counts_are_those_of_the_loops(problem: Problem) -> None:
    shape = problem.output_shape
    assert shape[:2] == (problem.batch, problem.filters)
    assert all(n >= 1 for n in shape)
    weights = 1
    for n in problem.weight_shape:
        weights *= n
    assert problem.parameters == weights + (problem.filters if problem.bias else 0)
    positions = problem.batch
    for n in problem.space if problem.transposed else problem.output_space:
        positions *= n
    assert problem.macs == positions * weights
    assert 0 <= problem.macs_on_real_taps <= problem.macs


def test_text_forms_as_documented() -> None:
    problem = Problem.parse("convt:f32:c16:i8x8:k4:w4x4:s2:p1+2")
    assert problem == Problem(
        batch=1,
        channels=16,
        space=(8, 8),
        filters=4,
        kernel=(4, 4),
        strides=(2, 2),
        dilations=(1, 1),
        pads=((1, 2), (1, 2)),
        transposed=True,
        output_padding=(0, 0),
    )
    assert str(problem) == "convt:f32:c16:i8x8:k4:w4x4:s2:p1+2"
    assert problem.output_shape == (1, 4, 15, 15)
    shuffled = Problem.parse("conv:f64:b:g2:p1x0+2:d2x1:s1x3:w3:k8:i9x10:c4:n2")
    assert str(shuffled) == "conv:f64:n2:c4:i9x10:k8:w3x3:s1x3:d2x1:p1x0+2:g2:b"
    cropping = Problem.parse("conv:f32:c1:i9:k1:w3:p-1+2")
    assert (cropping.pads, cropping.output_space) == (((-1, 2),), (8,))


def test_from_shapes_and_arguments() -> None:
    problem = Problem.of((2, 4, 9, 9), (6, 2, 3, 3), stride=2, padding="same", groups=2, bias=True, dtype="float64")
    assert str(problem) == "conv:f64:n2:c4:i9x9:k6:w3x3:s2:p1:g2:b"
    up = Problem.of((1, 4, 8), (4, 3, 4), stride=2, padding=Same(), transposed=True)
    assert (str(up), up.output_shape) == ("convt:f32:c4:i8:k3:w4:s2:p1", (1, 3, 16))
    assert up.weight_shape == (4, 3, 4)


@pytest.mark.parametrize(
    ("text", "position", "rule"),
    [
        ("conf:f32", 1, 'a problem begins with "conv" or "convt"'),
        ("conv", 5, "the second word is the element type, f32 or f64"),
        ("conv:f16:c3", 6, "got 'f16'; the second word is the element type, f32 or f64"),
        ("conv:f32:c3:i9:k8:w3:z1", 22, "got 'z1'; a field begins with one of n, c, i, k, w, s, d, p, o, g, b"),
        ("conv:f32:c3:i9:k8:w3:", 22, "got ''; a field begins with one of"),
        ("conv:f32:c3:i9:k8:c4:w3", 19, "field 'c' came before; each may come once"),
        ("conv:f32:cx:i9:k8:w3", 11, "got 'x'; behind 'c' comes an integer such as 64"),
        ("conv:f32:c3:i9x:k8:w3", 14, "got '9x'; behind 'i' comes integers such as 3 or 3x5, one for each axis"),
        ("conv:f32:c3:i9:k8:w3:p1+", 23, "behind 'p' comes paddings such as 1, 1x0 or 1+2 (low + high), one for each axis"),
        ("conv:f32:c3:i9:k8:w3:b1", 23, "got '1'; behind 'b' comes nothing"),
        ("conv:f32:c3:i9:k8:w3x3", 20, "got 2 entries for 1 spatial axes; give one for all or 1"),
        ("conv:f32:c3:i9:k8:w3:o1", 22, 'only "convt" has output padding'),
        ("conv:f32:c3:i9:w3", 18, "field 'k' is missing; c, i, k and w are required"),
        ("conv:f32:c3:k8:w3", 18, "field 'i' is missing"),
        ("conv:f32:c3:i9:k8", 18, "field 'w' is missing"),
        ("", 1, "got ''; a problem begins with"),
    ],
)
def test_bad_text_is_refused_with_position_and_rule(text: str, position: int, rule: str) -> None:
    with pytest.raises(ArgumentError, match=re.escape(rule)) as refusal:
        Problem.parse(text)
    assert str(refusal.value).startswith(f"problem: {text!r}, position {position}: ")


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("conv:f32:c3:i9:k8:w3:g2", "channels: got 3 channels and groups=2; groups must divide them"),
        ("conv:f32:c4:i9:k7:w3:g2", "filters: got 7 filters and groups=2; groups must divide them"),
        ("conv:f32:c0:i9:k8:w3", "channels: got 0; it must be at least 1"),
        ("conv:f32:c3:i9:k8:w3:g0", "groups: got 0; it must be at least 1"),
        ("conv:f32:c3:i9:k8:w3:s0", "stride: got 0; it must be at least 1"),
        ("conv:f32:c3:i2:k8:w3", "no output: the window spans 3 (kernel 3, dilation 1) but the padded input has 2"),
        ("conv:f32:c3:i9999999999999999999:k8:w3", "integer overflow of sizes"),
        ("conv:f32:c99999999999:i99999999999:k1:w1", "input: bytes of shape (1, 99999999999, 99999999999)"),
    ],
)
def test_text_of_an_impossible_problem_is_refused_with_the_reason(text: str, rule: str) -> None:
    with pytest.raises(ArgumentError, match=re.escape(rule)) as refusal:
        Problem.parse(text)
    assert str(refusal.value).startswith(f"problem: {text!r}: ")


def test_impossible_arguments_are_refused_by_name() -> None:
    good = Problem.parse("conv:f32:c4:i9:k8:w3")
    for change, message in (
        ({"dtype": "float16"}, "dtype: got 'float16'; it must be float32 or float64"),
        ({"strides": (1, 1)}, "strides: got (1, 1) for 1 spatial axes; it must have one entry for each"),
        ({"output_padding": (1,)}, "output_padding: got (1,); only a transposed convolution has it"),
        ({"space": (), "kernel": ()}, "space: got no spatial axis; a convolution has at least one"),
        ({"batch": 1.0}, "batch: got 1.0; it must be an integer"),
    ):
        with pytest.raises(ArgumentError, match=re.escape(message)):
            replace(good, **change)  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match=re.escape("w: got (8, 4) for x (1, 4, 9); x is (N, C, *space)")):
        Problem.of((1, 4, 9), (8, 4))
    with pytest.raises(ArgumentError, match=re.escape("w: got (8, 3, 3) with groups=1 for 4 channels; w is (K, C/groups")):
        Problem.of((1, 4, 9), (8, 3, 3))
    with pytest.raises(ArgumentError, match=re.escape("w: got (3, 8, 3) with groups=1 for 4 channels; w is (C, K/groups")):
        Problem.of((1, 4, 9), (3, 8, 3), transposed=True)
    with pytest.raises(ArgumentError, match="is not transposed; it has windows"):
        _ = good.transposed_windows
    with pytest.raises(ArgumentError, match="is transposed; it has transposed_windows"):
        _ = Problem.parse("convt:f32:c4:i9:k8:w3").windows
