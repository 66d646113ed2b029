"""Padding rules against the sizes they promise, and against PyTorch and ONNX Runtime."""

from __future__ import annotations

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto, helper

from atrous import reference
from atrous.errors import ArgumentError
from atrous.geometry import Explicit, Same, ToSize, as_padding, per_axis

AXES = st.tuples(st.integers(1, 5), st.integers(1, 4), st.integers(1, 4), st.integers(1, 30))


@given(AXES, st.booleans())
def test_same_gives_size_over_stride_rounded_up(axis: tuple[int, int, int, int], upper: bool) -> None:
    kernel, stride, dilation, size = axis
    (window,) = Same(upper).windows((kernel,), (stride,), (dilation,), (size,))
    assert window.output_size(size) == -(-size // stride)
    more, less = (window.pad_hi, window.pad_lo) if upper else (window.pad_lo, window.pad_hi)
    assert 0 <= more - less <= 1
    # the least padding that does: one element less gives an output less
    if more:
        short = Explicit(((window.pad_lo, window.pad_hi - 1),)).windows((kernel,), (stride,), (dilation,), (size,))[0]
        assert short.output_size(size) < window.output_size(size)


@given(AXES, st.booleans(), st.integers(0, 3))
def test_same_transposed_gives_size_times_stride(axis: tuple[int, int, int, int], upper: bool, extra: int) -> None:
    kernel, stride, dilation, size = axis
    (window,) = Same(upper).transposed((kernel,), (stride,), (dilation,), (size,), (extra,))
    assert window.output_size(size) == size * stride
    assert window.pad_lo >= 0


@given(AXES, st.booleans(), st.integers(1, 40))
def test_to_size_gives_that_size(axis: tuple[int, int, int, int], upper: bool, outputs: int) -> None:
    kernel, stride, dilation, size = axis
    assert (
        ToSize((outputs,), upper).transposed((kernel,), (stride,), (dilation,), (size,), (0,))[0].output_size(size) == outputs
    )
    assert ToSize((outputs,), upper).windows((kernel,), (stride,), (dilation,), (size,))[0].output_size(size) == outputs


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel")  # PyTorch's word on its own speed
@pytest.mark.parametrize("kernel", [1, 2, 3, 4])
@pytest.mark.parametrize("dilation", [1, 2, 3])
def test_same_is_pytorchs_same(kernel: int, dilation: int) -> None:
    x, w = np.arange(1.0, 8.0).reshape(1, 1, 7), np.arange(1.0, kernel + 1).reshape(1, 1, kernel)
    wanted = torch.nn.functional.conv1d(torch.tensor(x), torch.tensor(w), padding="same", dilation=dilation)
    found = reference.conv(x, w, None, Same().windows((kernel,), (1,), (dilation,), (7,)))
    np.testing.assert_allclose(found, wanted.numpy())


def onnx_result(operator: str, x: np.ndarray, w: np.ndarray, **attributes: object) -> np.ndarray:
    """One node run by ONNX Runtime."""
    node = helper.make_node(operator, ["x", "w"], ["y"], **attributes)
    inputs = [helper.make_tensor_value_info(name, TensorProto.FLOAT, a.shape) for name, a in (("x", x), ("w", w))]
    output = helper.make_tensor_value_info("y", TensorProto.FLOAT, [None] * x.ndim)
    model = helper.make_model(helper.make_graph([node], "g", inputs, [output]), opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 8
    onnx.checker.check_model(model)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, {"x": x, "w": w})[0]


@pytest.mark.parametrize("upper", [True, False])
@pytest.mark.parametrize(("kernel", "stride", "size"), [(3, 1, 7), (4, 1, 7), (3, 2, 7), (4, 2, 8), (2, 3, 8), (5, 3, 9)])
def test_same_is_onnx_auto_pad(upper: bool, kernel: int, stride: int, size: int) -> None:
    x = np.arange(1, size + 1, dtype=np.float32).reshape(1, 1, size)
    w = np.arange(1, kernel + 1, dtype=np.float32).reshape(1, 1, kernel)
    rule = "SAME_UPPER" if upper else "SAME_LOWER"
    wanted = onnx_result("Conv", x, w, auto_pad=rule, strides=[stride])
    np.testing.assert_allclose(reference.conv(x, w, None, Same(upper).windows((kernel,), (stride,), (1,), (size,))), wanted)
    if kernel >= stride:
        wanted = onnx_result("ConvTranspose", x, w, auto_pad=rule, strides=[stride])
        windows = Same(upper).transposed((kernel,), (stride,), (1,), (size,), (0,))
        np.testing.assert_allclose(reference.conv_transpose(x, w, None, windows), wanted)


@pytest.mark.parametrize("rule", ["NOTSET", "SAME_UPPER", "SAME_LOWER"])
@pytest.mark.parametrize("outputs", [8, 9, 10, 11, 12])
def test_to_size_is_onnx_output_shape(rule: str, outputs: int) -> None:
    x = np.arange(1, 6, dtype=np.float32).reshape(1, 1, 5)
    w = np.arange(1, 4, dtype=np.float32).reshape(1, 1, 3)
    wanted = onnx_result("ConvTranspose", x, w, auto_pad=rule, strides=[2], output_shape=[outputs])
    windows = ToSize((outputs,), upper=rule == "SAME_UPPER").transposed((3,), (2,), (1,), (5,), (0,))
    np.testing.assert_allclose(reference.conv_transpose(x, w, None, windows), wanted)


@pytest.mark.parametrize(
    ("given_value", "wanted"),
    [
        (2, Explicit(((2, 2), (2, 2)))),
        (np.int64(2), Explicit(((2, 2), (2, 2)))),
        ((1, 2), Explicit(((1, 1), (2, 2)))),
        ([(0, 1), (2, 3)], Explicit(((0, 1), (2, 3)))),
        (np.array([[0, 1], [2, 3]]), Explicit(((0, 1), (2, 3)))),
        ("valid", Explicit(((0, 0), (0, 0)))),
        ("same", Same()),
        (Same(upper=False), Same(upper=False)),
    ],
)
def test_what_a_caller_may_give_as_padding(given_value: object, wanted: object) -> None:
    assert as_padding(given_value, 2) == wanted  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("given_value", "axes", "message"),
    [
        ("full", 2, r"""padding: got 'full'; it must be an integer, one per axis, \(low, high\) pairs, "valid" or "same"$"""),
        (-1, 2, "padding: got -1; it must be at least 0"),
        (1.5, 2, "padding: got 1.5; it must be an integer"),
        ((1, 2), 1, r"padding: got 2 entries for 1 spatial axes; .*for one axis write \(\(low, high\),\)"),
        ((1, 2, 3), 2, r"padding: got 3 entries for 2 spatial axes; give one integer, or 2 integers or \(low, high\) pairs$"),
        (((1, 2, 3), 0), 2, r"padding: got \(1, 2, 3\) for one axis; it must be an integer or a \(low, high\) pair"),
        (("a", 0), 2, "padding: got 'a' for one axis"),
    ],
)
def test_bad_padding_is_refused_with_the_rule(given_value: object, axes: int, message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        as_padding(given_value, axes)  # type: ignore[arg-type]


def test_per_axis_takes_one_for_all_or_one_each() -> None:
    assert per_axis("stride", np.int32(2), 3) == (2, 2, 2)
    assert per_axis("stride", np.array([1, 2]), 2) == (1, 2)
    with pytest.raises(ArgumentError, match=r"^stride: got \(1, 2\) for 3 spatial axes; give one integer for all, or 3 of"):
        per_axis("stride", (1, 2), 3)
    with pytest.raises(ArgumentError, match=r"^stride: got 0; it must be at least 1$"):
        per_axis("stride", (1, 0), 2)
    with pytest.raises(ArgumentError, match=r"^stride: got 2.0; it must be an integer$"):
        per_axis("stride", 2.0, 2)  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match=r"^stride: got '12'; it must be an integer, or one for each of the 2 spatial"):
        per_axis("stride", "12", 2)  # type: ignore[arg-type]
