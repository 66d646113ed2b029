"""Normalisations by the signal's own statistics: against PyTorch in float64, where they vary little and where they do not."""

from __future__ import annotations

from collections.abc import Callable
from math import prod

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from atrous.engine.program import Program
from atrous.errors import NetworkError
from atrous.geometry import Explicit
from atrous.graph import layers as L
from atrous.graph.fact import Array, Fact
from atrous.graph.layer import Layer
from atrous.graph.network import Network, Node
from atrous.report import inspect

Torch = Callable[..., torch.Tensor]
SHAPES = st.tuples(st.integers(1, 3), st.integers(1, 4), st.lists(st.integers(1, 40), min_size=1, max_size=3))


def run(layer: Layer, *operands: Array) -> tuple[Array, Array]:
    """The oracle's result, and the engine's, for which the shape stays open."""
    names = [f"v{i}" for i in range(len(operands))]
    shape = ("N", operands[0].shape[1], *(f"S{i}" for i in range(operands[0].ndim - 2)))
    given = {"v0": Fact(operands[0].dtype.name, shape)}
    held = dict(zip(names[1:], operands[1:], strict=True))
    network = Network("one", given, ("y",), (Node("node", layer, tuple(names), "y"),), held)
    return layer.evaluate(*operands), Program(network, threads=1)(operands[0])


def check(layer: Layer, formula: Torch, *operands: Array, tolerance: float = 2e-6) -> None:
    with np.errstate(all="ignore"):
        wanted = formula(*(torch.from_numpy(operand.astype(np.float64)) for operand in operands)).numpy()
    for got in run(layer, *operands):
        assert got.dtype == operands[0].dtype
        assert np.abs(got - wanted).max() <= tolerance * max(1.0, np.abs(wanted).max())


@settings(max_examples=15, deadline=None)
@given(shape=SHAPES, groups=st.sampled_from([None, 1, 2, 3]), seed=st.integers(0, 99), offset=st.sampled_from([0.0, 20.0]))
def test_group_norms(shape: tuple[int, int, list[int]], groups: int | None, seed: int, offset: float) -> None:
    batch, some, space = shape
    channels = some * (groups or 1)
    if prod(space) * channels // (groups or channels) < 2:
        space = [2, *space[1:]]  # PyTorch has no mean of one value
    random = np.random.default_rng(seed)
    x = (random.standard_normal((batch, channels, *space)) + offset).astype(np.float32)
    scale, bias = random.standard_normal((2, channels)).astype(np.float32)
    formula: Torch = lambda x, s, b: F.group_norm(x, groups or channels, s, b, 1e-3)  # noqa: E731
    check(L.GroupNorm(groups, 1e-3), formula, x, scale, bias, tolerance=1e-5)


@settings(max_examples=15, deadline=None)
@given(shape=SHAPES, lead=st.integers(1, 4), seed=st.integers(0, 99), centred=st.booleans())
def test_layer_norms(shape: tuple[int, int, list[int]], lead: int, seed: int, centred: bool) -> None:
    full = (*shape[:2], *shape[2])
    axes = tuple(range(min(lead, len(full) - 1), len(full)))
    own = full[axes[0] :]
    random = np.random.default_rng(seed)
    x, scale, bias = (random.standard_normal(size).astype(np.float32) for size in (full, own, own))
    if centred:
        check(L.Standardise(axes, 1e-2), lambda x, s, b: F.layer_norm(x, own, s, b, 1e-2), x, scale, bias)
    else:
        check(L.Standardise(axes, 1e-2, centred=False), lambda x, s: F.rms_norm(x, own, s, 1e-2), x, scale)


@pytest.mark.parametrize("axis", [1, 2, 3])
def test_norms_and_log_softmax_along_an_axis(axis: int) -> None:
    random = np.random.default_rng(4)
    x = random.standard_normal((2, 5, 7, 9)).astype(np.float32)
    for p in (1, 2):
        check(L.LpNorm(p, axis), lambda x, p=p: F.normalize(x, p, axis), x)
    check(L.LogSoftmax(axis, axis), lambda x: torch.log_softmax(x, axis), 100 * x)


