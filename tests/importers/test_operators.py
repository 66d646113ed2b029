"""Spellings of operators in old and new opsets, against ONNX Runtime."""

from __future__ import annotations

import numpy as np
import onnxruntime
import pytest
import torch
from onnx import TensorProto, helper
from onnx.reference import ReferenceEvaluator

from atrous.errors import NetworkError
from atrous.graph import layers as L
from atrous.graph.evaluate import evaluate
from atrous.graph.passes import specialise
from atrous.importers import load
from atrous.importers.tensors import CODES
from tests.importers.models import ints, model, node

OPTIONS = onnxruntime.SessionOptions()
OPTIONS.intra_op_num_threads = 1
OPTIONS.log_severity_level = 4

RNG = np.random.default_rng(3)


def floats(*shape: int) -> np.ndarray:
    return RNG.standard_normal(shape).astype(np.float32)


def part(y0: float, x0: float, y1: float, x1: float) -> dict[str, np.ndarray]:
    """The sizes and the part of a crop of two axes."""
    return {"s": ints(2, 4, 7, 5), "r": np.array([0, 0, y0, x0, 1, 1, y1, x1], np.float32)}


PAIR = {"s": floats(4), "b": floats(4)}
W = {"w": floats(6, 4, 3, 3)}
CROP = {"mode": "linear", "coordinate_transformation_mode": "tf_crop_and_resize", "extrapolation_value": 7.5}
IN_FLOATS = node("Cast", "i", to=1)
MODELS = {
    "softmax flattened before 13": model([node("Softmax", "x", axis=2)], 9),
    "softmax by default before 13": model([node("Softmax", "x")], 11),
    "softmax of one axis": model([node("Softmax", "x")], 13),
    "slice by attributes": model([node("Slice", "x", starts=[1, 2], ends=[9, -1], axes=[2, 3])], 9),
    "slice by attributes, all axes": model([node("Slice", "x", starts=[0, 1], ends=[2, 3])], 9),
    "slice by operands, steps alone": model(
        [node("Slice", "x", "s", "e", "", "p")], 13, constants={"s": ints(0, 1), "e": ints(2, 4), "p": ints(1, 2)}
    ),
    "clip by attributes": model([node("Clip", "x", min=-0.5, max=0.25)], 9),
    "clip of one side": model([node("Clip", "x", "", "m")], 13, constants={"m": np.array(0.1, np.float32)}),
    "clip by computed bounds": model(
        [node("ReduceMean", "x", axes=[0, 1, 2, 3], keepdims=0, outputs=["m"]), node("Clip", "x", "m")], 13
    ),
    "pad by attributes": model([node("Pad", "x", pads=[0, 0, 1, 2, 0, 0, 3, 0], value=1.5)], 9),
    "pad reflecting": model([node("Pad", "x", "p", mode="reflect")], 13, constants={"p": ints(0, 0, 1, 2, 0, 0, 3, 0)}),
    "pad of named axes": model([node("Pad", "x", "p", "", "a")], 18, constants={"p": ints(1, 2), "a": ints(-1)}),
    "squeeze by attribute": model([node("Squeeze", "x", axes=[1])], 11, shape=(2, 1, 3)),
    "squeeze by operand": model([node("Squeeze", "x", "a")], 13, shape=(2, 1, 3), constants={"a": ints(-2)}),
    "unsqueeze by attribute": model([node("Unsqueeze", "x", axes=[0, 2])], 11, shape=(3, 4)),
    "dropout": model([node("Dropout", "x", ratio=0.3)], 10),
    "dropout with an unused mask": model([node("Dropout", "x", outputs=["y", "mask"])], 12),
    "upsample by attribute": model([node("Upsample", "x", scales=[1.0, 1.0, 2.0, 3.0], mode="nearest")], 7),
    "upsample by operand": model(
        [node("Upsample", "x", "s", mode="linear")], 9, constants={"s": np.array([1, 1, 2, 2], np.float32)}
    ),
    "resize of opset 10": model([node("Resize", "x", "s")], 10, constants={"s": np.array([1, 1, 2, 2], np.float32)}),
    "resize to sizes": model(
        [node("Resize", "x", "", "", "s", mode="cubic", coordinate_transformation_mode="align_corners")],
        13,
        constants={"s": ints(2, 4, 12, 5)},
    ),
    "resize against aliasing": model(
        [node("Resize", "x", "", "s", mode="linear", antialias=1, exclude_outside=1, axes=[2, 3])],
        18,
        constants={"s": np.array([0.5, 0.3], np.float32)},
    ),
    "resize that keeps the aspect": model(
        [node("Resize", "x", "", "", "s", mode="linear", keep_aspect_ratio_policy="not_larger", axes=[3, 2])],
        18,
        constants={"s": ints(12, 5)},
    ),
    "resize of a part": model(
        [node("Resize", "x", "r", "", "s", **CROP)],
        13,
        constants=part(0.25, 0, 0.5, 0.75),
    ),
    "resize of a part beyond the signal": model(
        [node("Resize", "x", "r", "", "s", **CROP)],
        13,
        constants=part(-0.25, 0.25, 1.5, 0.75),
    ),
    "equal split": model([node("Split", "x", axis=1, outputs=["a", "y"]), node("Neg", "a", outputs=["z"])], 11),
    "split by attribute": model([node("Split", "x", axis=1, split=[3, 1], outputs=["a", "y"])], 11),
    "split by operand": model([node("Split", "x", "s", axis=-1, outputs=["a", "y"])], 13, constants={"s": ints(6, 2)}),
    "split into uneven parts": model([node("Split", "x", axis=2, num_outputs=4, outputs=["a", "b", "c", "y"])], 18),
    "split over an open axis": model(
        [node("Split", "x", axis=3, outputs=["a", "b"]), node("Sub", "a", "b")], 13, shape=("N", 4, "H", "W")
    ),
    "reduction by attribute": model([node("ReduceMean", "x", axes=[-1, 1], keepdims=0)], 13),
    "reduction by operand": model([node("ReduceMax", "x", "a")], 18, constants={"a": ints(2)}),
    "reduction of nothing": model([node("ReduceSum", "x", noop_with_empty_axes=1)], 13),
    "reduction of all": model([node("ReduceL2", "x", keepdims=0)], 13),
    "sum of three": model([node("Sum", "x", "c", "x")], 8, constants={"c": floats(4, 1, 1)}),
    "mean of three": model([node("Mean", "x", "c", "x")], 8, constants={"c": floats(4, 1, 1)}),
    "max of one": model([node("Max", "x")], 8),
    "gemm with everything": model(
        [node("Gemm", "x", "w", "b", alpha=0.5, beta=2.0, transA=1)], 11, (3, 2), {"w": floats(3, 5), "b": floats(1, 5)}
    ),
    "gemm with a matrix added": model(
        [node("Gemm", "x", "w", "b", transB=1)], 13, (2, 3), {"w": floats(5, 3), "b": floats(2, 1)}
    ),
    "gemm without bias": model([node("Gemm", "x", "w")], 13, (2, 3), {"w": floats(3, 5)}),
    "gemm with a scalar": model([node("Gemm", "x", "w", "b")], 13, (2, 3), {"w": floats(3, 5), "b": floats(1)}),
    "convolution, same at the low end": model([node("Conv", "x", "w", auto_pad="SAME_LOWER", strides=[2, 2])], 11, constants=W),
    "convolution, valid": model([node("Conv", "x", "w", auto_pad="VALID")], 11, constants=W),
    "transposed to a shape": model(
        [node("ConvTranspose", "x", "w", strides=[2, 2], output_shape=[18, 16])], 11, constants={"w": floats(4, 2, 3, 3)}
    ),
    "pool, same": model([node("MaxPool", "x", kernel_shape=[3, 2], strides=[2, 2], auto_pad="SAME_UPPER")], 12),
    "pool and where its maxima lie": model(
        [node("MaxPool", "x", kernel_shape=[3, 2], strides=[2, 2], pads=[1, 0, 0, 1], outputs=["z", "i"]), IN_FLOATS], 12
    ),
    "where the maxima lie, in columns": model(
        [
            node("MaxPool", "x", kernel_shape=[2, 2], strides=[2, 1], storage_order=1, ceil_mode=1, outputs=["z", "i"]),
            IN_FLOATS,
        ],
        12,
    ),
    "pooled, and put back": model(
        [
            node("MaxPool", "x", kernel_shape=[2, 2], strides=[2, 2], outputs=["a", "i"]),
            node("MaxUnpool", "a", "i", kernel_shape=[2, 2], strides=[2, 2], pads=[0, 0, 0, 0]),
        ],
        11,
        (2, 4, 8, 10),
    ),
    "pool, ceil": model([node("AveragePool", "x", kernel_shape=[2, 3], strides=[2, 3], ceil_mode=1)], 11),
    "global pools of open sizes": model(
        [node("GlobalAveragePool", "x", outputs=["a"]), node("GlobalMaxPool", "x", outputs=["b"]), node("Add", "a", "b")],
        shape=("N", 4, None, None),
    ),
    "batch norm of opset 8": model(
        [node("BatchNormalization", "x", *"sbmv", epsilon=0.01, momentum=0.5)],
        8,
        constants={name: np.abs(floats(4)) + 0.5 for name in "sbmv"},
    ),
    "instance norm": model([node("InstanceNormalization", "x", "s", "b", epsilon=0.01)], 7, constants=PAIR),
    "group norm": model([node("GroupNormalization", "x", "s", "b", num_groups=2)], 21, constants=PAIR),
    "layer norm": model(
        [node("LayerNormalization", "x", "s", "b", axis=-2)], 17, constants={"s": floats(9, 8), "b": floats(9, 8)}
    ),
    "layer norm without bias": model([node("LayerNormalization", "x", "s", epsilon=0.1)], 17, constants={"s": floats(8)}),
    "layer norm and its statistics": model(
        [
            node("LayerNormalization", "x", "s", axis=1, outputs=["z", "mean", "deviation"], epsilon=0.1),
            node("Mul", "z", "deviation", outputs=["p"]),
            node("Add", "p", "mean"),
        ],
        17,
        constants={"s": floats(4, 9, 8)},
    ),
    "root mean square norm": model([node("RMSNormalization", "x", "s", axis=2)], 23, constants={"s": floats(9, 8)}),
    "mean and variance norm": model([node("MeanVarianceNormalization", "x")], 9),
    "mean and variance norm over the space": model([node("MeanVarianceNormalization", "x", axes=[2, 3])], 13),
    "norm of one axis": model([node("LpNormalization", "x", p=1, axis=1)], 7),
    "norm by default": model([node("LpNormalization", "x")], 7),
    "norm pool": model([node("LpPool", "x", kernel_shape=[3, 2], strides=[2, 1], pads=[1, 0, 1, 1], p=3)], 11),
    "norm pool, same, dilated": model(
        [node("LpPool", "x", kernel_shape=[2, 2], dilations=[2, 3], strides=[1, 2], ceil_mode=1)], 18
    ),
    "norm pool of valid windows": model([node("LpPool", "x", kernel_shape=[4, 3], auto_pad="VALID", p=1)], 7),
    "global norm pools": model(
        [
            *(node("GlobalLpPool", "x", p=p, outputs=[f"p{p}"], name=f"pool{p}") for p in (1, 2, 3)),
            node("Concat", "p1", "p2", "p3", axis=1),
        ],
        7,
        shape=("N", 4, None, None),
    ),
    "log softmax flattened before 13": model([node("LogSoftmax", "x", axis=2)], 9),
    "log softmax of one axis": model([node("LogSoftmax", "x")], 13),
    "either": model(
        [
            node("Greater", "x", "a", outputs=["p"]),
            node("Less", "x", "b", outputs=["q"]),
            node("Xor", "p", "q", outputs=["r"]),
            node("Where", "r", "x", "a"),
        ],
        13,
        constants={"a": floats(4, 1, 1), "b": floats(1)},
    ),
    "dropout and its mask": model(
        [node("Dropout", "x", outputs=["z", "mask"]), node("Where", "mask", "z", "c")], 12, constants={"c": floats(1)}
    ),
    "batch norm of computed statistics": model(
        [
            node("ReduceMean", "x", axes=[0, 2, 3], keepdims=0, outputs=["m"]),
            node("BatchNormalization", "x", "s", "b", "m", "v"),
        ],
        15,
        constants={**PAIR, "v": np.abs(floats(4)) + 0.5},
    ),
    "constants of every spelling": model(
        [
            node("Constant", value_float=2.0, outputs=["a"]),
            node("Constant", value_ints=[4, 1, 1], outputs=["s"]),
            node("ConstantOfShape", "s", value=helper.make_tensor("v", TensorProto.FLOAT, [1], [0.5]), outputs=["b"]),
            node("Mul", "x", "a", outputs=["c"]),
            node("Add", "c", "b"),
        ],
        13,
    ),
    "shape arithmetic": model(
        [
            node("Shape", "x", outputs=["s"], start=0, end=2),
            node("Constant", value_ints=[-1], outputs=["m"]),
            node("Concat", "s", "m", axis=0, outputs=["t"]),
            node("Reshape", "x", "t"),
        ],
        15,
        shape=("N", 4, "H", "W"),
    ),
    "nodes without names": model([node("Relu", "x", outputs=["a"], name=""), node("Relu", "a", name="")], 13),
    "depth to space": model([node("DepthToSpace", "x", blocksize=2)], 9),
    "output that is an input": model([node("Relu", "x", outputs=["z"])], 13, outputs=("z",)),
}


