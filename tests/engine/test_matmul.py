"""Products of two computed matrices: the definition's chain of multiply-adds, the same bits for any tile, batch and layout."""

from __future__ import annotations

import numpy as np
import pytest

from atrous.engine.codelets import matmul
from atrous.engine.codelets.convolution import Register
from atrous.engine.program import Program
from atrous.graph.fact import Array, Fact
from atrous.graph.layers.linear import MatMul
from atrous.graph.layers.movement import Transpose
from atrous.graph.network import Network, Node
from tests.engine.running import random_box, same_bits

RNG = np.random.default_rng(13)
SHAPES = [
    ((7, 5), (5, 9)),
    ((2, 3, 17, 33), (2, 3, 33, 50)),
    ((4, 1, 12, 8), (3, 8, 49)),
    ((1, 1), (1, 1)),
    ((40,), (40, 19)),
    ((3, 21, 40), (40,)),
    ((64, 65), (65, 97)),
]


def product(x: Array, y: Array, turned: bool = False, threads: int = 2) -> Program:
    facts = {"x": Fact(x.dtype.name, x.shape), "y": Fact(y.dtype.name, y.shape)}
    order = (*range(y.ndim - 2), y.ndim - 1, y.ndim - 2)
    nodes = [Node("turn", Transpose(order), ("y",), "t")] if turned else []
    nodes.append(Node("product", MatMul(), ("x", "t" if turned else "y"), "z"))
    return Program(Network("product", facts, ("z",), tuple(nodes)), threads)


def normal(shape: tuple[int, ...], dtype: str) -> Array:
    return RNG.standard_normal(shape).astype(dtype)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("left", "right"), SHAPES)
def test_equal_to_the_definition_by_every_tile(
    left: tuple[int, ...], right: tuple[int, ...], dtype: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    x, y = normal(left, dtype), normal(right, dtype)
    result = product(x, y)(x, y)
    np.testing.assert_allclose(result, np.matmul(x, y), rtol=1e-4, atol=1e-5 if dtype == "float32" else 1e-13)
    if y.ndim > 1:
        across = np.ascontiguousarray(np.swapaxes(y, -1, -2))
        assert same_bits(product(x, across, turned=True)(x, across), result)
    for register in (Register(1, 1), Register(2, 3), Register(5, 2)):
        monkeypatch.setattr(matmul, "tile", lambda *_, register=register: register)
        assert same_bits(product(x, y, threads=1)(x, y), result)


def test_boxes_of_batch_and_matrix() -> None:
    x, y = normal((3, 2, 19, 20), "float32"), normal((3, 2, 20, 37), "float32")
    program = product(x, y)
    result, bound = program(x, y), program.bind()
    for _ in range(5):
        boxes = bound.demand({"z": random_box(RNG, result.shape)})
        part = np.empty(boxes["z"].shape, "float32")
        bound.run(boxes, {name: array[boxes[name].slices()].copy() for name, array in (("x", x), ("y", y))}, {"z": part})
        assert same_bits(part, result[boxes["z"].slices()].copy())
