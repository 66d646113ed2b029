"""The matrices of minimal filtering compute a filter exactly, and so do the shared steps that kernels take for them."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atrous.engine.codelets.toomcook import Filter, Matrix, filtering, transform

FILTERS = [(2, 3), (3, 2), (4, 2), (3, 3), (4, 4), (4, 3), (6, 3), (2, 5), (4, 5), (3, 4), (1, 1)]
NUMBERS = st.lists(st.integers(-99, 99), min_size=8, max_size=8)


class Exact:
    """Transforms in fractions, counting their steps."""

    def __init__(self) -> None:
        self.steps = 0

    def times(self, number: Fraction, value: Fraction) -> Fraction:
        self.steps += 1
        return number * value

    def plus(self, number: Fraction, value: Fraction, rest: Fraction) -> Fraction:
        self.steps += 1
        return rest + number * value


def product(matrix: Matrix, values: Sequence[Fraction]) -> list[Fraction]:
    return [sum((a * b for a, b in zip(row, values, strict=True)), Fraction(0)) for row in matrix]


@pytest.mark.parametrize(("outputs", "taps"), FILTERS)
@given(NUMBERS, NUMBERS)
def test_the_matrices_filter_exactly(outputs: int, taps: int, inputs: list[int], kernel: list[int]) -> None:
    f = filtering(outputs, taps)
    d, g = [Fraction(n) for n in inputs[: f.points]], [Fraction(n) for n in kernel[:taps]]
    products = [a * b for a, b in zip(product(f.g, g), product(f.bt, d), strict=True)]
    assert product(f.at, products) == [sum(g[k] * d[j + k] for k in range(taps)) for j in range(outputs)]


@pytest.mark.parametrize(("outputs", "taps"), FILTERS)
@given(NUMBERS)
def test_the_steps_are_the_matrices(outputs: int, taps: int, numbers: list[int]) -> None:
    f = filtering(outputs, taps)
    for matrix in (f.bt, f.at):
        values = [Fraction(n) for n in numbers[: len(matrix[0])]]
        assert transform(Exact(), matrix, values) == product(matrix, values)


def steps(f: Filter) -> tuple[int, int]:
    found = []
    for matrix in (f.bt, f.at):
        count = Exact()
        transform(count, matrix, [Fraction(1)] * len(matrix[0]))
        found.append(count.steps)
    return found[0], found[1]


def test_mirrored_points_share_steps() -> None:
    """Plain products with the matrices would take 23 and 15 steps of F(4, 3), those of 0 and 1 left out."""
    assert [steps(filtering(m, 3)) for m in (2, 4, 6)] == [(4, 4), (12, 12), (24, 20)]
