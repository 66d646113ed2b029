"""Receptive fields as figures: against perturbation of `reference`, and the published fields of dilated stacks."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from atrous import reference
from atrous.errors import ArgumentError
from atrous.figures.scene import Chart, State
from atrous.figures.scenes.coverage import state_of
from atrous.figures.scenes.receptive import LARGEST_FIELD, cone, context, field_map
from atrous.figures.settings import Layer, as_layer
from atrous.geometry import ReceptiveField, TransposedWindow, Window

setting = st.tuples(st.integers(1, 3), st.integers(1, 3), st.integers(1, 3), st.integers(0, 1), st.booleans())


def stacked(size: int, settings: list[tuple[int, int, int, int, bool]]) -> list[Layer]:
    """As many of the layers as have outputs and fit on a page."""
    layers: list[Layer] = []
    for kernel, stride, dilation, padding, transposed in settings:
        try:
            layer = as_layer(size, kernel=kernel, stride=stride, dilation=dilation, padding=padding, transposed=transposed)
        except ArgumentError:
            break
        layers.append(layer)
        size = layer.outputs[0]
    return layers


@given(st.integers(1, 12), st.lists(setting, min_size=1, max_size=3), st.integers(0, 40))
def test_the_cone_ends_where_a_perturbation_is_felt(
    size: int, settings: list[tuple[int, int, int, int, bool]], pick: int
) -> None:
    layers = stacked(size, settings)
    if not layers:
        return
    unit = pick % layers[-1].outputs[0]
    felt = np.eye(size)[:, None]
    for layer in layers:
        (window,) = layer.windows
        apply = reference.conv_transpose if isinstance(window, TransposedWindow) else reference.conv
        felt = apply(felt, np.ones((1, 1, window.kernel)), None, layer.windows)  # type: ignore[operator]
    steps = cone(layers, unit)
    found = steps[-1].grid("input").find(State.FIELD)
    assert [place for _, place in found] == np.flatnonzero(felt[:, 0, unit]).tolist()
    assert len(steps) == len(layers) + 1
    assert not steps[0].links


def test_what_the_steps_say() -> None:
    first = as_layer(11, kernel=3)
    steps = cone([first, as_layer(first.outputs, kernel=2, dilation=4)], unit=1)
    assert [step.caption[0] for step in steps] == [
        "output 1 of the last layer",
        "output 1 of the last layer depends on 2 outputs of layer 1 in a span of 5, so 3 are without influence",
        "output 1 of the last layer depends on 6 inputs in a span of 7, so 1 is without influence",
    ]
    assert len(steps[-1].links) == 2 + 6


def test_an_output_that_is_not_there_is_refused() -> None:
    with pytest.raises(ArgumentError, match="unit: got 9; the last layer has outputs 0 to 8"):
        cone([as_layer(11, kernel=3)], unit=9)


@pytest.mark.parametrize(
    ("dilations", "said"),
    [
        ((1, 2, 5), "all 289 inputs in its field of 17×17"),
        ((1, 2, 9), "441 of the 625 inputs in its field of 25×25"),
        ((2, 2, 2), "49 of the 169 inputs in its field of 13×13"),
    ],
)
def test_gridding_as_published(dilations: tuple[int, ...], said: str) -> None:
    scene = field_map([[Window(3, dilation=d) for d in dilations]] * 2)
    assert scene.caption == (f"one output depends on {said}",)
    unread = len(scene.grid("input").find(State.UNREAD))
    assert unread == {289: 0, 441: 625 - 441, 49: 169 - 49}[int(said.split()[1 if said.startswith("all") else 0])]


def test_a_field_too_large_for_a_map_is_refused() -> None:
    with pytest.raises(ArgumentError, match="windows: the field spans 67; a map shows at most 41 cells on an axis"):
        field_map([[Window(3, dilation=d) for d in (1, 1, 2, 4, 8, 16, 1)]] * 2)


def test_the_context_module_as_published() -> None:
    steps = context()
    chart = steps[-1].bands[0][0]
    assert isinstance(chart, Chart)
    assert [y for _, y in chart.series[0].points] == [3, 5, 9, 17, 33, 65, 67, 67]
    assert steps[-1].caption == ("layer 8, kernel 1: a field of 67×67, 64·C² weights so far", "every input in it is read")
    assert context(channels=10)[-1].caption[0].endswith("6,400 weights so far")
    assert context((2, 2))[1].caption[1] == "4 inputs in it are never read"


@given(st.lists(st.tuples(st.integers(1, 3), st.integers(1, 2), st.integers(1, 3)), min_size=1, max_size=3))
def test_the_map_is_what_geometry_says_of_one_output(settings: list[tuple[int, int, int]]) -> None:
    windows = [Window(kernel, stride, dilation) for kernel, stride, dilation in settings]
    field = ReceptiveField.through(windows).inputs(0)
    assume(field.extent <= LARGEST_FIELD)
    paths = Counter({0: 1})
    for window in reversed(windows):
        step: Counter[int] = Counter()
        for output, count in paths.items():
            step.update(dict.fromkeys(window.inputs(output), count))
        paths = step
    grid = field_map([windows, [Window(1)] * len(windows)]).grid("input")
    assert {row for row, _ in grid.find(*(state for state in State if state is not State.UNREAD))} == set(field)
    assert [row[0].state for row in grid.cells] == [state_of(paths[i]) for i in range(field.extent)]
