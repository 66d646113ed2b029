"""Regions against sets of places, element by element."""

from __future__ import annotations

from itertools import product

from hypothesis import given
from hypothesis import strategies as st

from atrous.geometry import IndexSet, Region
from atrous.geometry.region import MOST_PARTS

SETS = st.sets(st.integers(0, 5), max_size=4).map(IndexSet.of)
PRODUCTS = st.tuples(SETS, SETS, SETS)


def places(region: Region) -> set[tuple[int, ...]]:
    return {place for part in region.parts for place in product(*part)}


@given(st.lists(PRODUCTS, max_size=5), st.lists(PRODUCTS, max_size=5))
def test_unions_hold_every_place_and_no_other(left: list[tuple[IndexSet, ...]], right: list[tuple[IndexSet, ...]]) -> None:
    expected = {place for part in left + right for place in product(*part)}
    region = Region.of(*left).union(Region.of(*right))
    assert region.exact
    assert places(region) == expected
    for axis in range(3):
        assert set(region.along(axis)) == {place[axis] for place in expected}


def test_what_is_empty_along_one_axis_is_empty() -> None:
    region = Region.of((IndexSet.of([1, 2]), IndexSet()))
    assert (region.parts, region.rank, region.along(0)) == ((), None, IndexSet())
    assert region.union(region) == region


def test_too_many_parts_become_a_hull_that_says_so() -> None:
    diagonal = [(IndexSet.of([2 * i]), IndexSet.of([2 * i])) for i in range(MOST_PARTS + 1)]
    assert Region.of(*diagonal[:-1]).exact
    region = Region.of(*diagonal)
    assert (region.exact, len(region.parts), len(region.along(1))) == (False, 1, MOST_PARTS + 1)
