"""The oracles against PyTorch in float64, and against the laws that convolutions obey."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import signal
from torch.nn import functional

from atrous import reference
from atrous.geometry import TransposedWindow, Window
from atrous.problem import Problem
from tests.oracles import by_definition, by_torch
from tests.strategies import operands, problems, sizes_for, windows

SEEDS = st.integers(0, 2**32 - 1)


@given(problems(), SEEDS)
def test_problems_are_pytorchs(problem: Problem, seed: int) -> None:
    x, w, bias = operands(problem, seed)
    found, wanted = by_definition(problem, x, w, bias), by_torch(problem, x, w, bias)
    assert found.shape == problem.output_shape
    np.testing.assert_allclose(found, wanted, rtol=1e-12, atol=1e-12 * max(1.0, float(abs(wanted).max())))


@given(problems(transposed=False), SEEDS)
def test_the_transpose_is_the_adjoint(problem: Problem, seed: int) -> None:
    x, w, _ = operands(replace(problem, dtype="float64"), seed)
    y = np.random.default_rng(seed + 1).standard_normal(problem.output_shape)
    # what a floor drops at the high end, the transposed convolution gives back as output padding
    transposed = tuple(
        TransposedWindow(v.kernel, v.stride, v.dilation, v.pad_lo, v.pad_hi, (v.pad_lo + n + v.pad_hi - v.extent) % v.stride)
        for v, n in zip(problem.windows, problem.space, strict=True)
    )
    back = reference.conv_transpose(y, w, None, transposed, problem.groups)
    left = float((reference.conv(x, w, None, problem.windows, problem.groups) * y).sum())
    assert left == pytest.approx(float((x * back).sum()), rel=1e-10, abs=1e-9)


@given(problems(transposed=False), SEEDS)
def test_dilation_is_a_dense_filter_made_sparse(problem: Problem, seed: int) -> None:
    x, w, bias = operands(problem, seed)
    sparse = np.zeros((*w.shape[:2], *(window.extent for window in problem.windows)), w.dtype)
    sparse[(..., *(slice(None, None, d) for d in problem.dilations))] = w
    dense = tuple(Window(v.extent, v.stride, 1, v.pad_lo, v.pad_hi) for v in problem.windows)
    found = reference.conv(x, sparse, bias, dense, problem.groups)
    np.testing.assert_allclose(found, by_definition(problem, x, w, bias), atol=1e-12)


@given(problems(), SEEDS)
def test_convolution_is_linear(problem: Problem, seed: int) -> None:
    problem = replace(problem, bias=False, dtype="float64")
    (x, w, _), (other, _, _) = operands(problem, seed), operands(problem, seed + 1)
    together = by_definition(problem, 2.0 * x - 3.0 * other, w, None)
    apart = 2.0 * by_definition(problem, x, w, None) - 3.0 * by_definition(problem, other, w, None)
    np.testing.assert_allclose(together, apart, atol=1e-10)


def test_a_convolution_is_not_flipped_and_an_impulse_shows_it() -> None:
    impulse, w = np.zeros((1, 1, 5)), np.array([[[1.0, 2.0, 3.0]]])
    impulse[0, 0, 2] = 1
    assert reference.conv(impulse, w, None, (Window(3),)).tolist() == [[[3.0, 2.0, 1.0]]]
    assert reference.conv_transpose(impulse, w, None, (TransposedWindow(3),)).tolist() == [[[0, 0, 1, 2, 3, 0, 0]]]


@given(st.integers(1, 3), st.integers(0, 2), SEEDS)
def test_shifts_by_multiples_of_the_stride_shift_the_output(stride: int, by: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    x, w = rng.standard_normal((1, 2, 20)), rng.standard_normal((3, 2, 3))
    y = reference.conv(x, w, None, (Window(3, stride),))
    shifted = reference.conv(x[..., by * stride :], w, None, (Window(3, stride),))
    np.testing.assert_array_equal(shifted, y[..., by:])


def test_one_channel_is_scipys_correlate() -> None:
    rng = np.random.default_rng(0)
    x, w = rng.standard_normal((9, 8, 7)), rng.standard_normal((3, 2, 4))
    found = reference.conv(x[None, None], w[None, None], None, (Window(3), Window(2), Window(4)))
    np.testing.assert_allclose(found[0, 0], signal.correlate(x, w, mode="valid", method="direct"), atol=1e-12)


MAX_POOLS = {1: functional.max_pool1d, 2: functional.max_pool2d, 3: functional.max_pool3d}
AVERAGE_POOLS = {1: functional.avg_pool1d, 2: functional.avg_pool2d}


@st.composite
def pools(draw: st.DrawFn, axes: int) -> tuple[tuple[Window, ...], tuple[int, ...]]:
    """Windows as PyTorch's pools have them: even padding of at most half the kernel, one ceil mode for all axes."""
    ceil = draw(st.booleans())
    found = []
    for window in (draw(windows(4)) for _ in range(axes)):
        pad = min(window.pad_lo, window.kernel // 2)
        found.append(replace(window, pad_lo=pad, pad_hi=pad, ceil=ceil))
    # PyTorch refuses what only ceil mode makes fit on the signal, so sizes start where a floor gives an output
    sizes = tuple(draw(sizes_for(replace(window, ceil=False), 14)) for window in found)
    return tuple(found), sizes


@given(st.integers(1, 3).flatmap(pools), SEEDS)
def test_max_pool_is_pytorchs(drawn: tuple[tuple[Window, ...], tuple[int, ...]], seed: int) -> None:
    found, sizes = drawn
    x = np.random.default_rng(seed).standard_normal((2, 3, *sizes))
    k, s, p, d = zip(*((v.kernel, v.stride, v.pad_lo, v.dilation) for v in found), strict=True)
    wanted = MAX_POOLS[len(sizes)](torch.from_numpy(x), k, s, p, d, found[0].ceil).numpy()
    np.testing.assert_array_equal(reference.max_pool(x, found), wanted)


@given(st.integers(1, 2).flatmap(pools), st.booleans(), SEEDS)
def test_average_pool_is_pytorchs(drawn: tuple[tuple[Window, ...], tuple[int, ...]], count: bool, seed: int) -> None:
    found, sizes = tuple(replace(window, dilation=1) for window in drawn[0]), drawn[1]
    x = np.random.default_rng(seed).standard_normal((2, 3, *sizes))
    k, s, p = zip(*((v.kernel, v.stride, v.pad_lo) for v in found), strict=True)
    wanted = AVERAGE_POOLS[len(sizes)](torch.from_numpy(x), k, s, p, found[0].ceil, count).numpy()
    np.testing.assert_allclose(reference.average_pool(x, found, count), wanted, atol=1e-12)


def test_pools_of_three_axes_average_all_of_them() -> None:
    x = np.arange(2.0**3 * 8).reshape(1, 1, 4, 4, 4)
    wanted = functional.avg_pool3d(torch.from_numpy(x), 2).numpy()
    np.testing.assert_array_equal(reference.average_pool(x, (Window(2, 2),) * 3), wanted)


def test_nan_and_infinity_in_pools_and_windows_wholly_on_padding() -> None:
    x = np.array([[[np.nan, 1.0, -np.inf, 2.0]]])
    assert np.isnan(reference.max_pool(x, (Window(2, 2),))).tolist() == [[[True, False]]]
    beyond = (Window(1, 1, pad_lo=1),)
    assert reference.max_pool(np.ones((1, 1, 1)), beyond).tolist() == [[[-np.inf, 1.0]]]
    assert reference.max_pool(np.ones((1, 1, 1), np.int8), beyond).tolist() == [[[-128, 1]]]
    assert reference.average_pool(np.ones((1, 1, 1)), beyond).tolist() == [[[0.0, 1.0]]]


@pytest.mark.parametrize("size", [1, 2, 3, 5, 9])
def test_lrn_is_pytorchs_for_odd_sizes_and_onnx_for_all(size: int) -> None:
    x = np.random.default_rng(0).standard_normal((2, 7, 3, 4))
    found = reference.lrn(x, size, alpha=0.3, beta=0.6, bias=1.5)
    if size % 2:
        wanted = functional.local_response_norm(torch.from_numpy(x), size, alpha=0.3, beta=0.6, k=1.5).numpy()
        np.testing.assert_allclose(found, wanted, atol=1e-12)
    for c in range(7):
        near = x[:, max(0, c - (size - 1) // 2) : min(7, c + size // 2 + 1)]
        np.testing.assert_allclose(found[:, c], x[:, c] / (1.5 + 0.3 / size * (near**2).sum(1)) ** 0.6, atol=1e-12)


@settings(max_examples=20)
@given(problems(dtypes=["float32"]), SEEDS)
def test_results_are_float64_unless_asked_otherwise(problem: Problem, seed: int) -> None:
    x, w, bias = operands(problem, seed)
    assert by_definition(problem, x, w, bias).dtype == np.float64
    if not problem.transposed:
        assert reference.conv(x, w, bias, problem.windows, problem.groups, dtype=np.float32).dtype == np.float32
