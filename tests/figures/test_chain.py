"""The path of windows through a network, and what has none."""

from __future__ import annotations

import pytest

from atrous.errors import ArgumentError
from atrous.figures import draw
from atrous.figures.scene import State
from atrous.figures.scenes.chain import chain
from atrous.figures.scenes.receptive import cone
from atrous.figures.settings import Layer
from atrous.geometry import TransposedWindow, Window
from atrous.graph import networks
from atrous.graph.layer_list import read_layers
from atrous.problem import Problem


def typed(text: str, *shape: int) -> tuple[Layer, ...]:
    return chain(read_layers(text, shape), shape)


def test_layers_that_keep_every_place_are_passed_over() -> None:
    layers = typed("conv 3x5 8 s2, relu, maxpool 2", 1, 3, 20, 30)
    assert [layer.windows for layer in layers] == [(Window(3, 2), Window(5, 2)), (Window(2, 2),) * 2]
    assert [layer.outputs for layer in layers] == [(9, 13), (4, 6)]


def test_a_network_that_is_known() -> None:
    layers = chain(networks.context_module(1), (1, 1, 80, 80))
    assert cone(layers, 40)[-1].grid("input").find(State.FIELD) == tuple((0, i) for i in range(40 - 33, 40 + 34))


def test_transposed_layers_take_part() -> None:
    (layer,) = typed("transposed 4 8 s2", 1, 3, 5)
    assert isinstance(layer.windows[0], TransposedWindow)


@pytest.mark.parametrize(
    ("text", "message"),
    [("relu", "has no convolution and no pool"), ("conv 3 8, flatten", "reads its input through no window; stop before it")],
)
def test_what_is_no_chain_of_windows(text: str, message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        typed(text, 1, 1, 9, 9)


def test_branches_are_refused() -> None:
    with pytest.raises(ArgumentError, match=r"does not follow .* alone; figures look along one path"):
        chain(networks.resnet18(), (1, 3, 64, 64))


def test_a_problem_is_drawn_with_all_its_channels() -> None:
    spread = draw("convt:f32:c1:i3:k1:w2:s2")
    assert (spread.name, len(spread)) == ("conv-transpose", 3)
    many = draw("convt:f32:c4:i3:k2:w2:s2:g2")
    assert (many.name, len(many)) == ("conv-transpose-as-conv", 6)
    assert sum(grid.name == "input" for grid in many.scenes[0].grids()) == 2
    plain = draw(Problem.parse("conv:f32:c3:i5x5:k2:w3x3"))
    assert (plain.scenes[0].grid("input").depth, plain.scenes[0].grid("output").depth) == (3, 2)


def test_what_is_no_row_of_the_lecture() -> None:
    with pytest.raises(ArgumentError, match="what: got 'lecture:nine'; a row of the lecture is lecture:1 to lecture:16"):
        draw("lecture:nine")
