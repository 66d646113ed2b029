"""Scales and shifts before linear layers go into their weights: where that is exact, and nowhere else."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import atrous
from atrous.geometry import Explicit, Same
from atrous.geometry.padding import Padding
from atrous.graph import layers as L
from atrous.graph.evaluate import evaluate
from atrous.graph.fact import Array
from atrous.graph.network import Network
from atrous.graph.passes import fold_preceding, op_counts, optimise
from tests.graph.sketch import Sketch, floats

NONE, AROUND = Explicit(((0, 0), (0, 0))), Explicit(((1, 1), (0, 1)))
STEPS = ("norm", "mul", "add", "sub", "from", "div", "neg")


def small(*shape: int) -> Array:
    """Numbers of a size at which rounding stays small: far from 0."""
    return (np.sign(floats(*shape)) * (0.5 + np.abs(floats(*shape)) % 1)).astype(np.float32)


def step(s: Sketch, kind: str, x: str, channels: Sequence[int]) -> str:
    """One map of channels, as one number for each of them in a constant of this shape."""
    match kind:
        case "norm":
            return s.norm(x, max(channels))
        case "mul":
            return s(L.Mul(), small(*channels), x)
        case "add":
            return s(L.Add(), x, small(*channels))
        case "sub":
            return s(L.Sub(), x, small(*channels))
        case "from":
            return s(L.Sub(), small(1), x)
        case "div":
            return s(L.Div(), x, small(*channels))
    return s(L.Neg(), x)


def conv(s: Sketch, x: str, channels: int, padding: Padding = NONE, groups: int = 1, kernel: int = 3, bias: bool = True) -> str:
    layer = L.Conv((kernel,) * 2, (1, 1), (1, 1), padding, groups)
    return s(layer, x, floats(6, channels // groups, kernel, kernel), *([floats(6)] if bias else []))


def agree(network: Network, shape: tuple[int, ...]) -> Network:
    """The network with the pass, after seeing that its results are what they were."""
    after = fold_preceding(network)
    x = floats(*shape)
    for got, wanted in zip(evaluate(after, {"x": x}).values(), evaluate(network, {"x": x}).values(), strict=True):
        np.testing.assert_allclose(got, wanted, rtol=1e-4, atol=2e-5 * np.abs(wanted).max())
    assert (after.inputs, after.outputs) == (network.inputs, network.outputs)
    return after


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_any_chain_into_any_convolution(data: st.DataObject) -> None:
    """Everything goes into a layer without padding; into one with padding what comes after the last shift."""
    kinds = data.draw(st.lists(st.sampled_from(STEPS), min_size=1, max_size=4), label="steps")
    padding = data.draw(st.sampled_from([NONE, AROUND, Same(), Explicit(((0, -1), (-1, 0)))]), label="padding")
    groups = data.draw(st.sampled_from([1, 2, 4]), label="groups")
    s = Sketch("N", 4, "H", "W")
    y = "x"
    for kind in kinds:
        y = step(s, kind, y, data.draw(st.sampled_from([(4, 1, 1), (1, 4, 1, 1)])))
    layer = L.Conv((3, 2), (1, 2), (2, 1), padding, groups)
    network = s.network(s(layer, y, floats(8, 4 // groups, 3, 2), *data.draw(st.sampled_from([[], [floats(8)]]))))
    shifts = [place for place, kind in enumerate(kinds, 1) if kind in ("norm", "add", "sub", "from")]
    left = max(shifts, default=0) if padding in (AROUND, Same()) else 0
    assert len(agree(network, (2, 4, 7, 9)).nodes) == left + 1


@pytest.mark.parametrize("groups", [1, 3])
@pytest.mark.parametrize(
    ("kernel", "stride", "padding", "more", "shifts"),
    [
        (1, 1, NONE, 0, True),
        (1, 1, Explicit(((1, 0), (0, 1))), 0, True),
        (1, 1, Explicit(((-1, 0), (0, 0))), 0, False),
        (1, 2, NONE, 0, False),
        (1, 2, NONE, 1, False),
        (3, 1, NONE, 0, False),
        (2, 2, NONE, 0, False),
        (4, 2, Same(), 0, False),
    ],
)
def test_transposed_convolutions(groups: int, kernel: int, stride: int, padding: Padding, more: int, shifts: bool) -> None:
    """Few of their outputs meet all taps: a shift goes into those of one tap and stride one."""
    for kind in ("mul", "norm"):
        s = Sketch("N", 6, "H", "W")
        layer = L.ConvTranspose((kernel,) * 2, (stride,) * 2, (1, 1), padding, (more,) * 2, groups)
        y = s(layer, step(s, kind, "x", (6, 1, 1)), floats(6, 4, kernel, kernel), floats(4 * groups))
        assert len(agree(s.network(y), (2, 6, 5, 4)).nodes) == (1 if shifts or kind == "mul" else 2)


@pytest.mark.parametrize("rank", [1, 2, 3])
def test_linear_layers(rank: int) -> None:
    """Their channels are the last axis."""
    s = Sketch(*(2, 3, 5)[3 - rank :])
    y = step(s, "div", step(s, "add", "x", (5,)), (5,))
    y = s.norm(y, 5) if rank == 2 else y
    assert len(agree(s.network(s(L.Linear(), y, floats(4, 5))), (2, 3, 5)[3 - rank :]).nodes) == 1


def test_a_norm_over_another_axis_than_that_of_a_linear_layer_stays() -> None:
    s = Sketch(2, 5, 5)
    assert len(agree(s.network(s(L.Linear(), s.norm("x", 5), floats(4, 5))), (2, 5, 5)).nodes) == 2


def test_several_readers_take_it_together() -> None:
    """All of them, or none: one that pads keeps the shift from the others too."""
    s = Sketch("N", 4, "H", "W")
    y = s(L.Mul(), s.norm("x", 4), small(4, 1, 1))
    depthwise = L.Conv((2, 2), (2, 2), (1, 1), NONE, 4)
    outputs = [conv(s, y, 4), conv(s, y, 4, bias=False), s(depthwise, y, floats(8, 1, 2, 2))]
    assert op_counts(agree(s.network(*outputs), (2, 4, 6, 6))) == {"Conv": 3}
    outputs.append(conv(s, y, 4, AROUND))
    assert op_counts(agree(s.network(*outputs), (2, 4, 6, 6))) == {"BatchNorm": 1, "Conv": 4}
    outputs.append(s(L.Relu(), y))
    assert op_counts(agree(s.network(*outputs), (2, 4, 6, 6)))["Mul"] == 1


def test_what_must_stay() -> None:
    """A value that is given out, weights that are no constants, numbers that differ along space, what broadcasts the signal."""
    s = Sketch("N", 4, 6, 6)
    y = s(L.Mul(), "x", small(4, 1, 1))
    out = conv(s, y, 4)
    assert "Mul" in op_counts(agree(s.network(out, y), (2, 4, 6, 6)))
    s = Sketch("N", 4, 6, 6)
    moving = s(L.Mul(), s(L.ReduceMean((0,)), "x"), small(4, 1, 1))
    square = L.Conv((6, 6), (1, 1), (1, 1), NONE)
    network = s.network(s(square, s(L.Mul(), "x", small(1)), moving), s(square, moving, floats(3, 4, 6, 6)))
    assert op_counts(agree(network, (2, 4, 6, 6)))["Mul"] == 2
    s = Sketch("N", 4, 6, 6)
    assert "Mul" in op_counts(agree(s.network(conv(s, s(L.Mul(), "x", small(4, 1, 6)), 4)), (2, 4, 6, 6)))
    s = Sketch("N", 1, 6, 6)
    assert "Mul" in op_counts(agree(s.network(conv(s, s(L.Mul(), "x", small(4, 1, 1)), 4)), (2, 1, 6, 6)))


def test_channels_that_do_not_fit_or_are_open_yet_stay() -> None:
    s = Sketch("N", "C", "H", "W")
    network = s.network(conv(s, s(L.Mul(), "x", small(1)), 4))
    assert agree(network, (2, 4, 6, 6)).nodes == network.nodes


def test_one_number_for_all_on_one_channel_and_many() -> None:
    for channels in (1, 4):
        s = Sketch("N", channels, "H", "W")
        y = s(L.Div(), s(L.Sub(), "x", np.float32(0.5).reshape(())), np.float32(0.25).reshape(1, 1, 1, 1))
        assert op_counts(agree(s.network(conv(s, y, channels)), (2, channels, 6, 6))) == {"Conv": 1}


@pytest.mark.parametrize("number", [np.inf, np.nan, 3e38, -3e38])
def test_weights_stay_finite(number: float) -> None:
    """A scale or shift that is no number, or that the weights would make one of that is none, is not folded."""
    for layer in (L.Mul(), L.Add()):
        s = Sketch("N", 4, 6, 6)
        numbers = np.array([1, number, 1, 1], np.float32).reshape(4, 1, 1)
        y = s(L.Conv((3, 3), (1, 1), (1, 1), NONE), s(layer, "x", numbers), 9 + np.abs(floats(6, 4, 3, 3)))
        network = s.network(y)
        assert fold_preceding(network).nodes == network.nodes


def test_weights_are_rounded_once() -> None:
    s = Sketch("N", 4, 6, 6)
    y = "x"
    for _ in range(6):
        y = s(L.Mul(), y, np.float32(1.1).reshape(()))
    network = s.network(conv(s, y, 4))
    after = fold_preceding(network)
    (node,) = after.nodes
    exact = network.constants["c6"].astype(np.float64) * np.float64(np.float32(1.1)) ** 6
    np.testing.assert_array_equal(after.constants[node.inputs[1]], exact.astype(np.float32))


def test_a_norm_between_two_convolutions_goes_into_the_first() -> None:
    """Which takes its shift whatever the second one pads."""
    s = Sketch("N", 4, "H", "W")
    network = s.network(conv(s, s.norm(conv(s, "x", 4), 6), 6, AROUND))
    assert op_counts(optimise(network)) == {"Conv": 2}


def test_modules_of_pytorch() -> None:
    """A normalised input, and a norm of concatenated maps that two branches read."""
    torch = pytest.importorskip("torch", reason="PyTorch is not installed (pip install -e .[torch])")

    class Module(torch.nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.first = torch.nn.Conv2d(3, 4, 3, padding=0)
            self.norm = torch.nn.BatchNorm2d(7)
            self.branches = torch.nn.ModuleList([torch.nn.Conv2d(7, 7, 1, groups=7), torch.nn.Conv2d(7, 2, 3)])

        def forward(self, x):  # type: ignore[no-untyped-def]
            x = (x - 0.45) / 0.225
            x = self.norm(torch.cat([self.first(x), x[:, :, 1:-1, 1:-1]], 1))
            return tuple(branch(x) for branch in self.branches)

    module = Module().eval()
    for part in (module.norm.weight, module.norm.bias, module.norm.running_mean, module.norm.running_var):
        part.data = torch.rand_like(part) + 0.5
    x = torch.rand(1, 3, 9, 8)
    network = atrous.from_torch(module, (x,))
    assert "BatchNorm" in op_counts(network)
    prepared = optimise(network)
    assert not {"BatchNorm", "Mul"} & op_counts(prepared).keys()
    with torch.no_grad():
        for got, wanted in zip(atrous.compile(network)(x.numpy()), module(x), strict=True):
            np.testing.assert_allclose(got, wanted.numpy(), rtol=1e-4, atol=1e-5)
