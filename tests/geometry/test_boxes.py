"""Boxes, hulls and pulls."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from atrous.geometry import SAME, Box, IndexSet, Pull, Stack, Whole, Window, hull, pull_back

INTERVALS = st.tuples(st.integers(-5, 12), st.integers(0, 8)).map(lambda pair: (pair[0], pair[0] + pair[1]))


@st.composite
def boxes(draw: st.DrawFn, axes: int = 2) -> Box:
    lo, hi = zip(*(draw(INTERVALS) for _ in range(axes)), strict=True)
    return Box(lo, hi)


def cells(box: Box) -> set[tuple[int, ...]]:
    return {tuple(int(i) + lo for i, lo in zip(index, box.lo, strict=True)) for index in np.ndindex(*box.shape)}


@given(boxes(), boxes())
def test_boxes_are_sets_of_cells(a: Box, b: Box) -> None:
    assert len(cells(a)) == a.size
    assert cells(a.intersect(b)) == cells(a) & cells(b)
    assert a.contains(b) == (cells(b) <= cells(a))
    whole = hull([a, b])
    if whole is None:
        assert a.empty
        assert b.empty
    else:
        assert whole.contains(a)
        assert whole.contains(b)


@given(boxes(), boxes())
def test_what_lies_beyond_a_box_completes_it(a: Box, held: Box) -> None:
    assert a.beyond(None) == a
    rest = a.beyond(held)
    if rest == a or rest.empty:
        assert not rest.empty or cells(a) <= cells(held)
    else:
        assert cells(rest) == cells(a) - cells(held)


@given(boxes())
def test_clip_is_what_lies_inside_the_array(box: Box) -> None:
    clipped = box.clip((6, 7))
    assert cells(clipped) == cells(box) & cells(Box.full((6, 7)))
    assert Box.full((6, 7)).intersect(clipped) == clipped or clipped.empty
    array = np.arange(42).reshape(6, 7)
    assert array[clipped.slices()].shape == clipped.shape


def test_slices_index_a_tile_by_global_coordinates() -> None:
    tile = np.arange(12).reshape(3, 4)
    assert tile[Box((5, 7), (6, 9)).slices(origin=(4, 6))].tolist() == [[5, 6]]
    assert str(Box((0, 2), (1, 4))) == "[0:1, 2:4]"


def test_pulls_read_each_input_axis_through_its_own_map() -> None:
    box = Box((0, 3, 2), (1, 5, 6))
    pulls = (Pull(0, SAME), Pull(1, Whole(16)), Pull(2, Window(3, stride=2, pad_lo=1)))
    assert pull_back(box, pulls) == Box((0, 0, 3), (1, 16, 12))
    assert pull_back(Box((0, 3, 2), (1, 3, 6)), pulls).empty


def test_a_stack_needs_what_its_maps_need_one_after_the_other() -> None:
    maps = (Window(3, stride=2, pad_lo=1), Window(5, dilation=2))
    assert Stack(maps).needs(2, 4) == maps[0].needs(*maps[1].needs(2, 4)) == (3, 24)
    assert Stack(()).needs(2, 4) == (2, 4)


@given(st.lists(INTERVALS, max_size=5), st.lists(INTERVALS, max_size=5), st.integers(-4, 4), INTERVALS)
def test_index_sets_are_sets(a: list[tuple[int, int]], b: list[tuple[int, int]], by: int, clip: tuple[int, int]) -> None:
    plain = {i for lo, hi in a for i in range(lo, hi)} | {i for lo, hi in b for i in range(lo, hi)}
    found = IndexSet.union(a, b)
    assert list(found) == sorted(plain)
    assert len(found) == len(plain)
    assert found == IndexSet.of(plain)
    assert set(found.shift(by)) == {i + by for i in plain}
    assert set(found.clip(*clip)) == plain & set(range(*clip))
    assert all((i in found) == (i in plain) for i in range(-8, 24))
    lo, hi = found.span
    assert (lo, hi) == ((min(plain), max(plain) + 1) if plain else (0, 0))
    assert set(found.holes) == set(range(lo, hi)) - plain
    assert found.extent == hi - lo
    assert all(before < after for (_, before), (after, _) in zip(found.runs, found.runs[1:], strict=False))
