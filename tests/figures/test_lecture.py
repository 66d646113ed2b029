"""The lecture's figures: each row is there, and the numbers in it are those of the lecture, computed."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from atrous import reference
from atrous.errors import ArgumentError
from atrous.figures import lecture
from atrous.figures.lecture import ROWS, Row
from atrous.figures.scene import Grid, Scene, State, Volume
from atrous.figures.scenes.connections import connections, neighbours
from atrous.figures.scenes.convolution import convolution, numbers_of, prelude
from atrous.figures.scenes.equivariance import equivariance
from atrous.figures.scenes.sparsified import sparsified
from atrous.figures.scenes.stack import MOST, classifier, linearity, shrinking
from atrous.figures.settings import as_layer
from atrous.geometry import Window
from atrous.graph import networks


def values(scene: Scene, name: str) -> list[float | None]:
    return [cell.value for row in scene.grid(name).cells for cell in row]


def volumes(scene: Scene) -> list[Volume]:
    return [part for band in scene.bands for part in band if isinstance(part, Volume)]


def test_there_is_a_figure_for_each_row() -> None:
    assert [row.number for row in ROWS] == list(range(1, 17))
    with pytest.raises(ArgumentError, match="lecture: got row 17; there are 1, 2, 3"):
        lecture(17)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: str(row.number))
def test_every_step_is_small(row: Row) -> None:
    figure = row.figure()
    for number in range(1, len(figure) + 1):
        assert len(figure.step(number).svg().encode()) < 60_000


def test_row_2_the_output_shifts_with_the_input_by_multiples_of_the_stride() -> None:
    for stride in (1, 2, 3):
        for shift, scene in enumerate(equivariance(stride=stride)):
            told = scene.caption[0].partition(": ")[2]
            assert told.startswith("the same" if shift % stride == 0 else "another")
            assert bool(scene.grid("shifted output").find(State.CURRENT)) == (shift % stride == 0)
    with pytest.raises(ArgumentError, match=r"x: got \(1, 2\); it must end in 1 zeros, which is how far it is shifted"):
        equivariance((1, 2), (1,), shifts=1)


def test_row_3_seven_twelve_seventeen() -> None:
    last = lecture(3).scenes[-1]
    assert (values(last, "input"), values(last, "kernel"), values(last, "output")) == ([1, 2, 3, 4], [3, 2], [7, 12, 17])
    assert [scene.caption[1] for scene in lecture(3).scenes] == ["1·3 + 2·2 = 7", "2·3 + 3·2 = 12", "3·3 + 4·2 = 17"]


def test_rows_4_and_5_sizes() -> None:
    assert (lecture(4).scenes[0].grid("output").rows, lecture(4).scenes[0].grid("output").columns) == (5 - 3 + 1, 6 - 3 + 1)
    assert lecture(5).scenes[0].grid("output").depth == 4
    assert sum(grid.name == "kernel" for grid in lecture(5).scenes[0].grids()) == 4


def test_row_6_neighbours_share_inputs() -> None:
    for output, scene in enumerate(neighbours(8, 3)):
        both = set(range(output, output + 3)) & set(range(output - 1, output + 2)) if output else set()
        assert {place for _, place in scene.grid("input").find(State.SHARED)} == both


def test_row_8_a_convolution_connects_few_and_a_fully_connected_layer_all() -> None:
    local, full = connections(9, 3)
    assert (len(local.links), len(full.links)) == (7 * 3, 7 * 9)
    assert len(full.grid("input").find(State.FIELD)) == 9


def test_row_9_is_set_up_and_then_takes_nine_steps() -> None:
    scenes = lecture(9).scenes
    assert [scene.caption[0] for scene in scenes[:4]] == [
        "the input",
        "padding (2, 1): a frame of zeros around the input",
        "stride 2: where each step starts",
        "the kernel 3×3",
    ]
    assert len(scenes) == 4 + 9
    assert scenes[2].grid("input").find(State.START) == tuple((i, j) for i in (-2, 0, 2) for j in (-1, 1, 3))
    frames = [scene.grid("input").frame for scene in scenes[4:]]
    assert [(frame.top, frame.left) for frame in frames if frame] == [(i, j) for i in (0, 2, 4) for j in (0, 2, 4)]
    assert scenes[-1].grid("output").find(State.PENDING) == ()


def test_row_10_names_what_is_never_read() -> None:
    assert lecture(10).scenes[-1].caption[0] == "36 of 63 inputs are read, 27 never"
    assert len(lecture(10).scenes[0].grid("input").find(State.UNREAD)) == 27


def test_row_11_the_same_kernel_with_dilation_1_and_2() -> None:
    titles = [scene.title for scene in lecture(11).scenes]
    assert sorted(set(titles)) == ["Dilation 1", "Dilation 2"]
    supports = {scene.title: scene.grid("input").frame for scene in lecture(11).scenes}
    assert [frame.bottom - frame.top for frame in supports.values() if frame] == [3, 5]


@given(st.integers(1, 4), st.integers(1, 5), st.integers(0, 8))
def test_row_12_dilated_is_dense_sparsified(kernel: int, dilation: int, more: int) -> None:
    size = 1 + (kernel - 1) * dilation + more
    last = sparsified(size, kernel, dilation)[-1]
    assert values(last, "dilated") == values(last, "dense")
    assert last.grid("filter").columns == Window(kernel, dilation=dilation).extent
    assert len(last.grid("filter").find(State.WEIGHT)) == kernel


def test_row_12_the_lectures_numbers() -> None:
    scene = sparsified(13, 3, 4)[0]
    assert scene.caption[1] == "size 1 + (3 − 1)·4 = 9: the map is 8 shorter than the input"


def test_row_14_ends_in_one_decision() -> None:
    shown = volumes(shrinking(classifier(), (1, 1, 33, 33)))
    assert [(v.rows, v.columns) for v in shown] == [(33, 33), (16, 16), (7, 7), (3, 3), (1, 1), (1, 1)]
    assert shown[-1].channels == 10


def test_row_15_only_activation_functions_are_not_linear() -> None:
    shown = volumes(linearity(classifier(), (1, 1, 33, 33)))
    assert [v.name for v in shown if v.state is State.NONLINEAR] == ["relu", "relu_2", "relu_3", "relu_4"]
    scene = linearity(networks.resnet50(), (1, 3, 224, 224))
    assert len(volumes(scene)) == MOST
    assert scene.caption[1].startswith(f"the first {MOST} of ")


axis = st.tuples(st.integers(1, 6), st.integers(1, 3), st.integers(1, 3), st.integers(1, 2), st.integers(0, 2))


@given(st.lists(axis, min_size=1, max_size=3), st.integers(1, 2), st.integers(1, 3), st.integers(1, 2))
def test_the_steps_of_any_convolution(axes: list[tuple[int, ...]], channels: int, filters: int, groups: int) -> None:
    size, kernel, stride, dilation, padding = (tuple(each) for each in zip(*axes, strict=True))
    try:
        layer = as_layer(
            *(size,),
            kernel=kernel,
            stride=stride,
            dilation=dilation,
            padding=padding,
            channels=channels * groups,
            filters=filters * groups,
            groups=groups,
        )
    except ArgumentError:
        assume(False)
        raise
    assume(np.prod(layer.outputs) <= 40)
    numbered = len(axes) < 3 or (channels, filters) == (1, 1)
    numbers = numbers_of(layer) if numbered else None
    steps = convolution(layer, numbers)
    assert len(steps) == np.prod(layer.outputs)
    for at, scene in zip(np.ndindex(*layer.outputs), steps, strict=True):
        window_sets = [set(window.inputs(o)) for window, o in zip(layer.windows, at, strict=True)]
        grid = next(grid for grid in scene.grids() if grid.frame is not None)
        read = grid.find(State.READ, State.READ_PADDING)
        if len(axes) == 2:
            assert set(read) == {(i, j) for i in window_sets[0] for j in window_sets[1]}
        if len(axes) == 1:
            assert {place for _, place in read} == window_sets[0]
    if numbers is not None:
        last = [grid for grid in steps[-1].grids() if grid.name.startswith("output")]
        shown = [cell.value for grid in last for row in grid.cells for cell in row]
        expected = reference.conv(numbers.x[None], numbers.w, None, layer.windows, groups)  # type: ignore[arg-type]
        assert shown == expected.ravel().tolist()


def test_a_layer_without_padding_or_stride_needs_less_setting_up() -> None:
    scenes = prelude(as_layer(5, kernel=3))
    assert [scene.caption[0] for scene in scenes] == ["the input", "the kernel 3"]
    assert all(isinstance(part, Grid) for scene in scenes for band in scene.bands for part in band)
