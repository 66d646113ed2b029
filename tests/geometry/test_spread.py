"""Spreads: the exact distribution of what one output reads, backwards; its moments, forwards; both against enumeration."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from atrous.geometry import Coordinates, Linear, Moments, Nearest, ReceptiveField, Resample, Spread, TransposedWindow, Window
from atrous.geometry.maps import ExactMap
from atrous.geometry.spread import shares


@pytest.mark.parametrize(
    ("layers", "variance"),
    [(5, Fraction(10, 3)), (10, Fraction(20, 3)), (20, Fraction(40, 3)), (40, Fraction(80, 3))],
)
def test_uniform_kernels_of_three(layers: int, variance: Fraction) -> None:
    """Luo et al. 2016: n kernels of size k have variance n(k²-1)/12 on 2n+1 inputs: the deviation grows as the root of n."""
    spread, moments = Spread.at(0), Moments.of_input()
    for _ in range(layers):
        spread, moments = spread.before(Window(3)), moments.behind(Window(3))
    assert spread.variance == moments.variance == variance == Fraction(layers * (3**2 - 1), 12)
    assert len(spread.weights) == 2 * layers + 1
    assert all(spread.weights)
    assert (spread.total, spread.scale) == (3**layers, 3**layers)


@pytest.mark.parametrize(("kernel", "layers"), [(2, 7), (4, 3), (5, 6), (7, 2)])
def test_uniform_kernels_of_any_size(kernel: int, layers: int) -> None:
    spread = Spread.at(0)
    for _ in range(layers):
        spread = spread.before(Window(kernel))
    assert spread.variance == Fraction(layers * (kernel**2 - 1), 12)


def test_strides_and_dilations_scale_the_variance() -> None:
    """Behind a jump of j, a kernel of k with dilation d adds j²d²(k²-1)/12."""
    moments = Moments.of_input()
    expected, jump = Fraction(0), 1
    for kernel, stride, dilation in ((7, 2, 1), (3, 2, 1), (3, 1, 4), (2, 2, 3)):
        moments = moments.behind(Window(kernel, stride, dilation))
        expected += Fraction(jump**2 * dilation**2 * (kernel**2 - 1), 12)
        jump *= stride
    assert (moments.variance, moments.jump) == (expected, jump)


MAPS = st.one_of(
    st.builds(Window, st.integers(1, 4), st.integers(1, 3), st.integers(1, 3), st.integers(0, 2)),
    st.builds(TransposedWindow, st.integers(1, 4), st.integers(1, 3), st.integers(1, 2), st.integers(0, 1)),
    st.sampled_from(
        [Resample.between(9, 18, Coordinates.half_pixel, Linear()), Resample.between(9, 6, Coordinates.asymmetric, Nearest())]
    ),
)


def enumerated(maps: list[ExactMap], output: int) -> dict[int, Fraction]:
    """One output's share of each input, path by path."""
    found = {output: Fraction(1)}
    for step in reversed(maps):
        before: dict[int, Fraction] = {}
        for place, weight in found.items():
            for index, share in shares(step, place):
                before[index] = before.get(index, Fraction(0)) + weight * share
        found = before
    return found


@given(st.lists(MAPS, min_size=1, max_size=4), st.integers(-3, 5))
def test_spreads_and_moments_agree_with_enumeration(maps: list[ExactMap], output: int) -> None:
    paths = enumerated(maps, output)
    spread, moments = Spread.at(output), Moments.of_input()
    for step in reversed(maps):
        spread = spread.before(step)
    for step in maps:
        moments = moments.behind(step)
    mass = sum(paths.values(), Fraction(0))
    assert Fraction(spread.total, spread.scale) == mass
    assert moments.at(output) == tuple(sum((w * i**n for i, w in paths.items()), Fraction(0)) for n in range(3))
    assume(mass)
    assert {spread.first + i: share * mass for i, share in enumerate(spread.shares) if share} == paths
    assert spread.centre == sum(w * i for i, w in paths.items()) / mass
    assert set(paths) == set(ReceptiveField.through(maps).inputs(output))
    assert moments.jump == ReceptiveField.through(maps).jump


def test_branches_add_and_drift() -> None:
    left, right = Spread.at(0).before(Window(3, pad_lo=1)), Spread.at(0)
    both = left.add(right)
    assert both.shares == (Fraction(1, 6), Fraction(4, 6), Fraction(1, 6))
    assert both.times(Fraction(1, 2)).variance == both.variance == Fraction(1, 3)
    a, b = (Moments.of_input().behind(Window(k)) for k in (3, 1))
    joined = Moments.join([(Fraction(1), a), (Fraction(1), b)])
    assert joined is not None
    assert (joined.variance, joined.centre) == (Fraction(1, 3) + Fraction(1, 4), Fraction(1, 2))
    assert Moments.join([(Fraction(1), a), (Fraction(1), a.behind(Window(1, stride=2)))]) is None


def test_an_output_that_reads_nothing_has_no_mass() -> None:
    gaps = Moments.of_input().behind(TransposedWindow(1, stride=2))
    assert [phase[0] for phase in gaps.phases] == [1, 0]
    late = gaps.behind(Window(1, pad_lo=1))
    assert (late.widest, late.centre, late.empty) == (1, Fraction(-1, 2), False)
    assert late.behind(Window(1, stride=2)).empty
    assert gaps.variance == 0
    empty = Spread.at(1).before(TransposedWindow(1, stride=2))
    assert (empty.total, empty.weights) == (0, ())
    assert Spread.at(0).add(empty) == empty.add(Spread.at(0)) == Spread.at(0)
