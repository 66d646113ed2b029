"""Pools by every register tile: equal to the definition, with the same bits for any tile, box and number of threads."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from atrous.engine.codelets import pool
from atrous.engine.codelets.channelwise import Channelwise
from atrous.engine.codelets.convolution import Register
from atrous.engine.program import Program
from atrous.geometry.padding import Explicit
from atrous.graph.fact import Array, Fact
from atrous.graph.layer import Layer
from atrous.graph.layers.pooling import AveragePool, MaxPool
from atrous.graph.network import Network, Node
from tests.engine.running import random_box, run_box, same_bits

RNG = np.random.default_rng(9)


def program(layer: Layer, x: Array) -> Program:
    return Program(Network("pool", {"x": Fact(x.dtype.name, x.shape)}, ("y",), (Node("pool", layer, ("x",), "y"),)))


@st.composite
def pools(draw: st.DrawFn) -> tuple[Layer, tuple[int, ...]]:
    """A pool of one to three axes, and the shape of a signal for it."""
    axes = draw(st.integers(1, 3))
    numbers = [[draw(st.integers(1, most)) for _ in range(axes)] for most in (5, 3, 2)]
    kernel, strides, dilations = (tuple(part) for part in numbers)
    pads = tuple(
        (draw(st.integers(0, (k - 1) * d // 2)), draw(st.integers(0, (k - 1) * d // 2)))
        for k, d in zip(kernel, dilations, strict=True)
    )
    space = tuple((k - 1) * d + 1 + draw(st.integers(0, 12)) for k, d in zip(kernel, dilations, strict=True))
    channels = draw(st.sampled_from([1, 3, 16, 17, 32, 64]))
    kind = draw(st.sampled_from([MaxPool, AveragePool]))
    return kind(kernel, strides, dilations, Explicit(pads)), (draw(st.integers(1, 2)), channels, *space)


@settings(max_examples=60)
@given(pools(), st.sampled_from(["float32", "float64"]), st.integers(0, 99))
def test_equal_to_the_definition_and_any_box_the_whole(case: tuple[Layer, tuple[int, ...]], dtype: str, seed: int) -> None:
    layer, shape = case
    rng = np.random.default_rng(seed)
    x = rng.standard_normal(shape).astype(dtype)
    made = program(layer, x)
    result = made(x)
    np.testing.assert_allclose(result, layer.evaluate(x), rtol=1e-5, atol=1e-6)
    for _ in range(3):
        box = random_box(rng, result.shape)
        assert same_bits(run_box(made, x, box, threads=2), result[box.slices()].copy())


@pytest.mark.parametrize("kind", [MaxPool, AveragePool])
@pytest.mark.parametrize("channels", [64, 37, 3])
def test_all_register_tiles_give_the_same_bits(
    kind: type[MaxPool] | type[AveragePool], channels: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    x = RNG.standard_normal((1, channels, 9, 29)).astype("float32")
    x[0, :, 4, 5] = np.nan
    layer = kind((3, 3), (1, 2), (1, 1), Explicit(((1, 1), (1, 0))))
    expected = program(layer, x)(x)
    tiles, tried = pool.tiles, set()
    for pick in range(12):

        def one(c: Channelwise, target: object, pick: int = pick) -> tuple[Register, ...]:
            found = tiles(c, target)  # type: ignore[arg-type]
            tried.add(found[pick % len(found)])
            return (found[pick % len(found)],)

        monkeypatch.setattr(pool, "tiles", one)
        assert same_bits(program(layer, x)(x), expected)
    assert len(tried) >= 3