@pytest.mark.parametrize("name", MODELS)
def test_spelling(name: str) -> None:
    proto = MODELS[name]
    network = load(proto)
    shape = [dim.dim_value or 6 for dim in proto.graph.input[0].type.tensor_type.shape.dim]
    fed = {"x": RNG.standard_normal(shape).astype(np.float32)}
    wanted = onnxruntime.InferenceSession(proto.SerializeToString(), OPTIONS).run(None, fed)
    got = evaluate(network, fed)
    ready = evaluate(specialise(network, {"x": shape}), fed)
    for y, output, again in zip(wanted, got.values(), ready.values(), strict=True):
        assert output.shape == y.shape
        np.testing.assert_allclose(output, y, rtol=2e-5, atol=2e-6)
        np.testing.assert_array_equal(again, output)


def test_group_norm_of_opset_18_has_one_scale_a_group() -> None:
    """ONNX Runtime has no kernel for it, and PyTorch one scale a channel."""
    scale, bias = floats(2), floats(2)
    proto = model([node("GroupNormalization", "x", "s", "b", num_groups=2)], 18, constants={"s": scale, "b": bias})
    network, x = load(proto), floats(2, 4, 9, 8)
    wanted = torch.nn.functional.group_norm(torch.from_numpy(x), 2).numpy().reshape(2, 2, -1)
    wanted = (wanted * scale[:, None] + bias[:, None]).reshape(x.shape)
    assert [type(each.layer).__name__ for each in network.nodes] == ["GroupNorm"]
    np.testing.assert_allclose(evaluate(network, {"x": x})["y"], wanted, rtol=1e-5, atol=1e-5)


