"""Medians, quartiles and geometric means."""

from __future__ import annotations

import math

import pytest

from atrous.bench.statistics import Times, geometric_mean
from atrous.errors import ArgumentError


def test_quartiles_stand_around_the_median() -> None:
    assert Times.of([5.0, 1.0, 4.0, 2.0, 3.0]) == Times(3.0, 2.0, 4.0, 1.0, 5)


def test_one_call_is_its_own_median() -> None:
    assert Times.of([2.0]) == Times(2.0, 2.0, 2.0, 2.0, 1)


def test_no_call_is_refused() -> None:
    with pytest.raises(ArgumentError, match="seconds: got no call; at least one must have been timed"):
        Times.of([])


def test_the_geometric_mean_of_ratios_is_the_same_from_both_sides() -> None:
    ratios = [0.5, 3.0, 7.0]
    mean, inverse = geometric_mean(ratios), geometric_mean([1 / ratio for ratio in ratios])
    assert mean is not None
    assert inverse is not None
    assert math.isclose(mean * inverse, 1.0)
    assert math.isclose(mean, 10.5 ** (1 / 3))
    assert geometric_mean([]) is None
