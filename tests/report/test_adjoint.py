"""Derivatives in NumPy: every layer against finite differences of its own definition, pointwise ones over dual numbers."""

from __future__ import annotations

import numpy as np
import pytest

from atrous.errors import UnsupportedError
from atrous.graph import layers as L
from atrous.graph.fact import Array
from atrous.graph.layer import Layer
from atrous.report.adjoint import backward, forward
from tests.graph.cases import COMPUTED, Case, label

#: Layers that the estimate has no rule for: it says so by their names.
WITHOUT = (
    *(L.LRN, L.ReduceProd, L.ReduceL1, L.ReduceL2, L.ReduceMeanSquare, L.LpPool),
    *(L.LogSoftmax, L.Standardise, L.GroupNorm, L.LpNorm),
)
FLOATS = [case for case in COMPUTED if case[1][0].dtype.kind == "f" and not isinstance(case[0], (*WITHOUT, L.Comparison))]


def signals(layer: Layer, operands: tuple[Array, ...]) -> list[int]:
    """The operands that a gradient is due to."""
    if isinstance(layer, L.Binary | L.Concat | L.MatMul | L.Where):
        return [i for i, x in enumerate(operands) if x.dtype.kind == "f"]
    return [0]


@pytest.mark.parametrize("case", FLOATS, ids=label)
def test_gradients_against_finite_differences(case: Case) -> None:
    layer, given = case
    operands = [x.astype(np.float64) if x.dtype.kind == "f" else x for x in given]
    output = forward(layer, operands)
    np.testing.assert_allclose(output, layer.evaluate(*operands), rtol=1e-9, atol=1e-9)
    if output.dtype.kind != "f":
        return
    random = np.random.default_rng(7)
    gradient = random.standard_normal(output.shape)
    found = backward(layer, operands, output, gradient)
    assert len(found) == len(operands)
    for place in signals(layer, given):
        direction = random.standard_normal(operands[place].shape)
        ends = []
        for step in (1e-6, -1e-6):
            moved = [x + step * direction if i == place else x for i, x in enumerate(operands)]
            ends.append((layer.evaluate(*moved) * gradient).sum())
        shown = found[place]
        assert shown is not None
        assert shown.shape == operands[place].shape
        np.testing.assert_allclose((shown * direction).sum(), (ends[0] - ends[1]) / 2e-6, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("case", [case for case in COMPUTED if isinstance(case[0], WITHOUT)], ids=label)
def test_layers_without_a_derivative_are_named(case: Case) -> None:
    layer, operands = case
    output = layer.evaluate(*operands)
    with pytest.raises(UnsupportedError, match=f"there is no derivative of {type(layer).__name__} here"):
        backward(layer, operands, output, output)