def test_batch_norm_that_trains_follows_the_batch() -> None:
    scale, bias, mean, var = (np.abs(floats(4)) + 0.5 for _ in "sbmv")
    nodes = [node("BatchNormalization", "x", *"sbmv", outputs=["y", "mean", "var"], training_mode=1, momentum=0.75)]
    constants = dict(zip("sbmv", (scale, bias, mean, var), strict=True))
    network, x = load(model(nodes, 15, constants=constants, outputs=("y", "mean", "var"))), floats(2, 4, 9, 8)
    t = [torch.from_numpy(array.copy()) for array in (x, scale, bias)]
    wanted = torch.nn.functional.batch_norm(t[0], None, None, t[1], t[2], training=True).numpy()
    for y, new_mean, new_var in (evaluate(network, {"x": x}).values(), network.compile(threads=1)(x)):
        np.testing.assert_allclose(y, wanted, rtol=1e-5, atol=1e-5)
        np.testing.assert_allclose(new_mean, 0.75 * mean + 0.25 * x.mean(axis=(0, 2, 3)), rtol=1e-5)
        np.testing.assert_allclose(new_var, 0.75 * var + 0.25 * x.var(axis=(0, 2, 3)), rtol=1e-5)


CAUSAL = {"w": floats(4, 1, 3), "b": floats(4), "past": floats(2, 4, 2)}


