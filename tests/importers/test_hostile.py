"""Files and graphs that are damaged, foreign, illegal or unsupported: refused by name, in bounded time and memory."""

from __future__ import annotations

import os
import re
from pathlib import Path

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper

from atrous.errors import ArgumentError, AtrousError, FileError, NetworkError, UnsupportedError
from atrous.graph.facts import infer_facts
from atrous.graph.layers import Softmax
from atrous.graph.network import Network, Node
from atrous.importers import load, save, to_onnx
from tests.importers.models import ints, model, node

CONV = model([node("Conv", "x", "w", outputs=["c"]), node("Relu", "c")], constants={"w": np.ones((3, 4, 3, 3), np.float32)})
ONE = {"w": np.ones((3, 4, 1, 1), np.float32)}


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileError, match=r"none\.onnx: cannot be read: No such file"):
        load(tmp_path / "none.onnx")
    with pytest.raises(FileError, match="cannot be read: Is a directory"):
        load(tmp_path)


@pytest.mark.parametrize("data", [b"", b"\x89PNG\r\n\x1a\n", b"hello", CONV.SerializeToString()[:-200], b"\x08\x08"])
def test_damaged_files_are_named(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "bad.onnx"
    path.write_bytes(data)
    with pytest.raises(FileError, match=r"bad\.onnx: .*(damaged|not an ONNX model)"):
        load(path)


def test_only_paths_bytes_and_models_are_taken() -> None:
    with pytest.raises(ArgumentError, match="got int; give a path, the bytes of an ONNX file, or a ModelProto"):
        load(3)


TENSORS = [
    (helper.make_tensor("w", TensorProto.FLOAT, [1], b"\0" * 4, raw=True), [1 << 40], "holds 4 bytes, dimensions .* need"),
    (helper.make_tensor("w", TensorProto.FLOAT, [2], [1.0, 2.0]), [3], "holds 2 elements, dimensions .* need 3"),
    (helper.make_tensor("w", TensorProto.FLOAT, [1], [1.0]), [-1], "must not be negative"),
]


@pytest.mark.parametrize(("tensor", "dims", "message"), TENSORS)
def test_tensors_whose_size_is_not_what_they_say(tensor: onnx.TensorProto, dims: list[int], message: str) -> None:
    proto = model([node("Mul", "x", "w")])
    del tensor.dims[:]
    tensor.dims.extend(dims)
    proto.graph.initializer.append(tensor)
    with pytest.raises(FileError, match=f"tensor 'w' .*{message}"):
        load(proto)


def test_all_unknown_operators_are_listed_at_once() -> None:
    nodes = [
        node("LSTM", "x", outputs=["a"], name="memory"),
        node("NonZero", "a", outputs=["b"], name="places"),
        node("NonZero", "b", outputs=["c"], name="more"),
        helper.make_node("Fancy", ["c"], ["y"], name="own", domain="com.example"),
    ]
    message = r"opset 13 operators .*: LSTM \(nodes memory\); NonZero \(nodes places, more\); com\.example\.Fancy \(nodes own\)"
    with pytest.raises(UnsupportedError, match=message):
        load(model(nodes, 13))


def test_all_unsupported_attributes_are_listed_at_once() -> None:
    nodes = [
        node("Resize", "x", "", "s", antialias=1, mode="nearest", outputs=["a"], name="smooth"),
        node("GlobalMaxPool", "x", outputs=["y", "places"], name="pool"),
        node("Relu", "x", surprise=3, outputs=["c"], name="odd"),
        node("Neg", "places", outputs=["z"], name="reader"),
    ]
    with pytest.raises(UnsupportedError) as caught:
        load(model(nodes, 18, constants={"s": np.ones(4, np.float32)}, outputs=("y", "z")))
    text = str(caught.value)
    assert "node 'smooth' (Resize, opset 18): attribute antialias=1 goes with mode linear or cubic, not with nearest" in text
    assert "node 'pool' (GlobalMaxPool, opset 18): outputs places are read" in text
    assert "node 'odd' (Relu, opset 18): attributes surprise are not supported" in text


UNSUPPORTED = [
    (model([node("BatchNormalization", "x", *"sbmv", spatial=0)], 7, constants=dict.fromkeys("sbmv", np.ones(4, "f"))),
     "spatial=0 is not supported"),
    (model([node("BatchNormalization", "x", *"sbmv", outputs=["y", "m2"])], 8, outputs=("y", "m2"),
           constants=dict.fromkeys("sbmv", np.ones(4, "f"))), "outputs m2 are read; atrous makes the first output only"),
    (model([node("Unsqueeze", "x", "x")], 13), "operand 1, 'x' is computed from data"),
    (model([node("Conv", "x", "w", auto_pad="SOMETIMES")], 13, constants=ONE),
     "auto_pad='SOMETIMES' is not supported"),
    (model([node("Cast", "x", to=TensorProto.STRING)], 13), "attribute to has element type STRING"),
    (model([node("Dropout", "x", "", "t")], 12, constants={"t": np.array(True)}), "training_mode is true"),
    (model([node("Resize", "x", "r", "", "s", coordinate_transformation_mode="tf_crop_and_resize", axes=[3])], 18,
           constants={"s": ints(4), "r": np.array([1, 0], "f")}), "roi .1.0, 0.0. ends before it starts; atrous does not flip"),
    (model([node("Resize", "x", "r", "", "s", coordinate_transformation_mode="tf_crop_and_resize", axes=[3])], 18,
           constants={"s": ints(4), "r": np.array([0, 2], "f")}, dtype=TensorProto.BOOL), "roi leaves an operand of bool"),
    (model([node("Relu", "x")], 13, dtype=TensorProto.COMPLEX64), "input 'x' has element type COMPLEX64"),
    (model([node("Relu", "x")], 999), "uses opset 999; atrous reads opsets 1 to"),
]  # fmt: skip


@pytest.mark.parametrize(("proto", "message"), UNSUPPORTED)
def test_what_is_unsupported_is_named(proto: onnx.ModelProto, message: str) -> None:
    with pytest.raises(UnsupportedError, match=message):
        load(proto)


def test_inputs_without_a_shape_and_sparse_weights_are_unsupported() -> None:
    proto = model([node("Relu", "x")])
    proto.graph.input[0].type.tensor_type.ClearField("shape")
    with pytest.raises(UnsupportedError, match="is no tensor of known rank"):
        load(proto)
    proto = model([node("Relu", "x")])
    proto.graph.sparse_initializer.add()
    with pytest.raises(UnsupportedError, match="has sparse initializers; store them dense"):
        load(proto)


ILLEGAL = [
    (model([node("Relu", "b", outputs=["a"], name="one"), node("Relu", "a", outputs=["b"], name="two")], outputs=("a",)),
     "nodes (one -> two -> one|two -> one -> two) form a cycle"),
    (model([node("Relu", "ghost", name="reader")]), "node 'reader' reads 'ghost', which nothing makes"),
    (model([node("Relu", "x", name="one"), node("Tanh", "x", name="two")]), "node 'two' makes value 'y', which exists already"),
    (model([node("Relu", "x", outputs=["z"])]), "output 'y' is made by no node"),
    (model([node("Add", "x", name="sum")]), r"node 'sum' \(Add, opset 21\): has 1 operands; it takes 2 to 2"),
    (model([node("Conv", "x", "w", strides=[0, 1])], constants=ONE), "strides is .0, 1.; it must"),
    (model([node("Conv", "x", "w", group=0)], constants=ONE), "group is .0.; it must hold 1 integers"),
    (model([node("Conv", "x", "w", pads=[1])], constants=ONE), "a low and a high one for each of 2"),
    (model([node("MaxPool", "x", kernel_shape=[2, 2], storage_order=2)]), "storage_order is 2; it must be 0 or 1"),
    (model([node("MaxPool", "x")]), "kernel_shape is ..; it must hold 1 integers"),
    (model([node("Split", "x", "s", axis=1, outputs=["y", "b"])], constants={"s": ints(4)}), "do not match its 2 outputs"),
    (model([node("Relu", "x", outputs=[""])]), "has no first output"),
    (model([node("LeakyRelu", "x", alpha=1)]), "attribute 'alpha' must be a float"),
    (model([node("Reshape", "c", "s")], constants={"c": np.ones(6, "f"), "s": ints(4, -1)}), "6 is no multiple of 4"),
    (model([node("Concat", "x", "x")]), "attribute axis is missing"),
    (model([node("Resize", "x", "r", "", "s", coordinate_transformation_mode="tf_crop_and_resize")],
           constants={"s": ints(2, 4, 9, 9), "r": np.ones(4, "f")}), "must hold a finite start and end for each of 4 axes"),
    (model([node("Resize", "x", "", "", "s", mode="cubic", cubic_coeff_a=np.inf)], constants={"s": ints(2, 4, 9, 9)}),
     "attribute cubic_coeff_a is inf; it must be finite"),
]  # fmt: skip


@pytest.mark.parametrize(("proto", "message"), ILLEGAL)
def test_illegal_graphs_name_the_node(proto: onnx.ModelProto, message: str) -> None:
    with pytest.raises(NetworkError, match=message):
        load(proto)


def test_duplicate_initializers_and_negative_sizes() -> None:
    proto = model([node("Mul", "x", "w")], constants={"w": np.ones(1, np.float32)})
    proto.graph.initializer.append(proto.graph.initializer[0])
    with pytest.raises(NetworkError, match="initializer 'w' appears twice"):
        load(proto)
    proto = model([node("Relu", "x")])
    proto.graph.input[0].type.tensor_type.shape.dim[0].dim_value = -7
    with pytest.raises(FileError, match="has size -7; sizes must be positive"):
        load(proto)


def test_a_gigantic_constant_costs_nothing() -> None:
    nodes = [node("ConstantOfShape", "s", outputs=["c"]), node("Relu", "c", outputs=["d"]), node("Add", "x", "d")]
    network = load(model(nodes, constants={"s": ints(1 << 18, 1 << 18)}, shape=(1,)))
    assert {each.name for each in network.nodes} == {"relu", "add"}


def test_a_repeated_number_takes_no_memory_at_any_size() -> None:
    nodes = [node("ConstantOfShape", "s", outputs=["c"]), node("Add", "x", "c")]
    network = load(model(nodes, constants={"s": ints(1 << 40)}, shape=(1,)))
    network.compile(threads=1)
    assert network.constants["c"].strides == (0,)


MISFITS = [
    (model([node("Conv", "x", "w", name="first")], shape=(1, 4), constants=ONE),
     r"node 'first' (Conv): input float32[1,4] has 2 axes; this layer needs 4"),
    (model([node("Conv", "x", "w", name="first")], shape=(1, 5, 8, 8), constants=ONE),
     "node 'first' (Conv): input float32[1,5,8,8] has 5 channels; weights float32[3,4,1,1] with groups=1 need 4"),
    (model([node("Add", "x", "w", name="sum")], constants={"w": ints(1)}),
     "node 'sum' (Add): operands float32[2,4,9,8], int64[1] have different types; all must agree: insert a Cast"),
    *((model([node(operator, "x", "s", name="more")], shape=(1,), constants={"s": ints(*sizes)}),
       f"node 'more' ({operator}): the result would have {len(sizes) if operator == 'Expand' else 1} axes and")
      for operator, sizes in (("Expand", (1 << 31, 1 << 31)), ("Tile", (1 << 62,)), ("Pad", (1 << 62, 1 << 62)))),
    (model([node("Resize", "x", "", "s", name="more")], shape=(1,), constants={"s": np.array([1e30], "f")}),
     "node 'more' (Resize): outputs: got 1000000015047466219876688855040: integer overflow of sizes"),
]  # fmt: skip


@pytest.mark.parametrize(("proto", "message"), MISFITS)
def test_ranks_types_and_sizes_that_do_not_fit_name_the_node(proto: onnx.ModelProto, message: str) -> None:
    with pytest.raises(NetworkError, match=re.escape(message)):
        load(proto).compile(threads=1)


def test_sizes_that_do_not_fit_name_the_node() -> None:
    network = load(model([node("Conv", "x", "w")], shape=(1, 4, 2, 2), constants={"w": np.ones((3, 4, 3, 3), np.float32)}))
    with pytest.raises(NetworkError, match=r"node 'conv' \(Conv\): .*no output"):
        infer_facts(network, network.inputs)


def test_indices_that_a_network_computes_may_be_anything() -> None:
    """Numbers of the signal as indices: in range they take, and outside they are an error, whatever they are."""
    nodes = [
        node("Cast", "x", outputs=["i"], to=TensorProto.INT64),
        node("Gather", "w", "i", name="pick", axis=1),
    ]
    proto = model(nodes, shape=("N", 3), constants={"w": np.arange(8, dtype=np.float32).reshape(2, 4)})
    proto.graph.output[0].type.tensor_type.elem_type = TensorProto.FLOAT
    run = load(proto).compile()
    x = np.array([[0, 1, 2], [3, -1, -4]], np.float32)
    np.testing.assert_array_equal(run(x), [[[0, 1, 2], [3, 3, 0]], [[4, 5, 6], [7, 7, 4]]])
    for wrong in (4, -5, 1e9, -1e9, 1e30, -1e30, np.inf, -np.inf):
        with pytest.raises(NetworkError, match=r"node 'pick' \(Gather\): index -?\d+ lies outside axis 1 of float32\[2,4\]"):
            run(np.full((70, 3), wrong, np.float32))
    np.testing.assert_array_equal(run(x[:1]), [[[0, 1, 2]], [[4, 5, 6]]])


def test_saving_is_whole_or_not_at_all(tmp_path: Path) -> None:
    network = load(CONV)
    save(network, tmp_path / "net.onnx")
    assert repr(load(tmp_path / "net.onnx")) == repr(network)
    with pytest.raises(FileError, match="cannot be written: No such file"):
        save(network, tmp_path / "none" / "net.onnx")
    assert os.listdir(tmp_path) == ["net.onnx"]


def test_what_onnx_cannot_say_names_the_node() -> None:
    network = load(CONV)
    nodes = (*network.nodes, Node("odd", Softmax(1, 2), ("y",), "z"))
    with pytest.raises(UnsupportedError, match=r"node 'odd' \(Softmax\): ONNX cannot say a softmax over the axes 1 to 2"):
        to_onnx(Network("odd", network.inputs, ("z",), nodes, network.constants))


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_mutated_files_raise_only_our_errors(data: st.DataObject) -> None:
    mutated = bytearray(CONV.SerializeToString())
    for _ in range(data.draw(st.integers(1, 6))):
        mutated[data.draw(st.integers(0, len(mutated) - 1))] = data.draw(st.integers(0, 255))
    try:
        network = load(bytes(mutated))
        if all(fact.concrete and fact.count < 1 << 20 for fact in network.inputs.values()):
            infer_facts(network, network.inputs)
    except AtrousError:
        pass
