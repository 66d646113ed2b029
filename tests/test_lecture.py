"""The lecture's numbers, row by row of its table of contents, from geometry and the definitions."""

from __future__ import annotations

from itertools import product

import numpy as np

from atrous import reference
from atrous.geometry import (
    Coverage,
    Explicit,
    ReceptiveField,
    Window,
    convolution_cost,
    coverage,
    fully_connected_cost,
    output_sizes,
    read_count,
)


def test_row_1_a_linear_layer_on_an_image_is_intractable() -> None:
    image = (3, 256, 256)
    cost = fully_connected_cost(image, image)
    assert cost.parameters == cost.macs == (256 * 256 * 3) ** 2 == 38_654_705_664
    assert cost.bytes(4) == 154_618_822_656  # about 150 GB
    convolution = convolution_cost(3, 3, (Window(3, pad_lo=1, pad_hi=1),) * 2, (256, 256))
    assert (convolution.parameters, convolution.bytes(4), convolution.macs) == (81, 324, 5_308_416)


def test_row_3_a_convolution_of_one_axis_is_not_flipped() -> None:
    x, u = np.array([[[1, 2, 3, 4]]]), np.array([[[3, 2]]])
    assert reference.conv(x, u, None, (Window(2),)).tolist() == [[[3 + 4, 6 + 6, 9 + 8]]]
    for length, width in product(range(1, 9), range(1, 9)):
        assert max(0, Window(width).output_size(length)) == max(0, length - width + 1)


def test_row_4_the_kernel_moves_over_rows_and_columns_never_over_channels() -> None:
    rng = np.random.default_rng(0)
    x, kernel = rng.standard_normal((1, 3, 7, 9)), rng.standard_normal((1, 3, 2, 4))
    y = reference.conv(x, kernel, None, (Window(2), Window(4)))
    assert y.shape == (1, 1, 7 - 2 + 1, 9 - 4 + 1)
    np.testing.assert_allclose(y[0, 0, 3, 2], (x[0, :, 3:5, 2:6] * kernel[0]).sum(), rtol=1e-13)


def test_row_5_a_layer_of_d_kernels() -> None:
    windows = (Window(2), Window(4))
    assert output_sizes(windows, (7, 9)) == (6, 6)
    for sizes in ((7, 9), (700, 900)):
        assert convolution_cost(3, 5, windows, sizes).parameters == 5 * 3 * 2 * 4
        assert convolution_cost(3, 5, windows, sizes, bias=True).parameters == 5 * 3 * 2 * 4 + 5


def test_row_9_padding_and_stride_in_nine_steps() -> None:
    windows = Explicit(((2, 2), (1, 1))).windows((3, 3), (2, 2), (1, 1), (3, 5))
    assert [window.pad_lo + n + window.pad_hi for window, n in zip(windows, (3, 5), strict=True)] == [7, 7]
    assert output_sizes(windows, (3, 5)) == (3, 3)
    steps = [tuple(window.needs(o, o + 1) for window, o in zip(windows, at, strict=True)) for at in np.ndindex(3, 3)]
    assert len(steps) == 9
    assert (steps[0], steps[4], steps[8]) == (((-2, 1), (-1, 2)), ((0, 3), (1, 4)), ((2, 5), (3, 6)))


def test_row_10_a_stride_may_ignore_some_of_the_input() -> None:
    window = Window(2, stride=3)
    found = coverage([window], [9, 3])
    assert found == Coverage((1, 1, 0, 1, 1, 0, 1, 1, 0))
    assert list(found.unread) == [2, 5, 8]
    assert read_count(window, 9) == 6
    # the remainder at the end is lost to the floor as well
    assert list(coverage([Window(3, stride=2)], [8, 3]).unread) == [7]


def test_rows_11_and_12_a_dilated_kernel_is_a_sparse_filter() -> None:
    window = Window(3, dilation=4)
    assert window.extent == 1 + (3 - 1) * 4 == 9
    assert 20 - window.output_size(20) == 8
    rng = np.random.default_rng(0)
    x, w = rng.standard_normal((1, 1, 20)), rng.standard_normal((1, 1, 3))
    sparse = np.zeros((1, 1, 9))
    sparse[..., ::4] = w
    np.testing.assert_array_equal(reference.conv(x, w, None, (window,)), reference.conv(x, sparse, None, (Window(9),)))
    assert [list(Window(3, dilation=d).inputs(0)) for d in (1, 2)] == [[0, 1, 2], [0, 2, 4]]


def test_row_13_dilation_enlarges_the_field_without_more_parameters() -> None:
    plain = [Window(3)] * 4
    dilated = [Window(3, dilation=d) for d in (1, 2, 4, 8)]
    assert [ReceptiveField.through(plain[:n]).size for n in range(1, 5)] == [3, 5, 7, 9]
    assert [ReceptiveField.through(dilated[:n]).size for n in range(1, 5)] == [3, 7, 15, 31]
    for stack in (plain, dilated):
        assert [convolution_cost(8, 8, (w, w), (64, 64)).parameters for w in stack] == [576] * 4


def test_row_16_the_context_module_of_yu_and_koltun() -> None:
    """Yu and Koltun, "Multi-Scale Context Aggregation by Dilated Convolutions", arXiv 1511.07122, table 1."""
    dilations = [1, 1, 2, 4, 8, 16, 1]
    stack = [Window(3, dilation=d, pad_lo=d, pad_hi=d) for d in dilations] + [Window(1)]
    fields = [ReceptiveField.through(stack[:n]) for n in range(1, 9)]
    assert [field.size for field in fields] == [3, 5, 9, 17, 33, 65, 67, 67]
    assert all(len(field.inputs(0)) == field.size for field in fields)
    channels = 10
    assert sum(convolution_cost(channels, channels, (w, w), (64, 64)).parameters for w in stack) == 64 * channels**2