@pytest.mark.parametrize("operands", ["xw", "xwb", ["x", "w", "", "past"], ["x", "w", "b", "past"]], ids=str)
@pytest.mark.parametrize("activation", ["none", "silu"])
@pytest.mark.parametrize("length", [1, 9])
def test_causal_convolution_keeps_its_state(operands: list[str], activation: str, length: int) -> None:
    """The definition: a depthwise convolution of the state and the signal, joined."""
    causal = node("CausalConvWithState", *operands, outputs=["y", "state"], activation=activation)
    network = load(model([causal], 27, shape=(2, 4, "T"), constants=CAUSAL, outputs=("y", "state")))
    x = floats(2, 4, length)
    before = CAUSAL["past"] if "past" in operands else np.zeros((2, 4, 2), np.float32)
    joined, bias = np.concatenate([before, x], axis=2), CAUSAL["b"] if "b" in operands else np.zeros(4, np.float32)
    wanted = sum(joined[:, :, tap : tap + length] * CAUSAL["w"][:, 0, tap, None] for tap in range(3)) + bias[:, None]
    if activation == "silu":
        wanted = wanted / (1 + np.exp(-wanted))
    for y, state in (evaluate(network, {"x": x}).values(), network.compile(threads=1)(x)):
        np.testing.assert_allclose(y, wanted, rtol=1e-5, atol=1e-5)
        np.testing.assert_array_equal(state, joined[:, :, -2:])


