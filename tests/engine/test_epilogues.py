"""What is fused into a convolution's or a pool's store gives the same as the layers one after another, whole and in boxes."""

from __future__ import annotations

import numpy as np
import pytest

from atrous.engine.program import Program
from atrous.geometry.padding import Explicit
from atrous.graph.fact import Array, Fact
from atrous.graph.layer import Layer, Pointwise
from atrous.graph.layers import activation as act
from atrous.graph.layers import arithmetic as arith
from atrous.graph.layers.pooling import AveragePool, MaxPool
from atrous.graph.network import Network, Node
from atrous.problem import Problem
from tests.engine.running import error, layer_of, random_box, same_bits
from tests.oracles import by_definition
from tests.strategies import operands

RNG = np.random.default_rng(3)

CONVOLUTIONS = [
    "conv:f32:n2:c5:i9x31:k19:w3x3:s2x1:p1:b",
    "conv:f64:n2:c6:i7x11:k6:w3x3:p1:g6",
    "convt:f32:n2:c5:i5x9:k18:w4x3:s2x3:p1:b",
    "convt:f64:c4:i3x4x6:k4:w2x2x3:s2:o1:g4",
    "convt:f32:c3:i9:k7:w2:s3",
]

OPERANDS = {
    "a whole map": lambda shape: shape,
    "one for each channel": lambda shape: (shape[1], *(1 for _ in shape[2:])),
    "one for each place": lambda shape: (1, 1, *shape[2:]),
    "one for all": lambda shape: (1,),
}


def network(
    layer: Layer, x: Array, weights: dict[str, Array], then: list[tuple[Pointwise, list[str]]], more: dict[str, Array]
) -> Network:
    """``layer``, then pointwise layers on its result (named ``*``) and on ``more``; those with all axes are inputs."""
    signals = {"x": x, **{name: array for name, array in more.items() if array.ndim == x.ndim}}
    facts = {name: Fact(array.dtype.name, array.shape) for name, array in signals.items()}
    constants = {**weights, **{name: array for name, array in more.items() if name not in signals}}
    nodes = [Node("layer", layer, ("x", *weights), "v0")]
    for number, (step, names) in enumerate(then):
        read = tuple(f"v{number}" if name == "*" else name for name in names)
        nodes.append(Node(f"step{number}", step, read, f"v{number + 1}"))
    return Network("fused", facts, (f"v{len(then)}",), tuple(nodes), constants)


def check_boxes(program: Program, arrays: dict[str, Array], whole: Array) -> None:
    """Boxes of the output, each from exactly the boxes of the inputs that it needs, with the bits of the whole."""
    bound = program.bind({name: array.shape for name, array in arrays.items()})
    (out,) = program.network.outputs
    for _ in range(4):
        box = random_box(RNG, whole.shape)
        boxes = bound.demand({out: box})
        part = np.empty(boxes[out].shape, whole.dtype)
        given = {name: array[boxes[name].slices()].copy() for name, array in arrays.items() if name in boxes}
        bound.run(boxes, given, {out: part}, threads=2)
        assert same_bits(part, whole[boxes[out].slices()].copy())


@pytest.mark.parametrize("operand", OPERANDS)
@pytest.mark.parametrize("text", CONVOLUTIONS)
def test_a_residual_and_an_activation(text: str, operand: str) -> None:
    problem = Problem.parse(text)
    x, w, bias = operands(problem)
    expected = by_definition(problem, x, w, bias)
    other = RNG.standard_normal(OPERANDS[operand](expected.shape)).astype(problem.dtype)
    weights = {"w": w} if bias is None else {"w": w, "b": bias}
    steps: list[tuple[Pointwise, list[str]]] = [
        (arith.Sub(), ["other", "*"]),
        (act.LeakyRelu(0.1), ["*"]),
        (arith.Mul(), ["*", "other"]),
    ]
    net = network(layer_of(problem), x, weights, steps, {"other": other})
    program = Program(net)
    arrays = {name: {"x": x, "other": other}[name] for name in net.inputs}
    result = program(*arrays.values())
    difference = other - expected
    assert error(result, np.where(difference > 0, difference, 0.1 * difference) * other) <= 1e-5
    check_boxes(program, arrays, result)


@pytest.mark.parametrize("pool", [MaxPool, AveragePool])
def test_a_pool_with_an_epilogue(pool: type[MaxPool] | type[AveragePool]) -> None:
    x = RNG.standard_normal((2, 19, 9, 13)).astype("float32")
    layer = pool((3, 2), (2, 1), (1, 1), Explicit(((1, 0), (0, 1))))
    expected = layer.evaluate(x)
    other = RNG.standard_normal(expected.shape).astype("float32")
    net = network(layer, x, {}, [(arith.Add(), ["*", "other"]), (act.Relu(), ["*"])], {"other": other})
    program = Program(net)
    result = program(x, other)
    assert error(result, np.maximum(expected + other, 0)) <= 1e-6
    check_boxes(program, {"x": x, "other": other}, result)
