"""Transposes meet through what lies between them; where fewer would not be left, nothing is touched."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import atrous
from atrous.geometry import Explicit
from atrous.graph import layers as L
from atrous.graph.evaluate import evaluate
from atrous.graph.fact import Array
from atrous.graph.layer import Layer
from atrous.graph.network import Network
from atrous.graph.passes import meet_transposes, op_counts, optimise
from tests.graph.sketch import Sketch, floats, ints
from tests.importers.models import model, node

TO_LAST, TO_FIRST = L.Transpose((0, 2, 3, 1)), L.Transpose((0, 3, 1, 2))
NUMBER = np.float32(0.5).reshape(())


def agree(network: Network, shape: tuple[int, ...], exact: bool = False) -> Network:
    """The network with the pass, after seeing that its results are what they were."""
    after = meet_transposes(network)
    x = floats(*shape)
    for got, wanted in zip(evaluate(after, {"x": x}).values(), evaluate(network, {"x": x}).values(), strict=True):
        assert (got.shape, got.dtype) == (wanted.shape, wanted.dtype)
        np.testing.assert_allclose(got, wanted, rtol=0 if exact else 1e-5, atol=0 if exact else 1e-6)
    return after


#: What networks with channels last do between their transposes, and how many axes it leaves.
BETWEEN: list[tuple[Layer, tuple[Array, ...], int]] = [
    (L.Pad(), (ints(0, 1, 2, 0, 0, 0, 1, 0),), 4),
    (L.Pad("reflect"), (ints(0, 1, 2, 0, 0, 0, 1, 0),), 4),
    (L.Pad(), (ints(1, 2, 3, -1), NUMBER, ints(-1, 1)), 4),
    (L.Slice(), (ints(1, 0), ints(9, 2), ints(-2, 3), ints(2, 1)), 4),
    (L.Slice(), (ints(0, 1), ints(1, -1)), 4),
    (L.ReduceMean((1, 2)), (), 4),
    (L.ReduceMax((3,)), (), 4),
    (L.Softmax(-1, -1), (), 4),
    (L.LogSoftmax(3, 3), (), 4),
    (L.ArgMax(-1), (), 4),
    (L.Add(), (floats(6),), 4),
    (L.Mul(), (floats(5, 7, 6),), 4),
]
FEWER: list[tuple[Layer, tuple[Array, ...], int]] = [
    (L.ReduceMean((1, 2), False), (), 2),
    (L.ReduceSum((2,), False), (), 3),
    (L.ReduceMin((-1,), False), (), 3),
    (L.ArgMin(3, False), (), 3),
]


@pytest.mark.parametrize(("layer", "operands", "rank"), BETWEEN)
def test_layers_between_two_transposes(layer: Layer, operands: tuple[Array, ...], rank: int) -> None:
    s = Sketch("N", 6, 5, 7)
    after = agree(s.network(s(TO_FIRST, s(layer, s(TO_LAST, "x"), *operands))), (2, 6, 5, 7))
    assert [type(node.layer) for node in after.nodes if not isinstance(node.layer, L.Identity)] == [type(layer)]


@pytest.mark.parametrize(("layer", "operands", "rank"), [*BETWEEN, *FEWER])
@settings(max_examples=10, deadline=None)
@given(data=st.data())
def test_any_order_of_axes(layer: Layer, operands: tuple[Array, ...], rank: int, data: st.DataObject) -> None:
    """Two transposes by any orders: one is left at most, or both where one of them leaves all axes in place."""
    first, second = data.draw(st.permutations(range(4))), data.draw(st.permutations(range(rank)))
    s = Sketch(6, 6, 6, 6)
    network = s.network(s(L.Transpose(tuple(second)), s(layer, s(L.Transpose(tuple(first)), "x"), *_square(operands))))
    after = agree(network, (6, 6, 6, 6))
    assert op_counts(after).get("Transpose", 0) <= 1


def _square(operands: tuple[Array, ...]) -> tuple[Array, ...]:
    """Operands that go with six elements on each axis."""
    return tuple(floats(6, 6, 6) if array.ndim == 3 else array for array in operands)


def test_a_squeezed_mean_needs_no_transpose() -> None:
    s = Sketch("N", 6, 5, 7)
    y = s(L.Relu(), s(TO_FIRST, s(L.Neg(), s(TO_LAST, "x"))))
    y = s(L.Squeeze((1, -2)), s(L.ReduceMean((1, 2)), s(TO_LAST, y)))
    assert "Transpose" not in op_counts(agree(s.network(s(L.Linear(), y, floats(3, 6))), (2, 6, 5, 7)))


def test_two_in_a_row_are_one() -> None:
    """Between layers that are done on one side only."""
    s = Sketch(2, 3, 4, 5)
    y = s(L.Transpose((1, 0, 2, 3)), s(L.Transpose((0, 1, 3, 2)), s(L.Softmax(1, 2), "x")))
    after = agree(s.network(s(L.Softmax(1, 2), y)), (2, 3, 4, 5), exact=True)
    assert op_counts(after) == {"Softmax": 2, "Transpose": 1}


def test_what_joins_a_transposed_value_and_another_stays() -> None:
    s = Sketch(2, 5, 5, 5)
    t = s(TO_LAST, "x")
    joined = s(L.Concat(3), t, s(L.Relu(), "x"))
    held = s(L.Concat(1), t, floats(2, 1, 5, 5))
    network = s.network(s(TO_FIRST, joined), s(TO_FIRST, held), s(L.Softmax(2, 3), t))
    assert op_counts(agree(network, (2, 5, 5, 5), exact=True)) == op_counts(network)


def test_what_does_not_fit_is_left_to_the_one_who_names_it() -> None:
    """Axes that do not exist, frames of another rank: inference refuses them, a pass does not stumble over them."""
    for layer, operands in ((L.Softmax(7, 7), ()), (L.ReduceMax((5,)), ()), (L.Pad(), (ints(1, 1),)), (L.Concat(9), ())):
        s = Sketch("N", 3, "H", "W")
        network = s.network(s(TO_FIRST, s(layer, s(TO_LAST, "x"), *operands)))
        assert optimise(network).nodes == network.nodes


def test_transposes_that_others_need_stay() -> None:
    """The value between is given out, the second one is no inverse, an operand is not transposed, or axes are joined."""
    s = Sketch(2, 3, 4, 5)
    t = s(L.Transpose((0, 2, 3, 1)), "x")
    mixed = s(L.Add(), s(L.Relu(), t), s(L.Reshape(), "x", ints(2, 4, 5, 3)))
    back = s(L.Transpose((0, 3, 1, 2)), s(L.Softmax(3, 3), mixed))
    again = s(L.Transpose((0, 2, 1, 3)), t)
    network = s.network(t, back, s(L.Transpose((0, 2, 1, 3)), again), s(L.Transpose((0, 3, 1, 2)), s(L.Neg(), t)))
    after = meet_transposes(network)
    x = floats(2, 3, 4, 5)
    for got, wanted in zip(evaluate(after, {"x": x}).values(), evaluate(network, {"x": x}).values(), strict=True):
        np.testing.assert_allclose(got, wanted, rtol=1e-6)
    assert op_counts(network)["Transpose"] == 5
    assert op_counts(after)["Transpose"] == 3


def test_a_value_that_is_given_out_keeps_its_transpose() -> None:
    s = Sketch("N", 6, 5, 7)
    t = s(L.Pad(), s(TO_LAST, "x"), ints(0, 1, 1, 0, 0, 1, 1, 0))
    network = s.network(t, s(TO_FIRST, s(L.Neg(), t)))
    assert op_counts(agree(network, (2, 6, 5, 7), exact=True)) == {"Identity": 1, "Neg": 1, "Pad": 1, "Transpose": 1}


def test_an_input_is_transposed_before_what_was_done_to_it() -> None:
    """So that scales and frames meet the convolution; not where that would need one more."""
    s = Sketch("N", 9, 8, 3)
    y = s(L.Pad(), s(L.Div(), "x", floats(3)), ints(0, 1, 1, 0, 0, 0, 1, 0))
    conv = L.Conv((3, 3), (1, 1), (1, 1), Explicit(((0, 0), (0, 0))))
    network = s.network(s(conv, s(TO_FIRST, y), floats(4, 3, 3, 3)))
    after = agree(network, (2, 9, 8, 3))
    assert [type(node.layer) for node in after.nodes] == [L.Transpose, L.Div, L.Pad, L.Conv]
    assert op_counts(optimise(network)) == {"Conv": 1, "Transpose": 1}
    s = Sketch("N", 3, 9, 8)
    network = s.network(s(TO_LAST, s(L.Neg(), s(conv, s(L.Abs(), "x"), floats(4, 3, 3, 3)))))
    assert agree(network, (2, 3, 9, 8)).nodes == network.nodes


def tensorflow() -> Network:
    """A network as TensorFlow has it, each node written to ONNX by itself: channels last but for windows and norms."""
    forth, back = {"perm": (0, 3, 1, 2)}, {"perm": (0, 2, 3, 1)}
    constants = {
        "pads": ints(0, 1, 1, 0, 0, 1, 1, 0),
        "scale": np.array([255], np.float32),
        "w1": floats(8, 3, 3, 3),
        "bias1": floats(8),
        **{name: np.abs(floats(8)) + np.float32(0.5) for name in ("gamma", "beta", "mean", "variance")},
        "w2": floats(4, 8, 1, 1),
        "bias2": floats(4),
        "w3": floats(4, 8, 3, 3),
        "dense": floats(8, 5),
    }

    def op(kind: str, *inputs: str, to: str, **attributes: object):  # type: ignore[no-untyped-def]
        return node(kind, *inputs, outputs=[to], name=to, **attributes)

    def channels_first(kind: str, x: str, *inputs: str, to: str, **attributes: object):  # type: ignore[no-untyped-def]
        return [
            op("Transpose", x, to=f"{to}/first", **forth),
            op(kind, f"{to}/first", *inputs, to=f"{to}/made", **attributes),
            op("Transpose", f"{to}/made", to=to, **back),
        ]

    same = {"auto_pad": "SAME_UPPER"}
    nodes = [
        op("Div", "x", "scale", to="scaled"),
        op("Pad", "scaled", "pads", to="padded"),
        *channels_first("Conv", "padded", "w1", to="conv1", strides=[2, 2], kernel_shape=[3, 3]),
        op("Add", "conv1", "bias1", to="biased1"),
        *channels_first("BatchNormalization", "biased1", "gamma", "beta", "mean", "variance", to="normed"),
        op("Relu", "normed", to="relu1"),
        op("Pad", "relu1", "pads", to="framed"),
        *channels_first("MaxPool", "framed", to="pooled", kernel_shape=[3, 3], strides=[2, 2]),
        *channels_first("Conv", "pooled", "w2", to="conv2", kernel_shape=[1, 1]),
        op("Add", "conv2", "bias2", to="biased2"),
        *channels_first("Conv", "pooled", "w3", to="conv3", kernel_shape=[3, 3], **same),
        op("Relu", "conv3", to="relu3"),
        op("Concat", "biased2", "relu3", to="joined", axis=3),
        op("ReduceMean", "joined", to="pooled over space", axes=[1, 2], keepdims=0),
        op("MatMul", "pooled over space", "dense", to="logits"),
        op("Softmax", "logits", to="y", axis=-1),
    ]
    return atrous.load(model(nodes, opset=13, shape=("N", "H", "W", 3), constants=constants))


def test_a_network_of_tensorflow() -> None:
    """One transpose is left, of the image; biases, norms, scales and frames are the convolutions' own."""
    network = tensorflow()
    assert op_counts(network)["Transpose"] == 10
    assert op_counts(agree(network, (2, 21, 18, 3)))["Transpose"] == 1
    prepared = optimise(network)
    assert op_counts(prepared) == {
        "+Relu": 2,
        "Concat": 1,
        "Conv": 3,
        "Linear": 1,
        "MaxPool": 1,
        "ReduceMean": 1,
        "Softmax": 1,
        "Transpose": 1,
    }
    assert [node.layer.padding for node in prepared.nodes if isinstance(node.layer, L.MaxPool)] == [Explicit(((1, 1), (1, 1)))]
    x = floats(2, 21, 18, 3)
    np.testing.assert_allclose(atrous.compile(network)(x), evaluate(network, {"x": x})["y"], rtol=1e-4, atol=1e-6)