def test_dropout_that_trains_but_drops_nothing() -> None:
    drop = node("Dropout", "x", "r", "t", outputs=["y", "mask"])
    proto = model([drop], 13, constants={"r": np.array(0, np.float32), "t": np.array(True)}, outputs=("y", "mask"))
    x = floats(2, 4, 9, 8)
    for y, mask in (evaluate(load(proto), {"x": x}).values(), load(proto).compile(threads=1)(x)):
        np.testing.assert_array_equal(y, x)
        assert mask.dtype == bool
        assert mask.shape == x.shape
        assert mask.all()


def test_broadcasting_of_opset_6_names_its_axis() -> None:
    nodes = [node("Add", "x", "b", outputs=["a"], broadcast=1, axis=1), node("PRelu", "a", "s")]
    network = load(model(nodes, 6, constants={"b": floats(4), "s": floats(4)}))
    x = floats(2, 4, 9, 8)
    b, s = (initializer.reshape(-1, 1, 1) for initializer in network.constants.values())
    y = x + b
    np.testing.assert_array_equal(evaluate(network, {"x": x})["y"], np.where(y < 0, y * s, y))


def test_further_outputs_that_nobody_reads_are_left_out() -> None:
    constants = {name: np.abs(floats(4)) + 0.5 for name in "sbmv"}
    nodes = [node("BatchNormalization", "x", *"sbmv", outputs=["y", "mean", "var", "", "spare"])]
    network = load(model(nodes, 8, constants=constants))
    assert [each.output for each in network.nodes] == ["y"]


def test_parts_that_nobody_wants_have_no_name() -> None:
    network = load(model([node("Split", "x", "s", axis=-1, outputs=["", "y"])], 13, constants={"s": ints(6, 2)}))
    x = floats(2, 4, 9, 8)
    np.testing.assert_array_equal(evaluate(network, {"x": x})["y"], x[..., 6:])


def test_sizes_that_are_left_open_get_names() -> None:
    network = load(model([node("Relu", "x")], shape=("batch", 3, None, 0)))
    assert network.inputs["x"].shape == ("batch", 3, "x_2", "x_3")


INTEGERS = ("uint8", "int8", "uint16", "int16", "int32", "int64")
RESIZES = {
    "linear": {"mode": "linear"},
    "cubic": {"mode": "cubic"},
    "corners": {"mode": "cubic", "coordinate_transformation_mode": "align_corners", "exclude_outside": 1},
    "antialias": {"mode": "linear", "antialias": 1},
    "crop": CROP,
    "crop, nearest": {**CROP, "mode": "nearest"},
}


@pytest.mark.parametrize("dtype", INTEGERS)
@pytest.mark.parametrize("kind", RESIZES)
def test_integers_are_resized_as_the_reference_implementation_has_it(kind: str, dtype: str) -> None:
    """Rounded to the nearest, halves to even, and held to the range, which cubics leave; any way where the sum is a tie."""
    info = np.iinfo(dtype)
    lo, hi = max(info.min, -(2**40)), min(info.max, 2**40)
    x = np.where(
        RNG.random((1, 2, 9, 8)) < 0.3, RNG.choice([lo, hi], (1, 2, 9, 8)), RNG.integers(lo, hi, (1, 2, 9, 8), endpoint=True)
    )
    x = x.astype(dtype)
    roi = {"r": np.array([0, 0, -0.25, 0.125, 1, 1, 0.875, 1.25], np.float32)}
    scales = {"s": np.array([1, 1, 0.625, 0.75] if kind == "antialias" else [1, 1, 2.25, 1.625], np.float32)}
    proto = model([node("Resize", "x", "r", "s", **RESIZES[kind])], 19, x.shape, {**roi, **scales}, dtype=CODES[dtype])
    proto.graph.output[0].type.tensor_type.elem_type = CODES[dtype]
    got, wanted = load(proto).compile()(x), ReferenceEvaluator(proto).run(None, {"x": x})[0]
    assert (got.dtype, got.shape) == (wanted.dtype, wanted.shape) == (np.dtype(dtype), wanted.shape)
    wide = model([node("Resize", "x", "r", "s", **RESIZES[kind])], 19, x.shape, {**roi, **scales}, dtype=TensorProto.DOUBLE)
    exact = ReferenceEvaluator(wide).run(None, {"x": x.astype(np.float64)})[0]
    off = 1e-6 * hi if RESIZES[kind]["mode"] == "cubic" else 0.0  # whose weights the reference computes in float32
    tie = np.abs(np.abs(exact - np.floor(exact)) - 0.5) < 1e-3 + 2 * off
    np.testing.assert_array_equal(got[~tie], wanted[~tie])
    np.testing.assert_allclose(got[tie].astype(np.float64), wanted[tie], rtol=0, atol=1 + 2 * off)
    assert tie.mean() < 0.5 or off > 0.1


