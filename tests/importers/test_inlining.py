"""Functions that models define and branches of known condition: written out, or refused by name in bounded time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from time import monotonic

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from atrous.errors import NetworkError, UnsupportedError
from atrous.graph.evaluate import evaluate
from atrous.graph.fact import Array
from atrous.importers import load
from tests.importers.models import ints, model, node

X = np.random.default_rng(5).standard_normal((2, 4, 9, 8)).astype(np.float32)
OWN = "own"


def function(
    name: str,
    inputs: Sequence[str],
    outputs: Sequence[str],
    nodes: Sequence[onnx.NodeProto],
    opset: int = 21,
    **defaults: object,
) -> onnx.FunctionProto:
    made = helper.make_function(
        OWN, name, inputs, outputs, nodes, [helper.make_opsetid("", opset), helper.make_opsetid(OWN, 1)], ["free"]
    )
    made.attribute_proto.extend(helper.make_attribute(key, value) for key, value in defaults.items())
    return made


def call(name: str, *inputs: str, outputs: Sequence[str] = ("y",), **attributes: object) -> onnx.NodeProto:
    return helper.make_node(name, list(inputs), list(outputs), name=name.lower(), domain=OWN, **attributes)


def with_functions(proto: onnx.ModelProto, *functions: onnx.FunctionProto) -> onnx.ModelProto:
    proto.functions.extend(functions)
    proto.opset_import.append(helper.make_opsetid(OWN, 1))
    return proto


def referring(operator: str, inputs: Sequence[str], output: str, **references: tuple[str, int]) -> onnx.NodeProto:
    """A node of a function, with attributes that the call gives."""
    made = node(operator, *inputs, outputs=[output])
    for name, (source, kind) in references.items():
        made.attribute.append(onnx.AttributeProto(name=name, type=kind, ref_attr_name=source))
    return made


FLOAT = onnx.AttributeProto.FLOAT
LEAK = function(
    "Leak", ["a", "b"], ["c", "d"],
    [
        referring("LeakyRelu", ["a"], "t", alpha=("slope", FLOAT)),
        referring("Elu", ["b"], "c", alpha=("free", FLOAT)),
        node("Add", "t", "c", outputs=["d"]),
    ],
    slope=0.25,
)  # fmt: skip
TWICE = function(
    "Twice", ["a"], ["b"],
    [call("Leak", "a", "a", outputs=["t", "u"], slope=0.5), call("Leak", "t", "u", outputs=["", "b"])],
)  # fmt: skip
OLD = function("Old", ["a"], ["b"], [node("Clip", "a", outputs=["b"], min=-0.5, max=0.5)], opset=10)
SAME = function("Same", ["a"], ["a", "b"], [node("Neg", "a", outputs=["b"])])


def branching(condition: Sequence[onnx.NodeProto], **constants: np.ndarray) -> onnx.ModelProto:
    """Both branches read from outside, and use names of their own twice."""
    w = numpy_helper.from_array(np.array([2.0], np.float32), "w")
    value = helper.make_tensor_value_info
    ways = [
        helper.make_graph(
            [node(operator, "z", "w", outputs=["t"]), node("Relu", "t", outputs=["r"])],
            operator, [], [value("r", TensorProto.FLOAT, None), value("z", TensorProto.FLOAT, None)], [w],
        )
        for operator in ("Add", "Mul")
    ]  # fmt: skip
    last = node("If", "k", outputs=["r", "s"], then_branch=ways[0], else_branch=ways[1])
    nodes = [node("Neg", "x", outputs=["z"]), *condition, last, node("Sub", "r", "s")]
    return model(nodes, 21, constants=constants)


ROWS = [
    node("Shape", "x", outputs=["n"]),
    node("Gather", "n", "two", outputs=["h"]),
    node("Greater", "h", "bound", outputs=["k"]),
]


def leaky(x: Array, slope: float) -> Array:
    return np.where(x < 0, slope * x, x)


def elu(x: Array, alpha: float = 1.0) -> Array:
    return np.where(x < 0, alpha * np.expm1(x), x)


def twice(x: Array) -> Array:
    c = elu(x)
    return leaky(c, 0.25) + elu(leaky(x, 0.5) + c)


MODELS: dict[str, tuple[onnx.ModelProto, Callable[[Array], Array]]] = {
    "a function of two outputs": (
        with_functions(model([call("Leak", "x", "x", outputs=["", "y"], free=0.5)]), LEAK),
        lambda x: leaky(x, 0.25) + elu(x, 0.5),
    ),
    "a function with its defaults": (
        with_functions(model([call("Leak", "x", "x", outputs=["z", "u"]), node("Sub", "z", "u")]), LEAK),
        lambda x: -leaky(x, 0.25),
    ),
    "a function of functions, called twice": (
        with_functions(model([call("Twice", "x", outputs=["z"]), call("Twice", "z")]), LEAK, TWICE),
        lambda x: twice(twice(x)),
    ),
    "a function of an older opset": (
        with_functions(model([call("Old", "x")]), OLD),
        lambda x: np.clip(x, -0.5, 0.5),
    ),
    "a branch taken": (branching([], k=np.array(True)), lambda x: np.maximum(2 - x, 0) + x),
    "a branch not taken": (branching([], k=np.array([False])), lambda x: np.maximum(-2 * x, 0) + x),
    "a branch by the shape": (
        branching(ROWS, two=np.array(2, np.int64), bound=np.array(8, np.int64)),
        lambda x: np.maximum(2 - x, 0) + x,
    ),
}


@pytest.mark.parametrize("name", MODELS)
def test_what_is_written_out_gives_what_its_parts_give(name: str) -> None:
    proto, formula = MODELS[name]
    got = evaluate(load(proto.SerializeToString()), {"x": X})["y"]
    np.testing.assert_allclose(got, formula(X), rtol=2e-5, atol=2e-6)


def test_an_output_that_is_an_input() -> None:
    """ONNX's checkers refuse this one."""
    network = load(with_functions(model([call("Same", "x", outputs=["z", "u"]), node("Sub", "z", "u")]), SAME))
    np.testing.assert_array_equal(evaluate(network, {"x": X})["y"], X + X)


