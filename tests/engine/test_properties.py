"""What a convolution is, without an oracle: impulse, linearity, shift, adjoint, dilation; and pools, which keep some of it.

Signals hold small integers, so every sum is exact whatever its order, and equality means equality.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

import atrous
from atrous import reference
from atrous.geometry import Box, Padding, Window, as_padding
from atrous.graph.fact import Array
from atrous.graph.layers.pooling import AveragePool, MaxPool
from atrous.problem import Problem
from tests.engine.running import call, program_of, random_box, run_box, same_bits, single
from tests.strategies import LARGEST, channel_counts, problems, sizes_for, windows

SEEDS = st.integers(0, 2**32)
FEW = settings(max_examples=25)


def whole_numbers(problem: Problem, seed: int) -> tuple[Array, Array, Array]:
    """x, w and bias of small whole numbers."""
    rng = np.random.default_rng(seed)
    shapes = (problem.input_shape, problem.weight_shape, (problem.filters,))
    x, w, bias = (rng.integers(-4, 5, shape).astype(problem.dtype) for shape in shapes)
    return x, w, bias


def plain(problem: Problem) -> Problem:
    """Without bias: the linear part."""
    return replace(problem, bias=False)


@FEW
@given(problems(transposed=False), SEEDS)
def test_an_impulse_gives_the_kernel_back(problem: Problem, seed: int) -> None:
    """With one 1 in the signal, each output is the weight with which it reads that place."""
    _, w, _ = whole_numbers(problem, seed)
    rng = np.random.default_rng(seed)
    at = tuple(int(rng.integers(0, n)) for n in problem.input_shape)
    x = np.zeros(problem.input_shape, problem.dtype)
    x[at] = 1
    y = call(problem, x, w, None)
    channels, filters = problem.channels // problem.groups, problem.filters // problem.groups
    group, channel = divmod(at[1], channels)
    expected = np.zeros_like(y)
    for out in np.ndindex(*y.shape[2:]):
        taps = []
        for o, place, window in zip(out, at[2:], problem.windows, strict=True):
            tap, rest = divmod(place - o * window.stride + window.pad_lo, window.dilation)
            taps.append(tap if rest == 0 and 0 <= tap < window.kernel else None)
        if None not in taps:
            mine = slice(group * filters, (group + 1) * filters)
            expected[(at[0], mine, *out)] = w[(mine, channel, *taps)]
    assert np.array_equal(y, expected)


@FEW
@given(problems(), SEEDS)
def test_linearity(problem: Problem, seed: int) -> None:
    problem = plain(problem)
    (x1, w1, _), (x2, w2, _) = whole_numbers(problem, seed), whole_numbers(problem, seed + 1)
    assert np.array_equal(call(problem, 3 * x1 - x2, w1, None), 3 * call(problem, x1, w1, None) - call(problem, x2, w1, None))
    assert np.array_equal(call(problem, x1, w1 + 2 * w2, None), call(problem, x1, w1, None) + 2 * call(problem, x1, w2, None))


@FEW
@given(problems(transposed=False), st.integers(1, 3), SEEDS)
def test_a_shifted_signal_gives_a_shifted_result(problem: Problem, by: int, seed: int) -> None:
    """Row 2 of the lecture: for shifts that are multiples of the stride, to the last bit, away from the ends."""
    space = tuple(max(n, w.extent) + by * w.stride for n, w in zip(problem.space, problem.windows, strict=True))
    problem = replace(problem, pads=((0, 0),) * problem.axes, space=space)
    rng = np.random.default_rng(seed)
    x, w = (rng.standard_normal(shape).astype(problem.dtype) for shape in (problem.input_shape, problem.weight_shape))
    whole = call(problem, x, w, None)
    cut = tuple(slice(by * window.stride, None) for window in problem.windows)
    shifted = call(problem, x[(..., *cut)], w, None)
    assert same_bits(shifted, whole[(..., *(slice(by, None),) * problem.axes)].copy())


@FEW
@given(problems(transposed=False), SEEDS)
def test_the_transposed_convolution_is_the_adjoint(problem: Problem, seed: int) -> None:
    """⟨conv x, y⟩ = ⟨x, convᵀ y⟩; output padding restores what the stride floored away."""
    problem = plain(problem)
    x, w, _ = whole_numbers(problem, seed)
    y = np.random.default_rng(seed + 1).integers(-4, 5, problem.output_shape).astype(problem.dtype)
    extra = []
    for window, n, out in zip(problem.windows, problem.space, problem.output_shape[2:], strict=True):
        extra.append(window.pad_lo + n + window.pad_hi - ((out - 1) * window.stride + window.extent))
    twin = Problem(
        batch=problem.batch,
        channels=problem.filters,
        space=problem.output_shape[2:],
        filters=problem.channels,
        kernel=problem.kernel,
        strides=problem.strides,
        dilations=problem.dilations,
        pads=problem.pads,
        groups=problem.groups,
        transposed=True,
        output_padding=tuple(extra),
        dtype=problem.dtype,
    )
    forward, back = call(problem, x, w, None), call(twin, y, w, None)
    assert back.shape == x.shape
    assert np.vdot(forward.astype(np.float64), y) == np.vdot(x.astype(np.float64), back)


@FEW
@given(problems(), SEEDS)
def test_dilation_is_a_dense_filter_with_holes(problem: Problem, seed: int) -> None:
    """Row 12 of the lecture, in any number of axes and for the transposed convolution too."""
    x, w, bias = whole_numbers(problem, seed)
    kernel = tuple(1 + (k - 1) * d for k, d in zip(problem.kernel, problem.dilations, strict=True))
    dense = replace(problem, kernel=kernel, dilations=(1,) * problem.axes)
    sparse = np.zeros(dense.weight_shape, problem.dtype)
    sparse[(..., *(slice(None, None, d) for d in problem.dilations))] = w
    if problem.transposed and any(o >= max(s, 1) for o, s in zip(dense.output_padding, dense.strides, strict=True)):
        return  # an output padding that only the dilation allows
    assert np.array_equal(call(problem, x, w, bias), call(dense, x, sparse, bias))


@FEW
@given(problems(), SEEDS)
def test_groups_are_convolutions_side_by_side(problem: Problem, seed: int) -> None:
    x, w, bias = whole_numbers(problem, seed)
    whole = call(problem, x, w, bias)
    channels, filters = problem.channels // problem.groups, problem.filters // problem.groups
    one = replace(problem, channels=channels, filters=filters, groups=1)
    for g in range(min(3, problem.groups)):
        mine = slice(g * filters, (g + 1) * filters)
        read = slice(g * channels, (g + 1) * channels)
        part = call(one, x[:, read], w[read] if problem.transposed else w[mine], bias[mine])
        assert np.array_equal(part, whole[:, mine])


# -- pools --------------------------------------------------------------------------------------------------------------


@st.composite
def pools(draw: st.DrawFn) -> tuple[tuple[Window, ...], tuple[int, ...], str, dict[str, Any]]:
    """Windows, the signal's shape, its type, and the arguments of a call."""
    axes = draw(st.integers(1, 3))
    ceil = draw(st.booleans())
    found = tuple(replace(draw(windows(4 if axes < 3 else 3)), ceil=ceil) for _ in range(axes))
    space = tuple(draw(sizes_for(window, LARGEST[axes])) for window in found)
    channels = draw(channel_counts((4, 8, 16), 40 if axes < 3 else 9))[0]
    arguments = {
        "kernel": tuple(w.kernel for w in found),
        "stride": tuple(w.stride for w in found),
        "padding": tuple((w.pad_lo, w.pad_hi) for w in found),
        "dilation": tuple(w.dilation for w in found),
        "ceil": ceil,
    }
    return found, (draw(st.integers(1, 2)), channels, *space), draw(st.sampled_from(["float32", "float64"])), arguments


