"""Copies between layouts: every kernel for them moves each element to its place and touches nothing else."""

from __future__ import annotations

from itertools import permutations
from typing import Literal

import numpy as np
import pytest

from atrous.engine.program import Program
from atrous.geometry.padding import Explicit
from atrous.graph.fact import Array, Fact
from atrous.graph.layer import Layer
from atrous.graph.layers import activation as act
from atrous.graph.layers import arithmetic as arith
from atrous.graph.layers import movement
from atrous.graph.layers.pooling import MaxPool
from atrous.graph.network import Network, Node
from tests.engine.running import random_box, run_box, same_bits

RNG = np.random.default_rng(5)


def chain(x: Array, *layers: Layer, threads: int = 2) -> Program:
    names = ["x", *(f"v{i}" for i in range(len(layers) - 1)), "y"]
    nodes = tuple(Node(names[i + 1], layer, (names[i],), names[i + 1]) for i, layer in enumerate(layers))
    return Program(Network("chain", {"x": Fact(x.dtype.name, x.shape)}, (names[-1],), nodes), threads)


def numbers(shape: tuple[int, ...], dtype: str) -> Array:
    return RNG.permutation(int(np.prod(shape))).reshape(shape).astype(dtype)


@pytest.mark.parametrize("dtype", ["float32", "float64", "int32"])
@pytest.mark.parametrize("short", [2, 3, 4, 5, 8, 9, 10, 15, 17])
def test_turning_a_short_axis(short: int, dtype: str) -> None:
    """Sizes around the vectors' and the chunks' lengths, in every order of three axes."""
    for long in (1, 7, 15, 16, 17, 33, 2047, 2049):
        x = numbers((2, short, long), dtype)
        for order in permutations(range(3)):
            assert same_bits(chain(x, movement.Transpose(order))(x), np.ascontiguousarray(x.transpose(order)))
        turned = np.ascontiguousarray(x.transpose(0, 2, 1))
        for order in permutations(range(3)):
            assert same_bits(chain(turned, movement.Transpose(order))(turned), np.ascontiguousarray(turned.transpose(order)))


@pytest.mark.parametrize("mode", ["DCR", "CRD"])
@pytest.mark.parametrize(
    ("block", "shape"), [(2, (2, 4, 5, 37)), (2, (1, 64, 3, 5)), (3, (1, 27, 4, 18)), (2, (2, 12, 33)), (4, (1, 16, 3, 9))]
)
def test_pixel_shuffle_in_every_layout(block: int, shape: tuple[int, ...], mode: Literal["DCR", "CRD"]) -> None:
    x = numbers(shape, "float32")
    layer = movement.DepthToSpace(block, mode)
    expected = layer.evaluate(x)
    for program in (chain(x, layer), chain(x, _channels_last(x), layer), chain(x, layer, _channels_last(x))):
        assert same_bits(program(x), expected)
        for _ in range(4):
            box = random_box(RNG, expected.shape)
            assert same_bits(run_box(program, x, box), expected[box.slices()].copy())


def _channels_last(x: Array) -> Layer:
    """A layer that writes channels last and changes nothing."""
    ones = (1,) * (x.ndim - 2)
    return MaxPool(ones, ones, ones, Explicit(((0, 0),) * len(ones)))


def test_operands_of_different_layouts() -> None:
    """One operand in rows, one with channels last, one for each channel, one for each pixel."""
    x = RNG.standard_normal((2, 19, 5, 33)).astype("float32")
    bias, weight = RNG.standard_normal((19, 1, 1)).astype("float32"), RNG.standard_normal((1, 1, 5, 33)).astype("float32")
    nodes = (
        Node("turn", _channels_last(x), ("x",), "t"),
        Node("add", arith.Add(), ("x", "t"), "a"),
        Node("bias", arith.Add(), ("bias", "a"), "b"),
        Node("weigh", arith.Mul(), ("b", "weight"), "w"),
        Node("relu", act.Relu(), ("w",), "y"),
    )
    network = Network("mixed", {"x": Fact("float32", x.shape)}, ("y",), nodes, {"bias": bias, "weight": weight})
    np.testing.assert_array_equal(Program(network)(x), np.maximum((x + x + bias) * weight, 0))


@pytest.mark.parametrize("steps", [(1, 1, 2, 2), (1, 2, 1, 3), (1, 1, -1, -2), (1, -3, 1, 1)])
def test_slices_with_steps(steps: tuple[int, ...]) -> None:
    x = numbers((2, 11, 9, 70), "float32")
    bounds = [(0, n) if step > 0 else (n - 1, -n - 1) for n, step in zip(x.shape, steps, strict=True)]
    arrays = [np.array(part, np.int64) for part in (*zip(*bounds, strict=True), range(4), steps)]
    names = ("starts", "ends", "axes", "steps")
    node = Node("slice", movement.Slice(), ("x", *names), "y")
    network = Network("slice", {"x": Fact("float32", x.shape)}, ("y",), (node,), dict(zip(names, arrays, strict=True)))
    assert same_bits(Program(network)(x), np.ascontiguousarray(x[tuple(slice(None, None, step) for step in steps)]))
