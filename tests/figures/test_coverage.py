"""Coverage maps against counting, and what their captions say of the causes."""

from __future__ import annotations

from collections import Counter
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from atrous import reference
from atrous.errors import ArgumentError
from atrous.figures.scene import Chart, State
from atrous.figures.scenes.coverage import coverage_map, overlap_map
from atrous.figures.scenes.growth import fields, growth
from atrous.figures.settings import as_layer
from atrous.geometry import Window, convolution_cost

settings = st.tuples(st.integers(1, 9), st.integers(1, 3), st.integers(1, 3), st.integers(1, 3), st.integers(0, 2))


@given(st.lists(settings, min_size=1, max_size=2))
def test_cells_carry_how_often_they_are_read(axes: list[tuple[int, int, int, int, int]]) -> None:
    size, kernel, stride, dilation, padding = (tuple(each) for each in zip(*axes, strict=True))
    try:
        layer = as_layer(size, kernel=kernel, stride=stride, dilation=dilation, padding=padding)
    except ArgumentError:
        return
    reads: Counter[tuple[int, ...]] = Counter()
    for at in product(*map(range, layer.outputs)):
        reads.update(product(*(window.inputs(o) for window, o in zip(layer.windows, at, strict=True))))  # type: ignore[arg-type]
    grid = coverage_map([layer]).grid("input")
    for i, row in enumerate(grid.cells):
        for j, cell in enumerate(row):
            assert cell.value == reads[(i, j)[-len(axes) :]]
            assert (cell.state is State.UNREAD) == (cell.value == 0)


def test_the_causes_are_told_for_each_axis() -> None:
    layer = as_layer((7, 9), kernel=2, stride=(2, 3))
    assert coverage_map([layer]).caption == (
        "36 of 63 inputs are read, 27 never",
        "never read of rows: 1 behind the last step",
        "never read of columns: 2 between the steps of the stride, 1 behind the last step",
    )
    dilated = as_layer(9, kernel=2, dilation=2, stride=5)
    assert coverage_map([dilated]).caption[1] == (
        "never read: 2 between the steps of the stride, 1 behind the last step, 2 between the taps of the dilation"
    )
    assert coverage_map([as_layer(5, kernel=3)]).caption == ("all 5 are read",)


def test_a_stack_reads_what_all_its_layers_pass_on() -> None:
    first = as_layer(12, kernel=2, stride=2)
    second = as_layer(first.outputs, kernel=1, stride=2)
    grid = coverage_map([first, second]).grid("input")
    impulses = np.eye(12)[:, None]
    ones = [np.ones((1, 1, window.kernel)) for window in (first.windows[0], second.windows[0])]
    influence = impulses
    for weights, layer in zip(ones, (first, second), strict=True):
        influence = reference.conv(influence, weights, None, layer.windows)  # type: ignore[arg-type]
    assert [cell.value for cell in grid.cells[0]] == influence.sum((1, 2)).tolist()


def test_the_overlap_of_a_transposed_layer_is_that_of_ones() -> None:
    layer = as_layer((3, 4), kernel=3, stride=2, padding=(1, 0), transposed=True)
    expected = reference.conv_transpose(np.ones((1, 1, 3, 4)), np.ones((1, 1, 3, 3)), None, layer.windows)  # type: ignore[arg-type]
    grid = overlap_map(layer).grid("output")
    assert [[cell.value for cell in row] for row in grid.cells] == expected[0, 0].tolist()
    assert overlap_map(layer).caption == ("the outputs are reached by 1 to 4 taps",)
    assert overlap_map(as_layer(4, kernel=2, stride=2, transposed=True)).caption == ("the outputs are reached evenly",)


def test_growth_is_that_of_geometry_for_equal_parameters() -> None:
    steps = growth(5, 3, 16)
    chart = steps[-1].bands[0][0]
    assert isinstance(chart, Chart)
    dilated, plain, larger = chart.series
    assert [y for _, y in dilated.points] == [3, 7, 15, 31, 63]
    assert [y for _, y in plain.points] == [3, 5, 7, 9, 11]
    one = convolution_cost(16, 16, (Window(3),) * 2, (9, 9)).parameters
    assert [x for x, _ in dilated.points] == [x for x, _ in plain.points] == [one * n for n in range(1, 6)]
    assert [len(step.bands[0][0].series[0].points) for step in steps] == [1, 2, 3, 4, 5]  # type: ignore[union-attr]
    assert steps[-1].caption == (
        "5 layers",
        "3×3, dilations 1, 2, 4, 8, ...: a field of 63 for 11,520 weights",
        "3×3, dilation 1: a field of 11 for 11,520 weights",
        "5×5, dilation 1: a field of 21 for 32,000 weights",
    )
    assert [y for _, y in larger.points] == fields([Window(5)] * 5)
    assert larger.points[0][0] == convolution_cost(16, 16, (Window(5),) * 2, (9, 9)).parameters
    assert fields([Window(5)] * 2) == [5, 9]


@pytest.mark.parametrize(("layers", "kernel"), [(0, 3), (13, 3), (4, 1)])
def test_a_stack_that_cannot_grow_is_refused(layers: int, kernel: int) -> None:
    with pytest.raises(ArgumentError, match=f"layers: got {layers} of kernel {kernel}; a stack has 1 to 12 layers of kernel 2"):
        growth(layers, kernel)
