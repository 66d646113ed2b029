"""Scales and shifts after linear layers go into their weights."""

from __future__ import annotations

import numpy as np

from atrous.geometry import Explicit
from atrous.graph import layers as L
from atrous.graph.evaluate import evaluate
from atrous.graph.passes import fold_affine, lower_batch_norm, op_counts
from tests.graph.sketch import Sketch, floats


def test_a_batch_norm_that_is_no_map_of_numbers_is_kept() -> None:
    s = Sketch("N", 2, 4, 4)
    bad = s(L.BatchNorm(0.0), s.conv("x", 2, 2), floats(2), floats(2), floats(2), -np.ones(2, np.float32))
    assert op_counts(lower_batch_norm(fold_affine(s.network(bad)))) == {"BatchNorm": 1, "Conv": 1}


def test_weights_are_rounded_once() -> None:
    s = Sketch("N", 3, 4, 4)
    y = s.conv("x", 3, 4)
    for _ in range(6):
        y = s(L.Mul(), y, np.float32(1.1).reshape(()))
    network = s.network(y)
    (conv,) = fold_affine(network).nodes
    folded = fold_affine(network).constants[conv.inputs[1]]
    exact = network.constants["c0"].astype(np.float64) * np.float64(np.float32(1.1)) ** 6
    np.testing.assert_array_equal(folded, exact.astype(np.float32))


def test_one_kernel_under_several_norms_is_scaled_for_each() -> None:
    s = Sketch(1, 3, 5, 5)
    x = s(L.Relu(), "x")
    layer, shared = L.Conv((3, 3), (1, 1), (1, 1), Explicit(((1, 1), (1, 1)))), floats(3, 3, 3, 3)
    first, second, third = (s.norm(s(layer, x, kernel), 3) for kernel in (shared, "c0", "c0"))
    network = s.network(s(L.Add(), s(L.Add(), first, second), third))
    folded = fold_affine(network)
    assert op_counts(folded)["Conv"] == 3
    assert "BatchNorm" not in op_counts(folded)
    given = {"x": floats(1, 3, 5, 5)}
    (found,), (wanted,) = (evaluate(each, given).values() for each in (folded, network))
    np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-5)
