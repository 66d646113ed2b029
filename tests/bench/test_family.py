"""Families: from the problem alone, the first that fits."""

from __future__ import annotations

import pytest

from atrous.bench.family import family_of
from atrous.problem import Problem


@pytest.mark.parametrize(
    ("text", "family"),
    [
        ("conv:f32:c64:i56x56:k64:w3x3:g64", "depthwise"),
        ("conv:f32:c64:i56:k128:w3:g64", "depthwise"),
        ("conv:f32:c64:i56x56:k64:w3x3:g32", "grouped"),
        ("conv:f32:c3:i224x224:k64:w7x7:s2", "few channels"),
        ("conv:f32:c64:i224x224:k21:w1x1", "few channels"),
        ("conv:f32:c1:i16000:k512:w10:s5", "few channels"),
        ("conv:f32:c22:i100:k22:w3", "1-d"),
        ("convt:f32:c256:i688:k128:w16:s8:p4", "1-d"),
        ("conv:f32:c64:i9x9x9:k64:w3x3x3", "3-d"),
        ("convt:f32:c64:i9x9:k64:w2x2:s2", "transposed"),
        ("conv:f32:c64:i9x9:k64:w1x1", "dense"),
        ("conv:f32:c64:i9x9:k64:w3x3:d2", "dense"),
        ("conv:f32:c1:i9x9:k1:w3x3", "few channels"),
    ],
)
def test_families(text: str, family: str) -> None:
    assert family_of(Problem.parse(text)) == family
