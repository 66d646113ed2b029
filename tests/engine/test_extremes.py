"""Places of extreme elements: ties, NaN, types and axes, as NumPy has them."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from atrous.graph import layers as L
from atrous.graph.fact import Array, Fact
from atrous.graph.network import Network, Node

DTYPES = ("float32", "float64", "int32", "int64", "uint8")


def by_numpy(x: Array, layer: L.ArgExtreme) -> Array:
    find = np.argmax if isinstance(layer, L.ArgMax) else np.argmin
    found = find(x[(slice(None),) * layer.axis + (slice(None, None, -1),)], layer.axis) if layer.last else find(x, layer.axis)
    found = x.shape[layer.axis] - 1 - found if layer.last else found
    return np.expand_dims(found, layer.axis) if layer.keepdims else found


@given(
    kind=st.sampled_from([L.ArgMax, L.ArgMin]),
    shape=st.lists(st.sampled_from([1, 2, 3, 15, 16, 17, 33]), min_size=1, max_size=3),
    dtype=st.sampled_from(DTYPES),
    axis=st.integers(0, 2),
    keep=st.booleans(),
    last=st.booleans(),
    nan=st.booleans(),
    seed=st.integers(0, 2**32 - 1),
)
def test_places_of_extremes(
    kind: type[L.ArgMax] | type[L.ArgMin], shape: list[int], dtype: str, axis: int, keep: bool, last: bool, nan: bool, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    x = rng.integers(0, 5, shape).astype(dtype)  # so that there are ties
    if nan and dtype.startswith("float"):
        x[rng.random(shape) < 0.2] = np.nan
    layer = kind(axis % len(shape), keep, last)
    network = Network("places", {"x": Fact(dtype, tuple(shape))}, ("y",), (Node("place", layer, ("x",), "y"),))
    result = network.compile(threads=1)(x)
    assert result.dtype == np.int64
    np.testing.assert_array_equal(result, by_numpy(x, layer))
    np.testing.assert_array_equal(layer.evaluate(x), result)
