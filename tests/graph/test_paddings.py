"""Frames go into the layers that read them, bit for bit."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import atrous
from atrous.geometry import Explicit, Same
from atrous.graph import layers as L
from atrous.graph.evaluate import evaluate
from atrous.graph.fact import Array
from atrous.graph.layer import Layer
from atrous.graph.layers.movement import Mode
from atrous.graph.network import Network
from atrous.graph.passes import op_counts, optimise, pad_inside
from tests.graph.sketch import Sketch, floats, ints

ONES, TWOS, THREES, NONE = (1, 1), (2, 2), (3, 3), Explicit(((0, 0), (0, 0)))
FRAME = ints(0, 0, 1, 2, 0, 0, 2, 0)


def number(value: float) -> Array:
    return np.float32(value).reshape(())


def same_bits(network: Network, shape: tuple[int, ...] = (2, 4, 7, 9)) -> Network:
    """The network with the pass, after seeing that its results are what they were."""
    after = pad_inside(network)
    x = floats(*shape)
    for got, wanted in zip(evaluate(after, {"x": x}).values(), evaluate(network, {"x": x}).values(), strict=True):
        np.testing.assert_array_equal(got, wanted)
    assert (after.inputs, after.outputs) == (network.inputs, network.outputs)
    return after


def padded(
    layer: Layer, *operands: Array, value: float | None = None, frame: Array = FRAME, before: Layer | None = None
) -> Network:
    """A signal, a layer that bounds it, a frame, and the layer that reads it."""
    s = Sketch("N", 4, "H", "W")
    x = s(before, "x") if before else "x"
    return s.network(s(layer, s(L.Pad(), x, frame, *([] if value is None else [number(value)])), *operands))


CONV = L.Conv(THREES, ONES, ONES, NONE, 2)
WEIGHTS = (floats(6, 2, 3, 3), floats(6))
MAX, MEAN = L.MaxPool(THREES, TWOS, ONES, NONE), L.AveragePool(THREES, TWOS, ONES, NONE)

TAKEN = [
    padded(CONV, *WEIGHTS),
    padded(CONV, *WEIGHTS, value=0.0),
    padded(L.Conv(THREES, TWOS, TWOS, Explicit(((2, 0), (0, -1))), 2), *WEIGHTS),
    padded(MAX, value=-np.inf),
    padded(MAX, before=L.Relu()),
    padded(MAX, before=L.Clip(0.0, 6.0)),
    padded(MAX, before=L.Sigmoid()),
    padded(L.MaxPool(THREES, TWOS, TWOS, Explicit(((1, 0), (0, 1)))), value=-np.inf),
    padded(L.MaxPool(THREES, TWOS, ONES, NONE, ceil=True), value=-np.inf, frame=ints(0, 0, 2, 1, 0, 0, 0, 0)),
    padded(MEAN),
    padded(L.AveragePool(THREES, ONES, TWOS, Explicit(((1, 1), (0, 2))), count_include_pad=True)),
    padded(L.AveragePool(TWOS, TWOS, ONES, NONE, ceil=True), frame=ints(0, 0, 1, 0, 0, 0, 0, 0)),
    padded(L.LpPool(TWOS, TWOS, ONES, Explicit(((1, 0), (0, 1))), p=3)),
]
LEFT = [
    padded(CONV, *WEIGHTS, value=0.5),
    padded(CONV, *WEIGHTS, frame=ints(0, 0, 1, -1, 0, 0, 2, 0)),
    padded(CONV, *WEIGHTS, frame=ints(1, 0, 1, 1, 0, 0, 2, 0)),
    padded(L.Conv(THREES, ONES, ONES, NONE, 2), floats(4, 3, 3, 3), frame=ints(0, 1, 1, 1, 0, 1, 1, 1)),
    padded(L.Conv(THREES, TWOS, ONES, Same(), 2), *WEIGHTS),
    padded(L.ConvTranspose(THREES, ONES, ONES, NONE, (0, 0)), floats(4, 3, 3, 3)),
    padded(MAX),
    padded(MAX, before=L.Tanh()),
    padded(MAX, before=L.Clip(-1.0, 6.0)),
    padded(MAX, before=L.Clip(high=6.0)),
    padded(MAX, before=L.Relu(), frame=ints(0, 0, 3, 1, 0, 0, 2, 0)),
    padded(L.MaxPool(THREES, TWOS, TWOS, NONE), before=L.Relu()),
    padded(MAX, value=float(np.finfo(np.float32).min)),
    padded(L.MaxPool(THREES, TWOS, ONES, NONE, ceil=True), value=-np.inf),
    padded(L.AveragePool(THREES, TWOS, ONES, NONE, ceil=True)),
    padded(L.AveragePool(THREES, TWOS, ONES, Explicit(((1, 1), (1, 1))))),
    padded(MEAN, value=1.0),
    padded(L.LpPool(TWOS, TWOS, ONES, NONE), value=1.0),
    padded(L.Neg()),
]


@pytest.mark.parametrize("network", TAKEN)
def test_the_layer_pads_itself(network: Network) -> None:
    after = same_bits(network)
    assert "Pad" not in op_counts(after)
    assert len(after.nodes) == len(network.nodes) - 1


@pytest.mark.parametrize("network", LEFT)
def test_what_would_be_another_padding_stays(network: Network) -> None:
    """Another number, crops, channels, rules that go by the size, and ceil modes that see where the frame begins."""
    assert same_bits(network).nodes == network.nodes


@pytest.mark.parametrize("mode", [mode for mode in L.MODES if mode != "constant"])
def test_frames_of_the_signal_itself_stay(mode: Mode) -> None:
    s = Sketch("N", 4, "H", "W")
    assert "Pad" in op_counts(same_bits(s.network(s(CONV, s(L.Pad(mode), "x", FRAME), *WEIGHTS))))


def test_several_readers_take_it_together() -> None:
    """All or none; a frame that is given out, or that is weights, stays."""
    s = Sketch("N", 4, "H", "W")
    frame = s(L.Pad(), "x", ints(1, 1, 1, 1), number(0), ints(-1, 2))
    outputs = [s(CONV, frame, *WEIGHTS), s(MEAN, frame)]
    assert op_counts(same_bits(s.network(*outputs))) == {"AveragePool": 1, "Conv": 1}
    assert op_counts(same_bits(s.network(*outputs, frame)))["Pad"] == 1
    outputs.append(s(L.Relu(), frame))
    assert op_counts(same_bits(s.network(*outputs)))["Pad"] == 1
    s = Sketch(4, 4, 3, 3)
    frame = s(L.Pad(), "x", FRAME)
    assert "Pad" in op_counts(same_bits(s.network(s(L.Conv((6, 5), ONES, ONES, NONE), frame, frame)), (4, 4, 3, 3)))


def test_many_channels_of_an_image_of_open_sizes() -> None:
    """The sizes that are tried for open ones leave room for them: nothing is too large to be a value."""
    s = Sketch("N", 128, "H", "W")
    y = s(L.Conv(THREES, ONES, ONES, NONE), s(L.Pad(), "x", FRAME), floats(8, 128, 3, 3))
    assert op_counts(optimise(s.network(s(L.Relu(), y)))) == {"+Relu": 1, "Conv": 1}


def test_a_frame_of_unknown_width_stays() -> None:
    """Its width follows from the size of the signal, which is open yet."""
    s = Sketch("N", 4, "H", "W")
    odd = s(L.Sub(), s(L.Shape(2, 3), "x"), ints(6))
    network = s.network(s(CONV, s(L.Pad(), "x", s(L.Concat(0), ints(0, 0, 0, 0, 0, 0), odd, ints(0))), *WEIGHTS))
    assert "Pad" in op_counts(same_bits(network))


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_any_frame_and_window(data: st.DataObject) -> None:
    def draw(low: int, high: int, label: str) -> tuple[int, int]:
        return data.draw(st.tuples(*[st.integers(low, high)] * 2), label=label)

    lo, hi = draw(0, 3, "low"), draw(0, 3, "high")
    own = tuple(zip(draw(0, 2, "own low"), draw(0, 2, "own high"), strict=True))
    kernel, strides, dilations = draw(1, 3, "kernel"), draw(1, 3, "strides"), draw(1, 2, "dilations")
    window = (kernel, strides, dilations, Explicit(own))
    ceil, counted = data.draw(st.booleans(), label="ceil"), data.draw(st.booleans(), label="counted")
    layer, operands, value = data.draw(
        st.sampled_from(
            [
                (L.Conv(*window), (floats(3, 4, *kernel),), 0.0),
                (L.MaxPool(*window, ceil), (), -np.inf),
                (L.MaxPool(*window, ceil), (), 0.0),
                (L.AveragePool(*window, ceil, counted), (), 0.0),
                (L.LpPool(*window, ceil), (), 0.0),
            ]
        ),
        label="layer",
    )
    before = data.draw(st.sampled_from([L.Relu(), L.Neg()]), label="before")
    network = padded(layer, *operands, value=value, frame=ints(0, 0, *lo, 0, 0, *hi), before=before)
    after = same_bits(network, (1, 4, *draw(5, 9, "sizes")))
    assert isinstance(layer, L.Pool) or len(after.nodes) == 2


def test_modules_of_pytorch_and_the_stem_of_keras() -> None:
    """``ZeroPad2d`` and ``Conv2d``; and ResNet-50 as Keras has it, which pads with zeros before its pool, after its Relu."""
    torch = pytest.importorskip("torch", reason="PyTorch is not installed (pip install -e .[torch])")
    nn = torch.nn
    module = nn.Sequential(
        *(nn.ZeroPad2d(3), nn.Conv2d(3, 8, 7, 2), nn.BatchNorm2d(8), nn.ReLU()),
        *(nn.ZeroPad2d(1), nn.MaxPool2d(3, 2), nn.ConstantPad2d((0, 1, 1, 0), 0.0), nn.AvgPool2d(2)),
    ).eval()
    x = torch.rand(1, 3, 33, 40)
    network = atrous.from_torch(module, (x,))
    assert op_counts(network)["Pad"] == 3
    assert "Pad" not in op_counts(optimise(network))
    with torch.no_grad():
        np.testing.assert_allclose(atrous.compile(network)(x.numpy()), module(x).numpy(), rtol=1e-4, atol=1e-5)
