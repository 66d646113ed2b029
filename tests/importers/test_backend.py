"""``atrous.onnx_backend`` beyond ONNX's own runner: what is a constant of a run, and what it refuses."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

import atrous
import atrous.onnx_backend as backend
from atrous.errors import ArgumentError, UnsupportedError
from atrous.graph.fact import Array


def model(
    node: onnx.NodeProto, shapes: dict[str, tuple[int | str, ...]], kinds: dict[str, int] | None = None
) -> onnx.ModelProto:
    """A model of one operator whose operands are all inputs."""
    kinds = kinds or {}
    inputs = [helper.make_tensor_value_info(name, kinds.get(name, TensorProto.FLOAT), shape) for name, shape in shapes.items()]
    output = helper.make_tensor_value_info("y", kinds.get("y", TensorProto.FLOAT), [None] * len(shapes["x"]))
    graph = helper.make_graph([node], "one", inputs, [output])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)


def floats(*shape: int) -> Array:
    return np.random.default_rng(sum(shape)).standard_normal(shape).astype(np.float32)


def test_weights_may_change_between_runs() -> None:
    """They are constants of a run; another run prepares the network for its own."""
    proto = model(helper.make_node("Conv", ["x", "w"], ["y"]), {"x": (1, 2, "T"), "w": (3, 2, 3)})
    prepared = backend.prepare(proto, "CPU", threads=1)
    for seed in range(3):
        x, w = floats(1, 2, 9 + seed // 2), floats(3, 2, 3) * (seed + 1)
        (y,) = prepared.run([x, w])
        np.testing.assert_allclose(y, atrous.conv(x, w), rtol=1e-6)
        np.testing.assert_array_equal(prepared.run({"w": w, "x": x})[0], y)


def test_signals_stay_inputs() -> None:
    proto = model(helper.make_node("Reshape", ["x", "s"], ["y"]), {"x": (2, 6), "s": (2,)}, {"s": TensorProto.INT64})
    shape = np.array([3, 4])
    network = atrous.load(proto, given={"x": floats(2, 6), "s": shape})
    assert list(network.inputs) == ["x"]
    assert backend.run_model(proto, [floats(2, 6), shape])[0].shape == (3, 4)


def test_sixteen_bit_floats_come_back_as_such() -> None:
    kinds = {"x": TensorProto.FLOAT16, "y": TensorProto.FLOAT16}
    x = floats(3, 4).astype(np.float16)
    (y,) = backend.run_model(model(helper.make_node("Relu", ["x"], ["y"]), {"x": (3, 4)}, kinds), x)
    assert y.dtype == np.float16
    np.testing.assert_array_equal(y, np.maximum(x, 0))


def test_one_operator_on_arrays() -> None:
    x = floats(2, 5)
    (y,) = backend.run_node(helper.make_node("Softmax", ["x"], ["y"], axis=1), [x])
    np.testing.assert_allclose(y.sum(axis=1), 1, rtol=1e-6)
    (z,) = backend.run_node(helper.make_node("Sum", ["a", "b"], ["c"]), [x, x], opset_version=13)
    np.testing.assert_array_equal(z, x + x)


def test_what_is_refused() -> None:
    relu = model(helper.make_node("Relu", ["x"], ["y"]), {"x": (3, 4)})
    assert backend.supports_device("CPU")
    assert not backend.supports_device("CUDA:1")
    assert backend.is_compatible(relu)
    assert not backend.is_compatible(model(helper.make_node("Acos", ["x"], ["y"]), {"x": (3, 4)}))
    with pytest.raises(ArgumentError, match="device: got 'CUDA'; atrous runs on 'CPU'"):
        backend.prepare(relu, "CUDA")
    with pytest.raises(ArgumentError, match="inputs: got 2 arrays; the model takes x"):
        backend.prepare(relu).run([floats(3, 4), floats(3, 4)])
    with pytest.raises(UnsupportedError, match=r"operators that atrous does not have: Acos \(nodes Acos_0\)"):
        backend.run_model(model(helper.make_node("Acos", ["x"], ["y"]), {"x": (3, 4)}), floats(3, 4))


def test_arrays_that_are_given_are_checked() -> None:
    proto = model(helper.make_node("Relu", ["x"], ["y"]), {"x": ("N", 4)})
    with pytest.raises(ArgumentError, match="given: 'z' is no input of the model; it has x"):
        atrous.load(proto, given={"z": floats(1)})
    for wrong in (floats(2, 5), floats(4), floats(2, 4).astype(np.float64)):
        with pytest.raises(ArgumentError, match=r"given: 'x' is float\d\d\[.*\]; the model's input is float32\[N,4\]"):
            atrous.load(proto, given={"x": wrong})


def test_what_depends_on_data_is_still_refused_without_it() -> None:
    proto = model(helper.make_node("Expand", ["x", "s"], ["y"]), {"x": (1, 6), "s": (2,)}, {"s": TensorProto.INT64})
    with pytest.raises(Exception, match="is computed from data; it must be a constant or follow from the shapes"):
        atrous.load(proto).compile(threads=1)(floats(1, 6), np.array([3, 6]))
