"""Elementary functions: their error over the whole range, special values, and the same bits wherever an element stands."""

from __future__ import annotations

import re
from collections.abc import Callable
from math import erf
from typing import Any

import numpy as np
import pytest

from atrous.engine.program import Program
from atrous.graph.fact import Array, Fact
from atrous.graph.layer import Pointwise
from atrous.graph.layers import activation as act
from atrous.graph.layers import arithmetic as arith
from atrous.graph.network import Network, Node
from tests.engine.test_targets import AVX2, AVX512, NEON, SSE, Spy

RNG = np.random.default_rng(3)
WIDE = np.longdouble
DTYPES = ("float32", "float64")
#: Each function with its definition in long double (``erf``: in float64) and the most units in the last place it may be off.
FUNCTIONS: list[tuple[Pointwise, Callable[[Any], Any], float]] = [
    (act.Exp(), lambda x: np.exp(x.astype(WIDE)), 1.5),
    (act.Log(), lambda x: np.log(x.astype(WIDE)), 1.5),
    (act.Tanh(), lambda x: np.tanh(x.astype(WIDE)), 3.0),
    (act.Erf(), lambda x: np.vectorize(erf, otypes=[np.float64])(x.astype(np.float64)), 3.5),
]


def apply(layer: Pointwise, *operands: Array) -> Array:
    names = tuple(f"x{i}" for i in range(len(operands)))
    facts = {name: Fact(array.dtype.name, (1, "n")) for name, array in zip(names, operands, strict=True)}
    program = Program(Network("one", facts, ("y",), (Node("node", layer, names, "y"),)), threads=1)
    result: Array = program(*(array[None] for array in operands))[0]
    return result


def arguments(layer: Pointwise, dtype: str, count: int = 20_000) -> Array:
    """Of every magnitude that matters, and near the ends of the range."""
    most = np.log(float(np.finfo(dtype).max))
    tiny = np.exp(RNG.uniform(-30, 3, count))
    if isinstance(layer, act.Log):
        return np.concatenate(
            [np.exp(RNG.uniform(-0.98 * most, most, count)), 1 + RNG.uniform(-0.5, 0.5, count), 1 - tiny / 50]
        ).astype(dtype)
    signed = tiny * RNG.choice([-1, 1], count)
    return np.concatenate([RNG.uniform(-0.98 * most, most, count), RNG.uniform(-7, 7, count), signed]).astype(dtype)


def units_off(result: Array, exact: Any) -> float:
    """The largest error of a normal result, in units in the last place of the exact one."""
    info = np.finfo(result.dtype)
    normal = (np.abs(exact) >= info.smallest_normal) & (np.abs(exact) <= info.max)
    spacing = np.spacing(np.abs(exact[normal]).astype(result.dtype)).astype(WIDE)
    return float((np.abs(result[normal] - exact[normal]) / spacing).max())


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("layer", "definition", "bound"), FUNCTIONS)
def test_errors_are_a_few_units_in_the_last_place(
    layer: Pointwise, definition: Callable[[Any], Any], bound: float, dtype: str
) -> None:
    x = arguments(layer, dtype)
    assert units_off(apply(layer, x), definition(x)) <= bound


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("size", "most"), [(20, 4), (20, 30), (0.5, 200)])
def test_powers(size: float, most: float, dtype: str) -> None:
    x, y = np.exp(RNG.uniform(-size, size, 20_000)).astype(dtype), RNG.uniform(-most, most, 20_000).astype(dtype)
    assert units_off(apply(arith.Pow(), x, y), np.power(x.astype(WIDE), y.astype(WIDE))) <= 1


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("layer", [layer for layer, _, _ in FUNCTIONS])
def test_special_values(layer: Pointwise, dtype: str) -> None:
    info = np.finfo(dtype)
    least = info.smallest_normal
    x = np.array([0.0, -0.0, np.inf, -np.inf, np.nan, 1, -1, least, -least, info.max, -info.max, 89, 710, -800], dtype)
    expected = layer.evaluate(x)
    result = apply(layer, x)
    np.testing.assert_allclose(result, expected, rtol=4 * float(info.eps), atol=0)
    known = ~np.isnan(expected)
    assert np.array_equal(np.signbit(result)[known], np.signbit(expected)[known])


@pytest.mark.parametrize("dtype", DTYPES)
def test_special_powers(dtype: str) -> None:
    values = np.array([0.0, -0.0, 1, -1, 2, -2, 0.5, -0.5, 3, -3, np.inf, -np.inf, np.nan, 1e30, -1e30, 1e-30, 7, -2.5], dtype)
    x, y = (part.ravel() for part in np.meshgrid(values, values))
    with np.errstate(all="ignore"):
        expected = np.power(x, y)
    expected[np.abs(expected) < np.finfo(dtype).smallest_normal] *= 0
    result = apply(arith.Pow(), x, y)
    np.testing.assert_allclose(result, expected, rtol=2 * float(np.finfo(dtype).eps), atol=0)
    known = ~np.isnan(expected)
    assert np.array_equal(np.signbit(result)[known], np.signbit(expected)[known])


def test_results_below_the_normal_numbers_are_nought() -> None:
    assert apply(act.Exp(), np.array([-87.4, -1000.0, -np.inf], "float32")).tolist() == [0, 0, 0]
    assert apply(act.Log(), np.array([1e-40], "float32")).tolist() == [-np.inf]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("layer", [*(layer for layer, _, _ in FUNCTIONS), act.Gelu(), act.Mish()])
def test_bits_do_not_depend_on_the_lane_or_the_tail(layer: Pointwise, dtype: str) -> None:
    x = np.abs(RNG.standard_normal(77)).astype(dtype) * 3
    whole = apply(layer, x)
    for start in (1, 5, 16, 70):
        assert apply(layer, x[start:]).tobytes() == whole[start:].tobytes()


@pytest.mark.parametrize(
    ("layer", "operands"), [(arith.Maximum(), 2), (arith.Minimum(), 2), (act.Relu(), 1), (act.Clip(-1, 1), 1)]
)
def test_nan_wins(layer: Pointwise, operands: int) -> None:
    values = np.array([0.0, -2, 3, np.inf, -np.inf, np.nan], "float32")
    given = [part.ravel() for part in np.meshgrid(values, values)][:operands]
    np.testing.assert_array_equal(apply(layer, *given), layer.evaluate(*given))


@pytest.mark.parametrize("target", [AVX512, AVX2, SSE, NEON], ids=["AVX-512", "AVX2", "SSE2", "NEON"])
def test_no_function_of_the_c_library_is_called(target: Any) -> None:
    for layer in (act.Gelu(), act.Mish(), act.Sigmoid()):
        spy = Spy(target)
        network = Network("one", {"x": Fact("float32", (1, 99))}, ("y",), (Node("node", layer, ("x",), "y"),))
        bound = Program(network, compiler=spy).bind()
        bound.schedule(bound.whole())
        kernels = [text for key, text in spy.texts.items() if "Elementwise" in key]
        assert kernels
        assert not any(re.search(r"\b(call|bl)\s+\"?(exp|log|tanh|erf|pow)f?\b", text) for text in kernels)
