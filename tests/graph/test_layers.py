"""Layers against ONNX Runtime, through the exporter; and what they say of operands that do not fit."""

from __future__ import annotations

import numpy as np
import onnxruntime
import pytest
from onnx.reference import ReferenceEvaluator

from atrous.errors import NetworkError
from atrous.geometry import Crop, Explicit, Same
from atrous.geometry.resample import Linear
from atrous.graph import layers as L
from atrous.graph.fact import Fact
from atrous.graph.layer import Layer
from atrous.importers import load, to_onnx
from tests.graph.cases import CASES, Case, label, network_of

OPTIONS = onnxruntime.SessionOptions()
OPTIONS.intra_op_num_threads = 1
OPTIONS.log_severity_level = 3


def without_runtime(layer: Layer) -> bool:
    """Legal, but ONNX Runtime has no kernel for it: the reference evaluator of ONNX is the peer."""
    return isinstance(layer, L.Conv) and isinstance(layer.padding, Same) and max(layer.dilations) > 1


def has_peer(layer: Layer) -> bool:
    """LRN of even size is left to the tests of ``reference``: ONNX Runtime refuses it, the evaluator skips channels."""
    return not (isinstance(layer, L.LRN) and layer.size % 2 == 0)


@pytest.mark.parametrize("case", [case for case in CASES if has_peer(case[0])], ids=label)
def test_layer_equals_onnx_runtime(case: Case) -> None:
    layer, operands = case
    network = network_of(layer, operands)
    fed = {name: operands[int(name[1:])] for name in network.inputs}
    model = to_onnx(network)
    if without_runtime(layer):
        (wanted,) = ReferenceEvaluator(model).run(None, fed)
    else:
        (wanted,) = onnxruntime.InferenceSession(model.SerializeToString(), OPTIONS).run(None, fed)
    got = layer.evaluate(*operands)
    assert (got.shape, got.dtype) == (wanted.shape, wanted.dtype)
    np.testing.assert_allclose(got, wanted, rtol=2e-5, atol=2e-6)


@pytest.mark.parametrize("case", CASES, ids=label)
def test_inference_tells_type_and_shape_of_the_result(case: Case) -> None:
    layer, operands = case
    fact, result = layer.infer(*map(Fact.of, operands)), layer.evaluate(*operands)
    assert (fact.dtype, fact.sizes) == (result.dtype.name, result.shape)


#: Layers that are written as several operators.
APART = L.Swish | L.Linear | L.ReduceMeanSquare


@pytest.mark.parametrize("case", [case for case in CASES if not isinstance(case[0], APART)], ids=label)
def test_layer_survives_export_and_import(case: Case) -> None:
    layer, operands = case
    if isinstance(layer, L.Softmax | L.LogSoftmax) and layer.first != layer.last:
        pytest.skip("a joint softmax is written as several operators")
    if layer == L.SpaceToDepth(2, "CRD"):
        pytest.skip("before opset 28 ONNX has one order: the other is written as two operators")
    if isinstance(layer, L.Standardise) and layer.axes[-1] != operands[0].ndim - 1:
        pytest.skip("what is standardised over other axes than the last is written as several operators")
    network = network_of(layer, operands)
    back = load(to_onnx(network))
    if network.inputs:
        found = back.nodes[-1].layer
        assert normal(found, operands) == normal(layer, operands)
    else:
        np.testing.assert_array_equal(back.constants["y"], layer.evaluate(*operands))


def normal(layer: Layer, operands: tuple[np.ndarray, ...]) -> str:
    """A layer in words, floats at float32 precision as ONNX stores them."""
    attributes = {name: getattr(layer, name) for name in getattr(layer, "__dataclass_fields__", {})}
    return repr({k: float(np.float32(v)) if isinstance(v, float) else v for k, v in attributes.items()}) + type(layer).__name__


