"""Receptive fields against element by element recursion, with phases and branches."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atrous.errors import ArgumentError
from atrous.geometry import Coordinates, ExactMap, Linear, Nearest, ReceptiveField, Resample, TransposedWindow, Whole, Window
from tests.strategies import transposed_windows, windows

MAPS = st.one_of(
    windows(3),
    transposed_windows(3),
    st.builds(Whole, st.integers(1, 6)),
    st.builds(
        Resample.between,
        st.integers(2, 4),
        st.integers(2, 4),
        st.sampled_from([Coordinates.half_pixel, Coordinates.asymmetric]),
        st.sampled_from([Nearest(), Linear()]),
    ),
)


def by_recursion(maps: list[ExactMap], output: int) -> set[int]:
    """The inputs of one output, one map after the other from the last to the first."""
    found = {output}
    for step in reversed(maps):
        found = {i for o in found for i in step.inputs(o)}
    return found


@given(st.lists(MAPS, max_size=4), st.integers(0, 9))
def test_a_stack_has_the_inputs_of_the_recursion(maps: list[ExactMap], output: int) -> None:
    field = ReceptiveField.through(maps)
    assert set(field.inputs(output)) == by_recursion(maps, output)


@given(st.lists(MAPS, max_size=3), st.lists(MAPS, max_size=3), MAPS, st.integers(0, 5))
def test_a_join_has_the_inputs_of_all_branches(
    left: list[ExactMap], right: list[ExactMap], last: ExactMap, output: int
) -> None:
    field = ReceptiveField.join([ReceptiveField.through(left), ReceptiveField.through(right)]).behind(last)
    assert set(field.inputs(output)) == by_recursion([*left, last], output) | by_recursion([*right, last], output)


@given(st.lists(windows(4), max_size=4))
def test_stacks_of_windows_follow_the_closed_form(stack: list[Window]) -> None:
    size, jump, start = 1, 1, 0
    for window in stack:
        size += (window.extent - 1) * jump
        start -= window.pad_lo * jump
        jump *= window.stride
    field = ReceptiveField.through(stack)
    assert (field.size, field.jump, field.starts, field.period) == (size, jump, (start,), 1)
    assert field.centres == {(Fraction(jump), field.centre(0))}
    assert field.aligned


def test_behind_a_transposed_window_the_phases_differ() -> None:
    field = ReceptiveField.through([TransposedWindow(3, stride=2)])
    assert field.period == 2
    assert field.jump == Fraction(1, 2)
    assert field.sizes == (2, 1)
    assert field.size == 2
    assert field.starts == (Fraction(-1), Fraction(-1, 2))
    assert [list(field.inputs(o)) for o in range(4)] == [[-1, 0], [0], [0, 1], [1]]


def test_outputs_that_no_input_reaches_have_an_empty_field() -> None:
    field = ReceptiveField.through([TransposedWindow(1, stride=3)])
    assert [len(field.inputs(o)) for o in range(3)] == [1, 0, 0]


def test_branches_of_unlike_jumps_drift_apart_and_are_reported_not_refused() -> None:
    field = ReceptiveField.join([ReceptiveField.of_input(), ReceptiveField.through([Window(1, stride=2)])])
    assert field.jump is None
    assert field.size is None
    assert field.starts == ()
    assert not field.aligned
    assert list(field.inputs(5)) == [5, 10]


def test_global_pooling_sees_the_hull_of_everything() -> None:
    field = ReceptiveField.through([Window(3, stride=2, pad_lo=1), Whole(7)])
    assert field.span(0) == field.span(5) == (-1, 14)
    assert field.jump == 0


def test_a_whole_axis_of_any_size_is_one_run() -> None:
    field = ReceptiveField.through([Window(3), Whole(10**15)])
    assert field.inputs(0).runs == ((0, 10**15 + 2),)


def test_a_join_of_nothing_is_refused() -> None:
    with pytest.raises(ArgumentError, match=r"branches: got none; a join needs at least one"):
        ReceptiveField.join([])
