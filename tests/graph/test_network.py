"""Networks: what is legal, what they count, and the interpreter."""

from __future__ import annotations

import numpy as np
import pytest

from atrous.errors import ArgumentError, NetworkError
from atrous.geometry import Explicit
from atrous.graph.evaluate import evaluate
from atrous.graph.fact import Array, Fact
from atrous.graph.facts import infer_facts, input_facts
from atrous.graph.layers import Add, BatchNorm, Conv, Flatten, Linear, Mul, Relu, Reshape, Shape
from atrous.graph.network import Network, Node, sort_nodes

X = {"x": Fact("float32", ("N", 3, "H", "W"))}


def node(name: str, *inputs: str, layer: Relu | Add | None = None) -> Node:
    return Node(name, layer or Relu(), inputs, f"{name}_out")


def small() -> Network:
    conv = Conv((3, 3), (1, 1), (1, 1), Explicit(((1, 1), (1, 1))))
    rng = np.random.default_rng(0)
    constants: dict[str, Array] = {
        "w": rng.random((4, 3, 3, 3), dtype=np.float32),
        "b": np.ones(4, np.float32),
        **{name: np.ones(4, np.float32) for name in ("scale", "shift", "mean", "var")},
        "table": np.ones((1, 4, 5, 5), np.float32),
        "two": np.array(2, np.float32),
    }
    nodes = (
        Node("conv", conv, ("x", "w", "b"), "c"),
        Node("norm", BatchNorm(), ("c", "scale", "shift", "mean", "var"), "n"),
        Node("anchors", Add(), ("n", "table"), "a"),
        Node("twice", Mul(), ("a", "two"), "t"),
        Node("offsets", Add(), ("t", "n"), "y"),
    )
    return Network("small", {"x": Fact("float32", ("N", 3, 5, 5))}, ("y",), nodes, constants)


ILLEGAL = [
    ((node("a", "x"), node("a", "x")), ("a_out",), "node name 'a' appears twice"),
    ((node("a", "x"), Node("b", Relu(), ("x",), "a_out")), ("a_out",), "'a_out' is the output of node 'b' but exists already"),
    ((node("a", "y"),), ("a_out",), "node 'a' reads 'y', which nothing makes"),
    ((node("a", "b_out"), node("b", "x")), ("a_out",), "node 'a' reads 'b_out' before node 'b' makes it"),
    ((node("a", "x"),), ("z",), "output 'z' is not made by any node"),
    ((node("a", "x"),), ("a_out", "a_out"), "output 'a_out' is listed twice; outputs must differ"),
]


@pytest.mark.parametrize(("nodes", "outputs", "message"), ILLEGAL)
def test_illegal_networks_name_the_node(nodes: tuple[Node, ...], outputs: tuple[str, ...], message: str) -> None:
    with pytest.raises(NetworkError, match=message):
        Network("bad", X, outputs, nodes)


def test_sorting_puts_makers_first_and_names_the_nodes_of_a_cycle() -> None:
    chain = (node("c", "b_out"), node("a", "x"), node("b", "a_out"))
    assert [each.name for each in sort_nodes(chain)] == ["a", "b", "c"]
    with pytest.raises(NetworkError, match=r"nodes b -> a -> b form a cycle|nodes a -> b -> a form a cycle"):
        sort_nodes((node("first", "b_out"), node("a", "b_out"), node("b", "a_out")))


def test_sorting_is_not_limited_by_recursion() -> None:
    long = tuple(node(str(i), f"{i + 1}_out") for i in range(5000))
    assert sort_nodes(long)[0].name == "4999"


def test_parameters_are_the_trained_constants() -> None:
    # weights, bias, and scale and shift of the norm; not its statistics, nor the table and the scalar
    assert small().parameters == 4 * 27 + 4 + 8
    shared = Network(
        "shared",
        {"x": Fact("float32", ("N", 3))},
        ("b",),
        (Node("first", Linear(), ("x", "w"), "a"), Node("second", Linear(), ("a", "w"), "b")),
        {"w": np.ones((3, 3), np.float32)},
    )
    assert shared.parameters == 9


def test_a_network_explains_itself() -> None:
    assert repr(small()) == "Network 'small': x float32[N,3,5,5] -> y; 5 layers, 120 parameters"


def test_macs_need_shapes_only_where_they_are_open() -> None:
    assert small().macs((2, 3, 5, 5)) == 2 * 4 * 25 * 27
    with pytest.raises(ArgumentError, match=r"input 'x' is .*; give its shape"):
        small().macs()


WRONG_SHAPES = [
    ({"y": (1, 3, 5, 5)}, r"\['y'\] are no inputs of the network; it has x"),
    ((1, 3, 5), "it needs 4 sizes"),
    ((1, 4, 5, 5), "fixed sizes must agree and be at least 1"),
    ((0, 3, 5, 5), "fixed sizes must agree and be at least 1"),
]


@pytest.mark.parametrize(("shapes", "message"), WRONG_SHAPES)
def test_shapes_that_do_not_fit_are_named(shapes: tuple[int, ...], message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        input_facts(small(), shapes)


def test_a_symbol_has_one_size() -> None:
    two = Network("two", {"a": Fact("float32", ("N",)), "b": Fact("float32", ("N",))}, ("a", "b"), ())
    assert input_facts(two, {"a": (3,), "b": (3,)})["b"].sizes == (3,)
    with pytest.raises(ArgumentError, match="N is 3"):
        input_facts(two, {"a": (3,), "b": (4,)})
    with pytest.raises(ArgumentError, match="got one shape for 2 inputs"):
        input_facts(two, (3,))


def test_inference_follows_shape_arithmetic() -> None:
    nodes = (
        Node("shape", Shape(), ("x",), "s"),
        Node("flat", Flatten(), ("x",), "f"),
        Node("back", Reshape(), ("f", "s"), "y"),
    )
    network = Network("shapes", X, ("y",), nodes)
    assert infer_facts(network, network.inputs) == network.inputs
    facts = infer_facts(network, input_facts(network, (1, 3, 4, 5)))
    assert facts["s"].value is not None
    assert facts["s"].value.tolist() == [1, 3, 4, 5]
    assert facts["y"].sizes == (1, 3, 4, 5)


def test_errors_name_the_node() -> None:
    network = Network("bad", {"x": Fact("float32", (1, 4, 5, 5))}, ("c",), small().nodes[:1], dict(small().constants))
    with pytest.raises(NetworkError, match=r"node 'conv' \(Conv\): input .* has 4 channels"):
        infer_facts(network, network.inputs)


def test_the_interpreter_evaluates_every_node_and_checks_its_inputs() -> None:
    network = small()
    x = np.zeros((1, 3, 5, 5), np.float32)
    y = evaluate(network, {"x": x})["y"]
    norm = 1 / np.sqrt(1 + 1e-5) * (1 - 1) + 1
    np.testing.assert_allclose(y, (norm + 1) * 2 + norm, rtol=1e-6)
    with pytest.raises(ArgumentError, match=r"\['z'\] are missing or unknown"):
        evaluate(network, {"x": x, "z": x})
