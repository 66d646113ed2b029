"""Both views of a transposed convolution end in what `reference` computes, and their cells follow the windows."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from atrous import reference
from atrous.errors import ArgumentError
from atrous.figures.scene import Scene, State
from atrous.figures.scenes.transposed import spreading, stretching, transposed_numbers
from atrous.figures.settings import Layer, as_layer
from atrous.geometry import TransposedWindow

axis = st.tuples(
    st.integers(1, 4), st.integers(1, 3), st.integers(1, 3), st.integers(1, 2), st.integers(0, 2), st.integers(0, 1)
)


def layers(axes: list[tuple[int, ...]]) -> Layer:
    size, kernel, stride, dilation, padding, extra = (tuple(each) for each in zip(*axes, strict=True))
    try:
        return as_layer(
            size, kernel=kernel, stride=stride, dilation=dilation, padding=padding, output_padding=extra, transposed=True
        )
    except ArgumentError:
        assume(False)
        raise


def shown(scene: Scene) -> list[float]:
    """The numbers of the output inside its true extent."""
    grids = [grid for grid in scene.grids() if grid.name.startswith("output")]
    return [c.value or 0.0 for grid in grids for row in grid.cells for c in row if c.state is not State.CUT]


@given(st.lists(axis, min_size=1, max_size=3))
def test_both_views_end_in_the_same_output(axes: list[tuple[int, ...]]) -> None:
    layer = layers(axes)
    assume(np.prod(layer.space) * np.prod(layer.outputs) < 3000)
    numbers = transposed_numbers(layer)
    windows = [window for window in layer.windows if isinstance(window, TransposedWindow)]
    expected = reference.conv_transpose(numbers.x[None], numbers.w, None, windows)[0, 0]
    assert np.array_equal(numbers.y[0], expected)
    # a stride beyond the kernel leaves outputs that nothing reaches: they are zero and carry no number
    assert shown(spreading(layer, numbers)[-1]) == expected.ravel().tolist()
    assert shown(stretching(layer, numbers)[-1]) == expected.ravel().tolist()


@given(st.lists(axis, min_size=1, max_size=2))
def test_what_an_input_adds_to_is_what_reads_it(axes: list[tuple[int, ...]]) -> None:
    layer = layers(axes)
    for at, scene in zip(np.ndindex(*layer.space), spreading(layer), strict=True):
        found = {place[-len(at) :] for place in scene.grid("output").find(State.ADDED)}
        reading = {
            out
            for out in np.ndindex(*layer.outputs)
            if all(i in window.inputs(o) for i, window, o in zip(at, layer.windows, out, strict=True))
        }
        assert found == reading


def test_channels_and_groups_in_the_view_as_a_convolution() -> None:
    layer = as_layer((2, 3), kernel=2, stride=2, channels=4, filters=2, groups=2, transposed=True)
    numbers = transposed_numbers(layer)
    last = stretching(layer, numbers)[-1]
    maps = [grid for grid in last.grids() if grid.name == "output"]
    assert [[cell.value for row in grid.cells for cell in row] for grid in maps] == [y.ravel().tolist() for y in numbers.y]


def test_what_is_cut_off_is_shown_and_said() -> None:
    scene = spreading(as_layer(3, kernel=3, stride=2, padding=1, transposed=True))[0]
    assert scene.grid("output").find(State.CUT) == ((0, -1), (0, 5))
    assert State.CUT in scene.legend
    assert scene.caption == ("step 1 of 3: input 0 adds the kernel to the output",)


def test_zeros_between_inputs_are_told_apart_from_inputs() -> None:
    scene = stretching(as_layer(3, kernel=1, stride=3, transposed=True))[0]
    grid = scene.grid("input")
    assert grid.label == "stretched input 7"
    assert grid.find(State.INSERTED) == ((0, 1), (0, 2), (0, 4), (0, 5))


def test_numbers_of_many_channels_do_not_spread() -> None:
    layer = as_layer(3, kernel=2, channels=2, transposed=True)
    with pytest.raises(ArgumentError, match="numbers: got 2 channels and 1 kernels; kernels spread in numbers for one channel"):
        spreading(layer, transposed_numbers(layer))


def test_the_title_tells_every_setting() -> None:
    layer = as_layer(3, kernel=3, stride=2, padding=1, output_padding=1, transposed=True)
    title = "Transposed convolution: kernel 3, padding 1, stride 2, output padding 1"
    assert {scene.title for scene in (*spreading(layer), *stretching(layer))} == {title}