@settings(max_examples=60)
@given(pools(), SEEDS)
def test_pools_equal_their_definitions(pool: tuple[Any, ...], seed: int) -> None:
    found, shape, dtype, arguments = pool
    x = np.random.default_rng(seed).integers(-9, 10, shape).astype(dtype)
    largest = atrous.max_pool(x, **arguments)
    assert largest.dtype == x.dtype
    assert np.array_equal(largest, reference.max_pool(x, found))
    for counted in (False, True):
        mean = atrous.avg_pool(x, count_include_pad=counted, **arguments)
        expected = reference.average_pool(x, found, counted).astype(dtype)
        np.testing.assert_array_max_ulp(mean, expected, 1)


@FEW
@given(pools(), SEEDS)
def test_any_box_of_a_pool_equals_the_whole(pool: tuple[Any, ...], seed: int) -> None:
    _, shape, dtype, arguments = pool
    rng = np.random.default_rng(seed)
    x = rng.standard_normal(shape).astype(dtype)
    padding: Padding = as_padding(arguments["padding"], len(shape) - 2)
    sizes = (arguments["kernel"], arguments["stride"], arguments["dilation"], padding, arguments["ceil"])
    for layer in (MaxPool(*sizes), AveragePool(*sizes), AveragePool(*sizes, True)):
        program = single(layer, dtype, shape[1], len(shape) - 2, {})
        whole = program(x)
        assert same_bits(whole, run_box(program, x, Box.full(whole.shape), threads=3))
        for _ in range(2):
            box = random_box(rng, whole.shape)
            assert same_bits(run_box(program, x, box, threads=2), whole[box.slices()].copy()), f"{layer} {box}"
        assert same_bits(program(x[-1:]), whole[-1:].copy())


@FEW
@given(pools(), SEEDS)
def test_a_maximum_commutes_with_what_keeps_order(pool: tuple[Any, ...], seed: int) -> None:
    """max-pool of 2x+1 is 2 max-pool + 1; the mean pool is linear (without padding that counts)."""
    _, shape, dtype, arguments = pool
    x = np.random.default_rng(seed).integers(-9, 10, shape).astype(dtype)
    once = atrous.max_pool(x, **arguments)
    assert np.array_equal(atrous.max_pool(2 * x + 1, **arguments), 2 * once + 1)
    y = np.random.default_rng(seed + 1).integers(-9, 10, shape).astype(dtype)
    added = atrous.avg_pool(x + y, **arguments)
    np.testing.assert_allclose(added, atrous.avg_pool(x, **arguments) + atrous.avg_pool(y, **arguments), rtol=1e-5, atol=1e-5)


def test_program_and_call_agree_bit_for_bit() -> None:
    """The call, the layer with packed weights and the program are one path."""
    problem = Problem.parse("conv:f32:n2:c5:i9x20:k7:w3x3:s2:p1:b")
    rng = np.random.default_rng(0)
    shapes = (problem.input_shape, problem.weight_shape, (7,))
    x, w, bias = (rng.standard_normal(shape).astype("float32") for shape in shapes)
    f = atrous.Conv(w, bias, stride=2, padding=1)
    assert same_bits(call(problem, x, w, bias), f(x))
    assert same_bits(program_of(problem, w, bias)(x), f(x))
    out = np.empty_like(f(x))
    assert f(x, out=out) is out
    assert same_bits(out, f(x))
