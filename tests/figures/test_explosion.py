"""The costs that the figure of row 1 shows are geometry's."""

from __future__ import annotations

from math import prod

import pytest

from atrous.errors import ArgumentError
from atrous.figures.figure import Figure
from atrous.figures.scene import Bars
from atrous.figures.scenes.explosion import explosion
from atrous.geometry import Window, convolution_cost, fully_connected_cost


def _bars(shape: tuple[int, ...], kernel: int) -> tuple[Bars, Bars]:
    (scene,) = explosion(shape, kernel)
    ((weights,), (work,)) = scene.bands
    assert isinstance(weights, Bars)
    assert isinstance(work, Bars)
    return weights, work


def test_the_lectures_numbers() -> None:
    (scene,) = explosion()
    weights, work = _bars((3, 256, 256), 3)
    assert [bar.value for bar in weights.bars] == [38_654_705_664, 81]
    assert [bar.text for bar in weights.bars] == ["38,654,705,664 = 154.6 GB", "81 = 324 B"]
    assert [bar.value for bar in work.bars] == [38_654_705_664, 5_308_416]
    assert scene.caption[0].endswith("477,218,588 times fewer")
    for text in ("38,654,705,664 = 154.6 GB", "5,308,416", "81 = 324 B"):
        assert text in Figure("explosion", (scene,)).svg()


@pytest.mark.parametrize(
    ("shape", "kernel"), [((1, 9), 2), ((3, 8, 5), 3), ((2, 4, 5, 6), 5), ((1, 1), 1), ((64, 512, 512), 7)]
)
def test_any_size(shape: tuple[int, ...], kernel: int) -> None:
    weights, work = _bars(shape, kernel)
    pad = kernel - 1
    windows = (Window(kernel, pad_lo=pad // 2, pad_hi=pad - pad // 2),) * (len(shape) - 1)
    full, local = fully_connected_cost(shape, shape), convolution_cost(shape[0], shape[0], windows, shape[1:])
    assert [bar.value for bar in weights.bars] == [full.parameters, local.parameters]
    assert [bar.value for bar in work.bars] == [full.macs, local.macs] == [prod(shape) ** 2, local.macs]


@pytest.mark.parametrize("shape", [(), (3,), (1, 2, 3, 4, 5)])
def test_shapes_that_are_no_signal(shape: tuple[int, ...]) -> None:
    with pytest.raises(
        ArgumentError, match=r"^shape: got .*; give the channels and 1 to 3 spatial sizes, such as \(3, 256, 256"
    ):
        explosion(shape)


def test_sizes_below_one() -> None:
    with pytest.raises(ArgumentError, match="shape and kernel: got 0"):
        explosion((3, 0, 4))
