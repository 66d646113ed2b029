"""Pixel processing as layers: the same numbers as the definition in NumPy, and clear refusals."""

from __future__ import annotations

import numpy as np
import pytest

from atrous.errors import ArgumentError, NetworkError
from atrous.graph.builder import Builder
from atrous.graph.evaluate import evaluate
from atrous.graph.network import Network
from atrous.graph.networks import resnet18
from atrous.graph.processing import LUMA, After, Before, wrap

RANDOM = np.random.default_rng(5)


def passing(channels: int) -> Network:
    """A network that gives back its input."""
    b = Builder("passing")
    x = b.input("x", ("N", channels, "H", "W"))
    return b.build(b.plus(x, b.constant("zero", np.zeros(1, np.float32)), name="y"))


def test_scale_mean_and_deviation_by_channel() -> None:
    pixels = RANDOM.integers(0, 256, (1, 3, 4, 5), dtype=np.uint8)
    mean, deviation = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
    net = wrap(passing(3), Before("uint8", 3, scale=255, mean=mean, deviation=deviation))
    column = (1, 3, 1, 1)
    expected = (pixels / 255 - np.reshape(mean, column)) / np.reshape(deviation, column)
    (y,) = evaluate(net, {"x": pixels}).values()
    assert y.dtype == np.float32
    np.testing.assert_allclose(y, expected, rtol=1e-5, atol=1e-6)


def test_gray_is_the_brightness() -> None:
    pixels = RANDOM.integers(0, 65536, (1, 3, 4, 5), dtype=np.uint16)
    (y,) = evaluate(wrap(passing(1), Before("uint16", 3, gray=True)), {"x": pixels}).values()
    np.testing.assert_allclose(y[0, 0], np.tensordot(LUMA, pixels[0].astype(float), 1), rtol=1e-6)


def test_gray_keeps_what_is_gray() -> None:
    pixels = RANDOM.random((1, 1, 4, 5), dtype=np.float32)
    (y,) = evaluate(wrap(passing(1), Before("float32", 1, gray=True)), {"x": pixels}).values()
    np.testing.assert_array_equal(y, pixels)


def test_reverse_swaps_red_and_blue_before_the_mean() -> None:
    pixels = RANDOM.random((1, 3, 4, 5), dtype=np.float32)
    (y,) = evaluate(wrap(passing(3), Before("float32", 3, reverse=True, mean=(1.0, 2.0, 3.0))), {"x": pixels}).values()
    np.testing.assert_array_equal(y, pixels[:, ::-1] - np.float32([1, 2, 3]).reshape(1, 3, 1, 1))


def test_after_scales_clips_rounds_and_saturates() -> None:
    x = np.float32([-1, 0.1, 0.5, 0.9999, 3, 0.25]).reshape(1, 1, 1, 6)
    net = wrap(passing(1), None, After(scale=255, dtype="uint8"))
    assert net.outputs == ("y",)
    np.testing.assert_array_equal(evaluate(net, {"x": x})["y"].ravel(), [0, 26, 128, 255, 255, 64])
    (clipped,) = evaluate(wrap(passing(1), None, After(low=0, high=0.5)), {"x": x}).values()
    np.testing.assert_array_equal(clipped.ravel(), np.float32([0, 0.1, 0.5, 0.5, 0.5, 0.25]))


def test_names_stay_and_nothing_is_added_for_nothing() -> None:
    net = wrap(passing(1), Before("float32", 1), After())
    assert [node.name for node in net.nodes] == ["y"]
    assert (list(net.inputs), net.outputs) == (["x"], ("y",))
    assert wrap(passing(1), Before("uint8", 1, scale=255), After(scale=255, dtype="uint8")).parameters == passing(1).parameters


@pytest.mark.parametrize(
    ("channels", "before", "message"),
    [
        (3, Before("uint8", 3, scale=0), "scale: got 0; it must be a finite number other than 0"),
        (3, Before("uint8", 3, deviation=(1.0, 0.0, 1.0)), r"std: got \(1.0, 0.0, 1.0\); a standard deviation must not be 0"),
        (3, Before("uint8", 3, mean=(float("nan"),)), r"mean: got \(nan,\); its numbers must be finite"),
        (3, Before("uint8", 3, mean=(1.0, 2.0)), "mean: got 2 numbers; give one, or one for each of the network's 3 channels"),
        (3, Before("uint8", 3, gray=True), "gray: the data has 3 channels and the network takes 3; gray makes 1 of 3"),
        (1, Before("uint8", 1, reverse=True), "bgr: the network takes 1 channels; only 3 can be in the order"),
        (1, Before("uint8", 3), r"channels: the data has 3, the network takes 1; gray \(--gray\) makes 1 of 3"),
    ],
)
def test_what_does_not_fit_is_refused(channels: int, before: Before, message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        wrap(passing(channels), before)


def test_an_empty_clip_is_refused() -> None:
    with pytest.raises(ArgumentError, match="clip: got 2 to 1; the first must be below the second"):
        wrap(resnet18(), None, After(low=2, high=1))


def test_two_inputs_are_refused() -> None:
    b = Builder("two")
    x, y = b.input("x", ("N", 1, "T")), b.input("y", ("N", 1, "T"))
    with pytest.raises(NetworkError, match="inputs: two has 2; pixels can be prepared for one input only"):
        wrap(b.build(b.plus(x, y)), Before("uint8", 1))
