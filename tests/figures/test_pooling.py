"""Pooling figures against `reference`: outputs, winners, and what counts."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from atrous import reference
from atrous.errors import ArgumentError
from atrous.figures.scene import State
from atrous.figures.scenes.pooling import MAXIMUM, MEAN, MEAN_WITH_PADDING, Pool, pooling
from atrous.figures.settings import Layer, as_layer

axis = st.tuples(st.integers(1, 6), st.integers(1, 3), st.integers(1, 3), st.integers(1, 2), st.integers(0, 1))


@given(st.lists(axis, min_size=1, max_size=3), st.booleans(), st.sampled_from([MAXIMUM, MEAN, MEAN_WITH_PADDING]))
def test_the_last_step_shows_what_reference_computes(axes: list[tuple[int, ...]], ceil: bool, pool: Pool) -> None:
    size, kernel, stride, dilation, padding = (tuple(each) for each in zip(*axes, strict=True))
    layer: Layer | None = None
    try:
        layer = as_layer(size, kernel=kernel, stride=stride, dilation=dilation, padding=padding, ceil=ceil)
    except ArgumentError:
        assume(False)
    assert layer is not None
    x = np.random.default_rng(1).integers(0, 10, size).astype(float)
    steps = pooling(layer, pool, x)
    grids = [grid for grid in steps[-1].grids() if grid.name.startswith("output")]
    shown = [cell.value for grid in grids for row in grid.cells for cell in row]
    assert shown == pool.oracle(x[None, None], layer.windows).ravel().tolist()  # type: ignore[arg-type]
    assert len(steps) == np.prod(layer.outputs)


def test_the_largest_is_marked() -> None:
    scene = pooling(as_layer((2, 4), kernel=2, stride=2), MAXIMUM, [[1, 7, 0, 2], [3, 7, 2, 1]])[0]
    assert scene.grid("input").find(State.LARGEST) == ((0, 1), (1, 1))
    assert scene.caption == ("step 1 of 2: output (0, 0)", "the largest of 1, 7, 3, 7 = 7")


def test_padding_counts_only_where_it_is_said_to() -> None:
    layer = as_layer(3, kernel=3, padding=1, stride=2)
    assert pooling(layer, MEAN, (3, 6, 1))[0].caption[1] == "the mean of 3, 6 = 4.5"
    assert pooling(layer, MEAN_WITH_PADDING, (3, 6, 1))[0].caption[1] == "the mean of 0, 3, 6 = 3"


def test_what_a_ceil_mode_adds_never_counts() -> None:
    layer = as_layer(4, kernel=3, stride=2, ceil=True)
    assert pooling(layer, MEAN_WITH_PADDING, (1, 2, 3, 5))[-1].caption[1] == "the mean of 3, 5 = 4"
    assert reference.average_pool(np.array([[[1, 2, 3, 5.0]]]), layer.windows, True)[0, 0].tolist() == [2, 4]  # type: ignore[arg-type]


def test_channels_are_pooled_alike_so_one_is_drawn() -> None:
    with pytest.raises(ArgumentError, match="channels: got 3; pooling treats each channel alike and is drawn for one"):
        pooling(as_layer(4, kernel=2, channels=3), MAXIMUM)


def test_the_title_tells_every_setting() -> None:
    layer = as_layer((5, 6), kernel=3, stride=2, padding=((1, 0), 1), dilation=(1, 2), ceil=True)
    title = "Max pooling: kernel 3×3, padding (1+0, 1), stride 2, dilation (1, 2), sizes rounded up"
    assert pooling(layer, MAXIMUM)[0].title == title


@given(st.lists(axis, min_size=2, max_size=2), st.booleans())
def test_cells_that_are_read_are_those_of_the_window(axes: list[tuple[int, ...]], ceil: bool) -> None:
    size, kernel, stride, dilation, padding = (tuple(each) for each in zip(*axes, strict=True))
    try:
        layer = as_layer(size, kernel=kernel, stride=stride, dilation=dilation, padding=padding, ceil=ceil)
    except ArgumentError:
        return
    for at, scene in zip(np.ndindex(*layer.outputs), pooling(layer, MAXIMUM), strict=True):
        read = scene.grid("input").find(State.READ, State.LARGEST, State.READ_PADDING)
        assert set(read) == set(product(*(window.inputs(o) for window, o in zip(layer.windows, at, strict=True))))
        inside = scene.grid("input").find(State.READ, State.LARGEST)
        landing = (window.landing(o, n) for window, o, n in zip(layer.windows, at, layer.space, strict=True))
        assert set(inside) == set(product(*landing))
