"""Layers typed as a line."""

from __future__ import annotations

import re

import pytest

from atrous.errors import ArgumentError
from atrous.graph.layer_list import RULES, read_layers
from atrous.report import inspect


@pytest.mark.parametrize(
    ("text", "shape", "output"),
    [
        ("conv 3x3 64 s2, relu, maxpool 2", (1, 3, 224, 224), (1, 64, 55, 55)),
        ("conv 3 8 same", (1, 3, 9, 9), (1, 8, 9, 9)),
        ("conv 3x5x1 2 p1x2x0 s1x2x3", (1, 1, 8, 9, 10), (1, 2, 8, 5, 4)),
        ("CONV 3 4 d2 g2 nobias", (1, 2, 9), (1, 4, 5)),
        ("depthwise 3 p1, batchnorm, relu6, avgpool 2", (1, 6, 8, 8), (1, 6, 4, 4)),
        ("transposed 4 5 s2 p1", (1, 3, 8, 8), (1, 5, 16, 16)),
        ("maxpool 3 s2 p1, tanh, globalpool, linear 10, softmax", (1, 3, 9, 9), (1, 10)),
        ("flatten, linear 4, sigmoid", (1, 3, 5, 5), (1, 4)),
    ],
)
def test_what_is_typed_is_built(text: str, shape: tuple[int, ...], output: tuple[int, ...]) -> None:
    assert inspect(read_layers(text, shape), shape).outputs[0][2] == output


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("conv 3 8, maxpol 2", "layers: layer 2 'maxpol 2': there is no such layer; a layer is one of conv, depthwise,"),
        ("conv 3 8,, relu", "layers: layer 2 '': there is no such layer"),
        ("conv 3 8 q2", "layers: layer 1 'conv 3 8 q2': 'q2' was not understood; the rule is: conv KERNEL CHANNELS [s2]"),
        ("conv 3", "layers: layer 1 'conv 3': got 1 sizes, it takes 2; the rule is: conv KERNEL CHANNELS"),
        (
            "relu, maxpool 2 d2",
            "layers: layer 2 'maxpool 2 d2': 'd2' is no setting of it; the rule is: maxpool KERNEL [s2] [p1]",
        ),
        ("conv 3 8 g2", "layers: layer 1 'conv 3 8 g2': groups 2 must divide the 3 input and 8 output channels"),
        ("conv 3 8x8", "layers: layer 1 'conv 3 8x8': the number of output channels must be one integer, got 8x8"),
        (
            "conv 3x3 8, maxpool 2x2x2",
            "'conv 3x3 8': got 3x3 for 3 spatial axes; give one integer for all, or 3 of them",
        ),
        ("relu, linear 5", "layers: layer 2 'linear 5': a linear layer reads a vector; put globalpool or flatten before it"),
        ("flatten, linear 5", "layers: layer 1 'flatten': how many features it makes depends on the size of the input; give"),
        ("conv 0 8", "layers: layer 1 'conv 0 8': kernel: got 0; it must be at least 1"),
        ("conv 2x2x2x2 8", "layers: layer 1 'conv 2x2x2x2 8': a kernel has 4 axes; there may be 1, 2 or 3"),
    ],
)
def test_mistakes_name_the_place_and_the_rule(text: str, message: str) -> None:
    with pytest.raises(ArgumentError, match=re.escape(message)):
        read_layers(text)


def test_a_shape_that_is_no_signal() -> None:
    with pytest.raises(
        ArgumentError, match=re.escape("shape: got (1, 3); it must be batch, channels and 1 to 3 spatial sizes")
    ):
        read_layers("relu", (1, 3))


def test_every_rule_starts_with_its_name() -> None:
    assert all(rule.form.split()[0] == name for name, rule in RULES.items())


def test_a_window_that_does_not_fit_the_given_size_names_its_place() -> None:
    message = "layers: layer 2 'maxpool 9': node 'max_pool': spatial axis 0: no output: the window spans 9"
    with pytest.raises(ArgumentError, match=re.escape(message)):
        read_layers("conv 3 8, maxpool 9", (1, 3, 10, 10))