def test_a_branch_in_a_function_reads_what_the_function_was_given() -> None:
    value = helper.make_tensor_value_info("r", TensorProto.FLOAT, None)
    ways = [
        helper.make_graph([referring("LeakyRelu", ["a"], "r", alpha=("slope", FLOAT))], "leak", [], [value]),
        helper.make_graph([node("Neg", "a", outputs=["r"])], "neg", [], [value]),
    ]
    choice = node("If", "k", outputs=["b"], then_branch=ways[0], else_branch=ways[1])
    picked = function("Pick", ["k", "a"], ["b"], [choice], slope=0.25)
    nodes = [call("Pick", "yes", "x", outputs=["z"], slope=0.5), call("Pick", "no", "z")]
    proto = with_functions(model(nodes, constants={"yes": np.array(True), "no": np.array(False)}), picked)
    np.testing.assert_array_equal(evaluate(load(proto), {"x": X})["y"], -np.where(X < 0, X * np.float32(0.5), X))


def test_shape_arithmetic_that_chooses_a_branch_leaves_no_trace() -> None:
    network = load(MODELS["a branch by the shape"][0])
    assert [node.name for node in network.nodes] == ["neg", "if/add", "if/relu", "if/output", "sub"]


def test_a_condition_from_data_is_named() -> None:
    condition = [node("ReduceMax", "x", outputs=["m"], keepdims=0), node("Greater", "m", "w", outputs=["k"])]
    with pytest.raises(UnsupportedError, match=r"node 'if' \(If, opset 21\): operand 0, 'k' is computed from data"):
        load(branching(condition, w=np.array(0, np.float32)))
    with pytest.raises(NetworkError, match="its condition is float32 with 2 elements; it must be one boolean"):
        load(branching([], k=np.ones(2, np.float32)))


def test_unknown_operators_inside_are_named() -> None:
    strange = function("Strange", ["a"], ["b"], [node("LSTM", "a", outputs=["b"], name="memory")])
    with pytest.raises(UnsupportedError, match=r"opset 21 operators .*: LSTM \(nodes strange/memory\)"):
        load(with_functions(model([call("Strange", "x")]), strange))


ME = function("Me", ["a"], ["b"], [call("You", "a", outputs=["b"])])
YOU = function("You", ["a"], ["b"], [call("Me", "a", outputs=["b"])])
NEST = [function(f"F{i}", ["a"], ["b"], [call(f"F{i + 1}", "a", outputs=["b"])]) for i in range(200)]
BOMB = [
    function(f"F{i}", ["a"], ["b"], [call(f"F{i + 1}", "a", outputs=["t"]), call(f"F{i + 1}", "t", outputs=["b"])])
    for i in range(40)
]
LEAF = [function(f"F{i}", ["a"], ["b"], [node("Neg", "a", outputs=["b"])]) for i in (200, 40)]
LARGE = function(
    "F0", ["a"], ["b"],
    [node("Constant", outputs=["c"], value=numpy_helper.from_array(np.zeros(2**18, np.float32)), name="c"),
     node("Add", "a", "c", outputs=["b"])],
)  # fmt: skip
REFUSED = [
    (with_functions(model([call("Me", "x")]), ME, YOU), NetworkError, "functions Me -> You -> Me call each other"),
    (with_functions(model([call("F0", "x")]), *NEST, LEAF[0]), NetworkError, "or 64 deep; atrous has no recursion"),
    (with_functions(model([call("F0", "x")]), *BOMB, LEAF[1]), UnsupportedError, "functions expand to more than 65536 nodes"),
    (with_functions(model([call("F0", "x", outputs=[f"y{i}"]) for i in range(400)], outputs=["y0"]), LARGE), UnsupportedError,
     "or to too many bytes"),
    (with_functions(model([call("Same", "x")]), SAME, SAME), NetworkError, "function 'Same' is defined twice"),
    (with_functions(model([call("Same", "x", "x")]), SAME), NetworkError, "with 2 operands and 1 outputs; it has 1 and 2"),
]  # fmt: skip