F = "float32"
PLAIN = L.Conv((3, 3), (1, 1), (1, 1), Explicit(((0, 0), (0, 0))))
WRONG: list[tuple[Layer, tuple[Fact, ...], str]] = [
    (PLAIN, (Fact(F, (1, 3, 2, 9)), Fact(F, (4, 3, 3, 3))), "spans 3 .* but the padded input has 2"),
    (PLAIN, (Fact(F, (1, 4, 9, 9)), Fact(F, (4, 3, 3, 3))), "has 4 channels; weights .* need 3"),
    (PLAIN, (Fact(F, (1, 3, 9, 9)), Fact("float64", (4, 3, 3, 3))), "different types; all must agree"),
    (PLAIN, (Fact(F, (1, 3, 9)), Fact(F, (4, 3, 3, 3))), "has 3 axes; this layer needs 4"),
    (PLAIN, (Fact(F, (1, 3, 9, 9)), Fact(F, (4, 3, 5, 3))), "kernel sizes are \\(5, 3\\) in the weights and \\(3, 3\\)"),
    (PLAIN, (Fact(F, (1, 3, 9, 9)), Fact(F, (4, 3, 3, 3)), Fact(F, (5,))), "bias has shape \\(5,\\); it must be \\(4,\\)"),
    (PLAIN, (Fact(F, (1, 3, 9, 9)),), "got 1 operands; this layer takes 2 to 3"),
    (
        L.Conv((1,), (1,), (1,), Explicit(((0, 0),)), groups=2),
        (Fact(F, (1, 3, 9)), Fact(F, (4, 1, 1))),
        "groups=2 does not divide the 3 input and 4 output channels",
    ),
    (L.Add(), (Fact(F, (2, 3)), Fact(F, (2, 4))), "do not broadcast: aligned at the last axis"),
    (L.PRelu(), (Fact(F, (1, 3)), Fact(F, (4, 3))), "slope .* does not broadcast to the input"),
    (L.Where(), (Fact(F, (1,)), Fact(F, (1,)), Fact(F, (1,))), "must have type bool: insert a Cast"),
    (L.Sigmoid(), (Fact("int16", (2, 3)),), "int16.2,3. must hold floats: insert a Cast"),
    (L.Resize(Linear()), (Fact("uint8", (2, 3)), Fact.of(np.array([2.0, 2.0]))), "must hold floats: insert a Cast"),
    (L.Concat(1), (Fact(F, (2, 3)), Fact(F, (3, 3))), "do not join along axis 1"),
    (L.Transpose((0, 0)), (Fact(F, (2, 3)),), "must hold each of the axes 0..1 once"),
    (L.ReduceSum((2,)), (Fact(F, (2, 3)),), "axis 2 does not exist in a value with 2 axes; it must be in -2..1"),
    (L.ReduceSum((0, -2)), (Fact(F, (2, 3)),), "name an axis twice"),
    (L.ReduceMean(()), (Fact(F, (0, 3)),), "is empty"),
    (L.Reshape(), (Fact(F, (2, 3)), Fact.of(np.array([4, -1]))), "6 is no multiple of 4"),
    (L.Reshape(), (Fact(F, (2, 3)), Fact.of(np.array([-1, -1]))), "one -1 at most"),
    (L.Reshape(), (Fact(F, (2, 3)), Fact.of(np.array([2, 3, 0]))), "keeps an axis by 0"),
    (L.Reshape(), (Fact(F, (2, 3)), Fact("int64", (2,))), "computed from data; it must be a constant"),
    (L.Squeeze((0,)), (Fact(F, (2, 3)),), "cannot be squeezed; their sizes must be 1"),
    (L.Slice(), (Fact(F, (2, 3)), *(Fact.of(np.array([1])),) * 3, Fact.of(np.array([0]))), "no step may be 0"),
    (L.Pad(), (Fact(F, (2, 3)), Fact.of(np.array([1, 1]))), "a low and a high one for each of the 2 axes"),
    (L.Pad(), (Fact(F, (2, 3)), Fact.of(np.array([-3, 0, 0, 0]))), "crop more than"),
    (L.Tile(), (Fact(F, (2, 3)), Fact.of(np.array([2]))), "one count of at least 0 for each axis"),
    (L.DepthToSpace(2), (Fact(F, (1, 6, 3, 3)),), "4 must divide its channels"),
    (L.SpaceToDepth(2), (Fact(F, (1, 6, 3, 4)),), "must divide every spatial size"),
    (L.Gather(0), (Fact(F, (3,)), Fact.of(np.array([3]))), "must be in -3..2"),
    (L.Linear(), (Fact(F, (2, 3)), Fact(F, (4, 5))), "its last axis must have 5 elements"),
    (L.MatMul(), (Fact(F, (2, 3)), Fact(F, (4, 5))), "do not multiply"),
    (L.Softmax(2, 1), (Fact(F, (2, 3, 4)),), "the first must not lie behind the last"),
    (L.Resize(coordinates=(Crop(),)), (Fact(F, (2, 3)), Fact.of(np.array([1, 1]))), "1 crops must be one for each of the axes"),
    (L.Resize(), (Fact(F, (2, 3)), Fact.of(np.array([1.0], np.float32))), "one number for each of the axes"),
    (L.Resize(), (Fact(F, (2, 3)), Fact.of(np.array([1.0, 0.1], np.float32))), "gives 0; there must be at least 1"),
    (L.Resize(), (Fact(F, (2, 3)), Fact.of(np.array([1.0, -1.0], np.float32))), "must be positive and finite"),
    (L.Range(), tuple(Fact.of(np.array(x)) for x in (0, 3, 0)), "delta is 0"),
    (L.ConstantOfShape(), (Fact.of(np.array([-1])),), "has a negative size"),
    (L.Size(), (Fact("float32", (2**31, 2**31, 2**31)),), "must have fewer than 2..63"),
    (L.ConstantOfShape(), (Fact.of(np.array([1 << 30, 1 << 30])),), "at most 32 and 2\\*\\*48 are possible"),
    (L.Reshape(), (Fact(F, (1,)), Fact.of(np.ones(40, np.int64))), "would have 40 axes and 1 elements"),
    (L.Reshape(), (Fact(F, (1,)), Fact.of(np.ones(1, np.float32))), "must hold integers of type int64"),
    (L.Expand(), (Fact(F, (1,)), Fact.of(np.array([-2]))), "sizes must be at least 0"),
    (L.Range(), tuple(Fact.of(np.array(x, np.float32)) for x in (0, np.inf, 1)), "has no end; the numbers must be finite"),
]


