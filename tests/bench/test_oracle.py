"""Exact results: PyTorch's in float64, and the definition where there is no PyTorch, agree."""

from __future__ import annotations

import numpy as np
import pytest

from atrous.bench import oracle
from atrous.bench.messages import relative_error
from atrous.bench.tasks import LayerTask


@pytest.mark.parametrize("text", ["conv:f32:c4:i9x7:k6:w3x3:p1+0:g2:b", "convt:f32:c4:i9:k6:w4:s2:p1+2"])
def test_both_oracles_agree(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    task = LayerTask(text, 1, 1)
    (theirs,) = task.prepare(oracle.ORACLE).results()
    monkeypatch.setattr(oracle, "version_of", lambda peer: None)
    (ours,) = task.prepare(oracle.ORACLE).results()
    assert ours.dtype == theirs.dtype == np.float64
    assert relative_error(ours, theirs) < 1e-14


def test_errors_are_relative_to_the_largest_output_and_infinite_for_nan() -> None:
    exact = np.array([1.0, -4.0])
    assert relative_error(np.array([1.5, -4.0]), exact) == 0.125
    assert relative_error(np.array([np.nan, -4.0]), exact) == float("inf")
    assert relative_error(np.zeros(2), np.zeros(2)) == 0.0