@pytest.mark.parametrize("p", [1, 2, 3, 5])
@pytest.mark.parametrize("ceil", [False, True])
def test_norm_pools(p: int, ceil: bool) -> None:
    """PyTorch's own takes no padding and no roots of magnitudes, but sums of powers."""
    x = np.random.default_rng(4).random((2, 5, 11, 10)).astype(np.float32)
    layer = L.LpPool((3, 2), (2, 3), (1, 1), Explicit(((0, 0), (0, 0))), ceil, p)
    check(layer, lambda x: F.lp_pool2d(x, float(p), (3, 2), (2, 3), ceil) if not ceil else _ceiled(x, p), x)


def _ceiled(x: torch.Tensor, p: int) -> torch.Tensor:
    """Windows over the end hold zeros there."""
    return F.lp_pool2d(F.pad(x, (0, 1, 0, 0)), float(p), (3, 2), (2, 3))


def test_a_signal_of_one_value_is_its_own_mean() -> None:
    x = np.full((1, 4, 300, 300), 12345.678, np.float32)
    zeros, ones = np.zeros(4, np.float32), np.ones(4, np.float32)
    for layer, operands in (
        (L.GroupNorm(2), (ones, zeros)),
        (L.GroupNorm(), (ones, zeros)),
        (L.Standardise((2, 3), 1e-18), ()),
    ):
        for got in run(layer, x, *operands):
            assert not got.any()


def test_a_large_mean_does_not_drown_the_variance() -> None:
    """The sum of squares less the square of the sum would have no digit left."""
    x = (np.random.default_rng(2).standard_normal((1, 3, 64, 64)) + 4096).astype(np.float32)
    wanted, got = run(L.GroupNorm(), x, np.ones(3, np.float32), np.zeros(3, np.float32))
    assert np.abs(got - wanted).max() < 3e-4, "half a unit in the last place of the mean"
    np.testing.assert_allclose(got.std(axis=(2, 3)), 1, rtol=1e-5)


def test_a_report_shows_one_layer() -> None:
    scale = {"s": np.ones(4, np.float32), "b": np.ones(4, np.float32)}
    nodes = (Node("norm", L.GroupNorm(2), ("x", "s", "b"), "y"),)
    (row,) = inspect(Network("one", {"x": Fact("float32", (1, 4, 5, 6))}, ("y",), nodes, scale)).rows
    assert (row.linear, row.local) == (False, False)
    assert [field.size for field in row.fields] == [5, 6]


WRONG: list[tuple[Layer, tuple[tuple[int, ...], ...], str]] = [
    (L.GroupNorm(3), ((1, 4, 5), (4,), (4,)), "groups=3 does not divide the 4 channels"),
    (L.GroupNorm(2), ((1, 4), (4,), (4,)), "has 2 axes; this layer needs 3"),
    (L.GroupNorm(2), ((1, 4, 5), (2,), (4,)), r"scale has shape \(2,\); it must be \(4,\)"),
    (L.GroupNorm(2), ((0, 4, 5), (4,), (4,)), "is empty"),
    (L.Standardise(()), ((1, 4, 5),), "axes are missing; name those that share"),
    (L.Standardise((1,)), ((1, 4, 5), (4,)), r"scale float32\[4\] does not broadcast|do not broadcast"),
    (L.Standardise((1,)), ((1, 4, 1), (4, 1), (4, 3)), r"bias float32\[4,3\] does not broadcast to the input float32\[1,4,1\]"),
    (L.LpNorm(3, 1), ((1, 4, 5),), "p is 3; it must be 1 or 2"),
    (L.LpPool((2,), (1,), (1,), Explicit(((0, 0),)), p=0), ((1, 4, 5),), "p is 0; it must be at least 1"),
    (L.LogSoftmax(2, 1), ((1, 4, 5),), "the first must not lie behind the last"),
]


@pytest.mark.parametrize(("layer", "shapes", "message"), WRONG)
def test_operands_that_do_not_fit(layer: Layer, shapes: tuple[tuple[int, ...], ...], message: str) -> None:
    with pytest.raises(NetworkError, match=message):
        layer.infer(*(Fact("float32", shape) for shape in shapes))
