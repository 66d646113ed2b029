"""Convolutions and transposed ones against the definition and PyTorch, both in float64: random, at the seams, and cropped."""

from __future__ import annotations

from dataclasses import replace
from itertools import count

import numpy as np
import pytest
from hypothesis import given, seed, settings
from hypothesis import strategies as st

from atrous.engine.compiler import default_compiler
from atrous.geometry import Box
from atrous.problem import Problem
from tests.engine.running import TOLERANCE, call, error, kernels, program_of, random_box, run_box, same_bits
from tests.oracles import by_definition, by_torch
from tests.strategies import around, operands, other_sizes, problems

#: How many signals of other sizes each random layer gets: kernels belong to the layer, so these cost no compiling.
SIZES = 8


def check(problem: Problem, seed: int) -> None:
    """The engine's result against both oracles, and them against each other."""
    x, w, bias = operands(problem, seed)
    result = call(problem, x, w, bias)
    expected = by_definition(problem, x, w, bias)
    assert result.dtype == np.dtype(problem.dtype)
    assert error(by_torch(problem, x, w, bias), expected) <= TOLERANCE["float64"]
    assert error(result, expected) <= TOLERANCE[problem.dtype], str(problem)


def random_problems(least: int) -> None:
    """Random layers, each on signals of several sizes, until so many different problems have been checked."""
    seen: set[str] = set()

    @settings(max_examples=least // 2)
    @given(st.data())
    def search(data: st.DataObject) -> None:
        layer = data.draw(problems())
        for problem in (layer, *(data.draw(other_sizes(layer)) for _ in range(SIZES - 1))):
            if str(problem) not in seen and len(seen) < least:
                check(problem, seed=len(str(problem)))
                seen.add(str(problem))

    # hypothesis likes to repeat itself, and where it is derandomised, as it is in CI, every round would be the same
    for number in count():
        if len(seen) >= least:
            break
        seed(number)(search)()


def test_random_problems() -> None:
    random_problems(200)


@pytest.mark.slow
def test_two_thousand_random_problems() -> None:
    random_problems(2000)


LANES = {dtype: default_compiler().target.lanes(dtype) for dtype in ("float32", "float64")}
IMAGE = Problem.parse("conv:f32:n2:c3:i6x9:k5:w3x3:p1:b")


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("axis", ["channels", "filters", "row", "depthwise", "groups"])
def test_sizes_around_the_vector_width(dtype: str, axis: str) -> None:
    """1, v-1, v, v+1, 4v-1, 4v, 4v+1 of each size in turn, all others kept."""
    for size in around([LANES[dtype]], 4 * LANES[dtype] + 1):
        change: dict[str, dict[str, object]] = {
            "channels": {"channels": size},
            "filters": {"filters": size},
            "row": {"space": (6, size)},
            "depthwise": {"channels": size, "filters": size, "groups": size},
            "groups": {"channels": 2 * 3, "filters": 2 * size, "groups": 2},
        }
        problem = replace(IMAGE, dtype=dtype, **change[axis])
        check(problem, seed=size)
        check(replace(problem, transposed=True, strides=(2, 2), output_padding=(1, 0)), seed=size)


@pytest.mark.parametrize(
    "text",
    [
        "conv:f32:c5:i9x11:k7:w3x3:p-1+2x1+-2",
        "conv:f64:c4:i13:k4:w3:d2:p-2+-1:g4",
        "convt:f32:c5:i6x7:k3:w3x2:s2x3:p-2+1x-1+-1",
        "convt:f32:c3:i9:k2:w2:s5",  # outputs that no tap reaches hold the bias
        "convt:f32:c3:i5x5:k2:w2x2:s3:d2:b",
        "convt:f32:n2:c9:i21:k1:w64:s16:p5:b",  # many phases side by side
        "conv:f32:c512:i5x6:k16:w3x3:p1",  # pixels of an array in between lie a line further apart
        "conv:f32:c2:i3x3:k2:w2x2:d4:p6",  # windows that lie wholly on padding
        "conv:f32:c1:i4:k1:w31:p40",
        "conv:f32:c40:i5x5:k3:w1x1:s4",
    ],
)
def test_unusual_windows(text: str) -> None:
    """Paddings that crop, windows with nothing under them, strides beyond the kernel: through networks, as ONNX has them."""
    problem = Problem.parse(text)
    x, w, bias = operands(problem)
    result = program_of(problem, w, bias)(x)
    assert error(result, by_definition(problem, x, w, bias)) <= TOLERANCE[problem.dtype]


@settings(max_examples=25)
@given(st.data())
def test_any_box_equals_the_whole_bit_for_bit(data: st.DataObject) -> None:
    """Tiled = whole, for any box of any layer, with any number of threads; batch position does not matter either."""
    layer = data.draw(problems())
    _, w, bias = operands(layer)
    program = program_of(layer, w, bias)
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    for problem in (layer, data.draw(other_sizes(layer))):
        x = operands(problem, seed=1)[0]
        whole = program(x)
        assert same_bits(whole, run_box(program, x, Box.full(whole.shape), threads=3))
        for _ in range(3):
            box = random_box(rng, whole.shape)
            part = run_box(program, x, box, threads=int(rng.integers(1, 4)))
            assert same_bits(part, whole[box.slices()].copy()), f"{problem} {box}"
        for image in range(problem.batch):
            assert same_bits(program(x[image : image + 1]), whole[image : image + 1].copy())
        assert same_bits(program(np.concatenate([x[::-1], x])), np.concatenate([whole[::-1], whole]))


@pytest.mark.parametrize(
    "text", ["conv:f32:c7:i9x64:k19:w3x3:p1:b", "convt:f32:c4:i5x40:k6:w4x4:s2:p1", "conv:f64:c6:i6x64:k6:w3x3:g6"]
)
def test_a_new_size_compiles_nothing(text: str) -> None:
    """Kernels are specialised on the layer: batch and outer sizes never matter, rows only choose among a few register tiles."""
    problem = Problem.parse(text)
    x, w, bias = operands(problem)
    program = program_of(problem, w, bias)
    program(x)
    before = kernels()
    for batch, rows in ((1, 3), (2, 12), (3, 31)):
        program(operands(replace(problem, batch=batch, space=(rows, problem.space[1])))[0])
    assert kernels() == before
    for row in range(3, 130):
        program(operands(replace(problem, space=(3, row)))[0])
    few = kernels() - before
    for row in range(130, 200):
        program(operands(replace(problem, space=(3, row)))[0])
    assert few <= 30
    assert kernels() - before - few <= 2