def test_integers_are_upsampled_likewise() -> None:
    x = np.array([[0, 255, 1, 7]], np.uint8)
    scales = {"s": np.array([1, 2], np.float32)}
    proto = model([node("Upsample", "x", "s", mode="linear")], 9, (1, 4), scales, dtype=TensorProto.UINT8)
    assert load(proto).compile()(x).tolist() == [[0, 128, 255, 128, 1, 4, 7, 7]]  # 127.5 and 4 between, halves to even
    with pytest.raises(NetworkError, match="must hold floats"):
        load(model([node("Upsample", "x", "s", mode="linear")], 9, (1, 4), scales, dtype=TensorProto.BOOL)).compile()(x > 1)


def test_layers_that_need_shapes_hide_nothing_where_all_sizes_are_open() -> None:
    """After each of them, the next asks for the number of axes of what it reads, whatever the sizes."""
    norm = {name: np.abs(floats(16)) + 0.5 for name in ("scale", "bias", "mean", "var")}
    nodes = [
        node("Conv", "x", "w", outputs=["a"], name="a", pads=[1] * 4),
        node("Pad", "a", "pads", outputs=["b"], name="b"),
        node("Tile", "b", "repeats", outputs=["c"], name="c"),
        node("Shape", "c", outputs=["shape"], name="shape"),
        node("GlobalAveragePool", "c", outputs=["d"], name="d"),
        node("Expand", "d", "shape", outputs=["e"], name="e"),
        node("Reshape", "e", "flat", outputs=["f"], name="f"),
        node("Reshape", "f", "shape", outputs=["g"], name="g"),
        node("MaxPool", "g", outputs=["h"], name="h", kernel_shape=[2, 2]),
        node("BatchNormalization", "h", *norm, name="norm"),
    ]
    sizes = {"pads": ints(0, 0, 1, 0, 0, 0, 0, 2), "repeats": ints(1, 1, 2, 3), "flat": ints(0, -1)}
    proto = model(nodes, shape=("N", 4, "H", "W"), constants={"w": floats(16, 4, 3, 3), **norm, **sizes})
    run, session = load(proto).compile(), onnxruntime.InferenceSession(proto.SerializeToString(), OPTIONS)
    for size in ((1, 4, 6, 7), (3, 4, 2, 9)):
        x = floats(*size)
        np.testing.assert_allclose(run(x), session.run(None, {"x": x})[0], rtol=1e-4, atol=1e-5)


def test_weights_of_16_bits_are_widened_with_a_note() -> None:
    half = {"w": floats(4, 1, 1).astype(np.float16)}
    proto = model([node("Mul", "x", "w")], constants=half, dtype=TensorProto.FLOAT16)
    brain = helper.make_tensor("b", TensorProto.BFLOAT16, [4, 1, 1], [0.5, 1.5, -2.0, 3.0])
    proto.graph.initializer.append(brain)
    proto.graph.node.append(node("Add", "y", "b", outputs=["z"], name="second"))
    proto.graph.output[0].name = "z"
    with pytest.warns(UserWarning, match="2 tensors of 16-bit floats are widened to float32"):
        network = load(proto)
    assert network.inputs["x"].dtype == "float32"
    np.testing.assert_array_equal(network.constants["w"], half["w"].astype(np.float32))
    assert network.constants["b"].reshape(-1).tolist() == [0.5, 1.5, -2.0, 3.0]


def test_a_dilated_convolution_keeps_its_attributes() -> None:
    network = load(model([node("Conv", "x", "w", dilations=[2, 1], pads=[2, 1, 2, 1], strides=[1, 2])], 11, constants=W))
    layer = network.nodes[0].layer
    assert isinstance(layer, L.Conv)
    assert (layer.kernel, layer.strides, layer.dilations, layer.groups) == ((3, 3), (1, 2), (2, 1), 1)