@pytest.mark.parametrize(("layer", "operands", "message"), WRONG)
def test_wrong_operands_are_named(layer: Layer, operands: tuple[Fact, ...], message: str) -> None:
    with pytest.raises(NetworkError, match=message):
        layer.infer(*operands)


def test_costs_count_every_tap() -> None:
    case = L.Conv((3, 3), (1, 1), (1, 1), Explicit(((1, 1), (1, 1))), groups=2)
    x, w = Fact(F, (1, 4, 8, 8)), Fact(F, (6, 2, 3, 3))
    assert case.macs(case.infer(x, w), x, w) == 6 * 8 * 8 * 2 * 9
    up = L.ConvTranspose((2, 2), (2, 2), (1, 1), Explicit(((0, 0), (0, 0))), (0, 0))
    x, w = Fact(F, (1, 4, 8, 8)), Fact(F, (4, 3, 2, 2))
    assert up.macs(up.infer(x, w), x, w) == 4 * 8 * 8 * 3 * 4
    dense = L.Linear()
    x, w = Fact(F, (2, 7)), Fact(F, (5, 7))
    assert dense.macs(dense.infer(x, w), x, w) == 2 * 5 * 7


def test_integer_division_by_zero_is_refused() -> None:
    with pytest.raises(NetworkError, match=r"integer division .* by zero"):
        L.Div().evaluate(np.array([1]), np.array([0]))