@pytest.mark.parametrize(("proto", "error", "message"), REFUSED)
def test_absurd_functions_are_refused(proto: onnx.ModelProto, error: type[Exception], message: str) -> None:
    start = monotonic()
    with pytest.raises(error, match=message):
        load(proto)
    assert monotonic() - start < 5


def test_recursion_through_branches_is_refused() -> None:
    value = helper.make_tensor_value_info("r", TensorProto.FLOAT, None)
    way = helper.make_graph([call("Loop", "k", "a", outputs=["r"])], "again", [], [value])
    loop = function("Loop", ["k", "a"], ["b"], [node("If", "k", outputs=["b"], then_branch=way, else_branch=way)])
    with pytest.raises(UnsupportedError, match="it stands in 16 other branches; atrous reads no deeper ones"):
        load(with_functions(model([call("Loop", "k", "x")], constants={"k": np.array(True)}), loop))


def test_illegal_branches() -> None:
    proto = branching([], k=np.array(True))
    proto.graph.node[1].output.append("u")
    with pytest.raises(NetworkError, match="its branch 'Add' has 0 inputs, 0 sparse tensors and 2 outputs; it must have none"):
        load(proto)
    proto = branching([], k=np.array(True))
    proto.graph.node[1].attribute.remove(next(held for held in proto.graph.node[1].attribute if held.name == "then_branch"))
    with pytest.raises(NetworkError, match="attribute then_branch is missing"):
        load(proto)


def test_axes_may_follow_from_the_number_of_axes() -> None:
    """Sizes that stay open do not matter: how many axes there are is known."""
    nodes = [
        node("Shape", "x", outputs=["s"]),
        node("Size", "s", outputs=["rank"]),
        node("Range", "two", "rank", "one", outputs=["axes"]),
        node("ReduceMean", "x", "axes", keepdims=0),
    ]
    constants = {"two": np.array(2, np.int64), "one": np.array(1, np.int64)}
    network = load(model(nodes, shape=("N", 4, "H", "W"), constants=constants))
    assert [type(node.layer).__name__ for node in network.nodes] == ["ReduceMean"]
    nodes[3] = node("ReduceMean", "x", "s", keepdims=0)
    with pytest.raises(UnsupportedError, match="operand 1, 's' is computed from data"):
        load(model(nodes, shape=("N", 4, "H", "W"), constants=constants))


def test_sparse_constants() -> None:
    def sparse(dims: Sequence[int], places: np.ndarray) -> onnx.ModelProto:
        values = numpy_helper.from_array(np.array([1.5, -2.0], np.float32), "v")
        tensor = helper.make_sparse_tensor(values, numpy_helper.from_array(places, "i"), dims)
        return model([node("Constant", outputs=["c"], sparse_value=tensor), node("Add", "x", "c")], shape=(2, 3))

    x = np.zeros((2, 3), np.float32)
    for places in (ints(1, 5), np.array([[0, 1], [1, 2]])):
        assert evaluate(load(sparse([2, 3], places)), {"x": x})["y"].tolist() == [[0, 1.5, 0], [0, 0, -2]]
    wrong = [
        ([2**20, 2**20], ints(1, 5), "nor more than 268435456 bytes"),
        ([2, -3], ints(1, 5), "must not be negative"),
        ([2, 3], ints(1, 6), "has places outside its dimensions"),
        ([2, 3], ints(1, 2, 3), r"has \(2,\) values at \(3,\) places"),
    ]
    for dims, places, message in wrong:
        with pytest.raises(Exception, match=message):
            load(sparse(dims, places))


def test_constants_that_are_text_are_refused() -> None:
    with pytest.raises(UnsupportedError, match="a constant must have one of the attributes value, sparse_value"):
        load(model([node("Constant", outputs=["c"], value_string="a"), node("Add", "x", "c")]))
