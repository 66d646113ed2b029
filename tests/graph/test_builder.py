"""The builder: names, checks on the spot, and weights that do not depend on what else is built."""

from __future__ import annotations

import numpy as np
import pytest

from atrous.errors import ArgumentError, NetworkError
from atrous.graph.builder import Builder


def test_layers_are_named_after_their_kind_and_scope() -> None:
    b = Builder("names")
    x = b.input("x", ("N", 1, "T"))
    with b.scope("stage"):
        x = b.relu(b.conv(x, 2, 3))
        x = b.relu(b.conv(x, 2, 3))
    net = b.build(b.conv(x, 1, 1, name="last"))
    assert [node.name for node in net.nodes] == ["stage.conv", "stage.relu", "stage.conv_2", "stage.relu_2", "last"]
    assert list(net.inputs["x"].shape) == ["N", 1, "T"]


def test_a_mistake_is_reported_by_the_line_that_makes_it() -> None:
    b = Builder("wrong", sample={"T": 4})
    x = b.input("x", ("N", 1, "T"))
    with pytest.raises(NetworkError, match="node 'conv'"):
        b.conv(x, 1, 7)


def test_a_name_may_stand_once() -> None:
    b = Builder("twice")
    x = b.relu(b.input("x", ("N", 1, "T")), name="same")
    with pytest.raises(ArgumentError, match=r"name: 'same' is the name of an earlier layer; each layer needs its own"):
        b.relu(x, name="same")


def test_another_layer_changes_no_weight() -> None:
    def weights(deeper: bool) -> np.ndarray:
        b = Builder("net")
        x = b.input("x", ("N", 4, "H", "W"))
        x = b.conv(x, 4, 3, name="extra") if deeper else x
        return b.build(b.conv(x, 4, 3, name="last")).constants["last.weight"]

    np.testing.assert_array_equal(weights(deeper=True), weights(deeper=False))


def test_fan_in_of_a_transposed_convolution() -> None:
    b = Builder("up")
    x = b.input("x", ("N", 256, "H", "W"))
    weights = b.build(b.conv_transpose(x, 32, 4, stride=2, gain=1.0, name="up")).constants["up.weight"]
    # Each output reads 256 channels through a quarter of the 4×4 taps.
    assert weights.shape == (256, 32, 4, 4)
    assert weights.var() == pytest.approx(1 / (256 * 4), rel=0.02)
