"""Formulas on element types other than floats, and on operands of several types."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from atrous.engine.program import Program
from atrous.graph.fact import Array, Fact
from atrous.graph.layer import Layer
from atrous.graph.layers import activation, arithmetic, reduction, shapes
from atrous.graph.network import Network, Node

INTEGERS = ["int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64"]
RNG = np.random.default_rng(5)


def program(inputs: dict[str, Array], *nodes: tuple[Layer, Sequence[str]]) -> Program:
    """The layers one after another; the k-th makes ``v<k>``, and the last one is the output."""
    made = tuple(Node(f"n{k}", layer, tuple(read), f"v{k}") for k, (layer, read) in enumerate(nodes))
    facts = {name: Fact(array.dtype.name, array.shape) for name, array in inputs.items()}
    return Program(Network("types", facts, (made[-1].output,), made), 1)


def whole_range(dtype: str, shape: tuple[int, ...]) -> Array:
    bounds = np.iinfo(dtype)
    return RNG.integers(bounds.min, bounds.max, shape, dtype, endpoint=True)


@pytest.mark.parametrize("dtype", ["float32", *INTEGERS])
def test_a_condition_that_is_read_by_a_condition(dtype: str) -> None:
    """Conditions are one bit in registers and a byte in memory: fused formulas see the byte."""
    x, y = (RNG.integers(0, 3, (2, 3, 37)).astype(dtype) for _ in range(2))
    for strict, whole in ((arithmetic.Less(), np.less_equal), (arithmetic.Greater(), np.greater_equal)):
        either = program({"x": x, "y": y}, (strict, "xy"), (arithmetic.Equal(), "xy"), (arithmetic.Or(), ("v0", "v1")))
        np.testing.assert_array_equal(either(x, y), whole(x, y))
    same = program(
        {"x": x, "y": y}, (arithmetic.Less(), "xy"), (arithmetic.Greater(), "xy"), (arithmetic.Equal(), ("v0", "v1"))
    )
    np.testing.assert_array_equal(same(x, y), x == y)
    number = program({"x": x, "y": y}, (arithmetic.Less(), "xy"), (activation.Cast("float32"), ("v0",)))
    np.testing.assert_array_equal(number(x, y), (x < y).astype("float32"))


@pytest.mark.parametrize("dtype", ["bool", *INTEGERS])
@pytest.mark.parametrize("axes", [(2,), (1,), ()])
def test_extremes_of_integers_and_booleans(dtype: str, axes: tuple[int, ...]) -> None:
    x = RNG.integers(0, 2, (2, 3, 2100)).astype(bool) if dtype == "bool" else whole_range(dtype, (2, 3, 2100))
    for array in (x, np.zeros_like(x), np.ones_like(x)):
        for layer in (reduction.ReduceMax(axes), reduction.ReduceMin(axes)):
            np.testing.assert_array_equal(program({"x": array}, (layer, ("x",)))(array), layer.evaluate(array))


@pytest.mark.parametrize("base", INTEGERS)
@pytest.mark.parametrize("exponent", ["int8", "uint32", "int64"])
def test_powers_of_integers_are_exact(base: str, exponent: str) -> None:
    """Modulo the range of the base, for any exponent: also where float64 would round."""
    x = np.concatenate([whole_range(base, (2, 3, 40)), RNG.integers(0, 4, (2, 3, 40)).astype(base)], axis=2)
    x[..., :5] = np.array([0, 1, 2, 3, -1]).astype(base)
    y = RNG.integers(0, 70, x.shape).astype(exponent)
    if exponent != "uint32":
        y[..., ::3] *= -1
    result = program({"x": x, "y": y}, (arithmetic.Pow(), "xy"))(x, y)
    np.testing.assert_array_equal(result, arithmetic.Pow().evaluate(x, y))
    with np.errstate(all="ignore"):
        np.testing.assert_array_equal(result[y >= 0], np.power(x, np.maximum(y, 0).astype(base))[y >= 0])


@pytest.mark.parametrize(
    ("base", "exponent"), [("float32", "int64"), ("float32", "uint32"), ("float64", "int32"), ("int32", "float32")]
)
def test_powers_of_mixed_types(base: str, exponent: str) -> None:
    x, y = RNG.integers(1, 7, (2, 3, 37)).astype(base), RNG.integers(0, 6, (2, 3, 37)).astype(exponent)
    result = program({"x": x, "y": y}, (arithmetic.Pow(), "xy"))(x, y)
    assert result.dtype == x.dtype
    np.testing.assert_allclose(result, arithmetic.Pow().evaluate(x, y), rtol=1e-6)


def test_the_parity_of_a_large_exponent_is_kept() -> None:
    """2**24 + 1 is no float32."""
    x, y = np.full((1, 1, 2), -1, "float32"), np.array([[[2**24, 2**24 + 1]]])
    assert program({"x": x, "y": y}, (arithmetic.Pow(), "xy"))(x, y).tolist() == [[[1.0, -1.0]]]


def test_outputs_without_elements_and_constant_outputs_come_out() -> None:
    """Also beside one that is computed."""
    x = np.ones((2, 3, 5), "float32")
    nodes = (Node("all", arithmetic.Add(), ("x", "x"), "y"), Node("none", shapes.Shape(2, 1), ("x",), "s"))
    sizes, doubled = Program(Network("two", {"x": Fact("float32", x.shape)}, ("s", "y"), nodes), 1)(x)
    assert (sizes.shape, sizes.dtype) == ((0,), np.int64)
    np.testing.assert_array_equal(doubled, 2 * x)
    for axes, wanted in (((0, None), [2, 3, 5]), ((2, 1), [])):
        shape = program({"x": x}, (shapes.Shape(*axes), ("x",)))
        assert [shape(x).tolist() for _ in range(2)] == [wanted, wanted]
