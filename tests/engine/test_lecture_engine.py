"""The lecture's examples, run: rows of its table of contents through ``atrous.conv`` and compiled networks."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

import atrous
from atrous.errors import ArgumentError
from atrous.geometry import Window
from atrous.graph.networks import context_module
from tests.engine.running import same_bits

RNG = np.random.default_rng(2024)


def test_row_3_one_axis_not_flipped() -> None:
    """(1,2,3,4)⊗(3,2) = (3+4, 6+6, 9+8); W-w+1 outputs."""
    y = atrous.conv([[[1.0, 2, 3, 4]]], [[[3.0, 2]]])
    assert y.tolist() == [[[7, 12, 17]]]
    for length, width in product(range(1, 9), range(1, 9)):
        x, u = np.ones((1, 1, length), "float32"), np.ones((1, 1, width), "float32")
        if length >= width:
            assert atrous.conv(x, u).shape == (1, 1, length - width + 1)
        else:
            with pytest.raises(ArgumentError, match="no output"):
                atrous.conv(x, u)


def test_row_4_rows_and_columns_never_channels() -> None:
    x, kernel = RNG.standard_normal((1, 3, 7, 9)), RNG.standard_normal((1, 3, 2, 4))
    y = atrous.conv(x, kernel)
    assert y.shape == (1, 1, 7 - 2 + 1, 9 - 4 + 1)
    for i, j in np.ndindex(6, 6):
        np.testing.assert_allclose(y[0, 0, i, j], (x[0, :, i : i + 2, j : j + 4] * kernel[0]).sum(), rtol=1e-12, atol=1e-12)


def test_row_5_d_kernels_make_d_maps() -> None:
    """A layer of D kernels is D convolutions side by side, on images of any size with the same parameters."""
    kernels, biases = RNG.standard_normal((5, 3, 2, 4)).astype("float32"), RNG.standard_normal(5).astype("float32")
    layer = atrous.Conv(kernels, biases)
    for height, width in ((7, 9), (70, 90)):
        x = RNG.standard_normal((1, 3, height, width)).astype("float32")
        y = layer(x)
        assert y.shape == (1, 5, height - 1, width - 3)
        for d in range(5):
            np.testing.assert_allclose(
                y[:, d : d + 1], atrous.conv(x, kernels[d : d + 1], biases[d : d + 1]), rtol=1e-5, atol=1e-5
            )


def test_row_9_padding_and_stride_in_nine_steps() -> None:
    """C×3×5, padding (2,1), stride (2,2), kernel C×3×3: nine positions, a 3×3 map."""
    x, kernel = RNG.standard_normal((1, 2, 3, 5)), RNG.standard_normal((1, 2, 3, 3))
    y = atrous.conv(x, kernel, padding=(2, 1), stride=(2, 2))
    assert y.shape == (1, 1, 3, 3)
    framed = np.pad(x, ((0, 0), (0, 0), (2, 2), (1, 1)))
    assert framed.shape[2:] == (7, 7)
    for i, j in np.ndindex(3, 3):
        expected = (framed[0, :, 2 * i : 2 * i + 3, 2 * j : 2 * j + 3] * kernel[0]).sum()
        np.testing.assert_allclose(y[0, 0, i, j], expected, rtol=1e-12, atol=1e-12)


def test_row_11_dilation_is_a_filter_with_regular_holes() -> None:
    x, kernel = RNG.standard_normal((1, 1, 9, 9)).astype("float32"), RNG.standard_normal((1, 1, 3, 3)).astype("float32")
    assert same_bits(atrous.conv(x, kernel, dilation=1), atrous.conv(x, kernel))
    holes = np.zeros((1, 1, 5, 5), "float32")
    holes[..., ::2, ::2] = kernel
    assert np.array_equal(atrous.conv(x, kernel, dilation=2), atrous.conv(x, holes))


def test_row_12_three_taps_four_apart() -> None:
    """k=3, d=4: a filter of size 9 with 3 coefficients; the maps differ in size by 8."""
    x, kernel = RNG.standard_normal((1, 1, 20)), RNG.standard_normal((1, 1, 3))
    y = atrous.conv(x, kernel, dilation=4)
    assert Window(3, dilation=4).extent == 9
    assert x.shape[-1] - y.shape[-1] == 8
    filter_of_9 = np.zeros((1, 1, 9))
    filter_of_9[..., ::4] = kernel
    assert np.array_equal(y, atrous.conv(x, filter_of_9))


def test_row_16_the_context_module_sees_67_by_67_without_holes() -> None:
    """Kernels of ones carry an impulse to just the outputs that see it: 3, 5, 9, 17, 33, 65, 67, 67 a side, all of them."""
    size, kernel = 75, np.ones((1, 1, 3, 3))
    y = np.zeros((1, 1, size, size))
    y[..., size // 2, size // 2] = 1
    sides = []
    for dilation in (1, 1, 2, 4, 8, 16, 1):
        y = atrous.conv(y, kernel, padding=dilation, dilation=dilation)
        sides.append(np.count_nonzero(y[0, 0, size // 2]))
        assert np.count_nonzero(y) == sides[-1] ** 2
    sides.append(np.count_nonzero(atrous.conv(y, np.ones((1, 1, 1, 1)))[0, 0, size // 2]))
    assert sides == [3, 5, 9, 17, 33, 65, 67, 67]


def test_row_16_the_basic_module_is_the_identity_at_first() -> None:
    """The paper's initialisation (equation 4): a non-negative image passes unchanged."""
    maps = np.abs(RNG.standard_normal((1, 4, 20, 31))).astype("float32")
    assert same_bits(atrous.compile(context_module(channels=4))(maps), maps)
