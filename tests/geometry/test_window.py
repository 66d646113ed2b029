"""Windows against enumeration, element by element."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atrous.errors import ArgumentError
from atrous.geometry import Window, coverage, output_sizes, read_count
from tests.geometry.brute import pairs
from tests.strategies import sizes_for, windows

WINDOWS_AND_SIZES = windows(5).flatmap(lambda w: st.tuples(st.just(w), sizes_for(w, 30)))


@given(WINDOWS_AND_SIZES)
def test_outputs_reads_and_intervals_are_those_of_the_definition(drawn: tuple[Window, int]) -> None:
    window, size = drawn
    found = pairs(window, size)
    outputs = {output for output, _, _ in found}
    assert window.output_size(size) == len(outputs)
    for output in outputs:
        inputs = {i for o, _, i in found if o == output}
        assert set(window.inputs(output)) == inputs
        assert set(window.landing(output, size)) == {i for i in inputs if 0 <= i < size}
        assert window.needs(output, output + 1) == (min(inputs), max(inputs) + 1)
        assert list(window.taps_of_output(output, 0, size)) == [t for o, t, i in found if o == output and 0 <= i < size]
    full = [o for o in range(window.output_size(size)) if len(window.taps_of_output(o, 0, size)) == window.kernel]
    assert [o for o in range(*window.inside(size)) if 0 <= o < window.output_size(size)] == full
    for tap in range(window.kernel):
        assert list(window.outputs_of_tap(tap, size)) == [o for o, t, i in found if t == tap and 0 <= i < size]
    assert window.taps(size) == len(found)
    assert window.real_taps(size) == sum(1 for _, _, i in found if 0 <= i < size)


@given(WINDOWS_AND_SIZES, st.data())
def test_what_an_interval_reads_is_the_union_of_what_its_outputs_read(drawn: tuple[Window, int], data: st.DataObject) -> None:
    window, size = drawn
    lo = data.draw(st.integers(0, window.output_size(size) - 1))
    hi = data.draw(st.integers(lo + 1, window.output_size(size)))
    inputs = {i for o, _, i in pairs(window, size) if lo <= o < hi}
    assert set(window.reads(lo, hi)) == inputs
    assert window.reads(lo, hi).span == window.needs(lo, hi)
    assert window.needs(lo, lo) == (0, 0)
    assert len(window.reads(lo, lo)) == 0


@given(WINDOWS_AND_SIZES)
def test_coverage_counts_every_tap_on_the_signal(drawn: tuple[Window, int]) -> None:
    window, size = drawn
    inputs = [i for _, _, i in pairs(window, size)]
    found = coverage([window], [size, window.output_size(size)])
    assert found.counts == tuple(inputs.count(i) for i in range(size))
    assert set(found.unread) == set(range(size)) - set(inputs)
    assert found.read == read_count(window, size) == size - len(found.unread)


def test_a_stack_of_windows_counts_paths_and_what_a_floor_drops() -> None:
    stack = [Window(3, stride=2), Window(2, stride=2)]
    found = coverage(stack, [12, 5, 2])
    assert found.counts == (1, 1, 2, 1, 2, 1, 2, 1, 1, 0, 0, 0)


@pytest.mark.parametrize("name", ["kernel", "stride", "dilation"])
@pytest.mark.parametrize("value", [0, -1])
def test_parameters_below_one_are_refused_by_name(name: str, value: int) -> None:
    with pytest.raises(ArgumentError, match=rf"^{name}: got {value}; it must be at least 1$"):
        Window(**{"kernel": 3, name: value})


@pytest.mark.parametrize("value", [1.0, True, "3", None])
def test_parameters_that_are_no_integers_are_refused(value: object) -> None:
    with pytest.raises(ArgumentError, match=r"^pad_lo: got .*; it must be an integer$"):
        Window(3, pad_lo=value)  # type: ignore[arg-type]


def test_sizes_that_would_overflow_are_refused() -> None:
    with pytest.raises(ArgumentError, match=r"^extent: got 9223372036854775809: integer overflow of sizes"):
        Window(3, dilation=2**62)
    with pytest.raises(ArgumentError, match=r"^dilation: got 9223372036854775808: integer overflow of sizes"):
        Window(3, dilation=2**63)
    with pytest.raises(ArgumentError, match=r"spatial axis 0.*integer overflow of sizes; at most 2.*62 is possible"):
        output_sizes([Window(3)], [2**62 + 1])


def test_a_window_that_does_not_fit_says_both_numbers_and_the_remedy() -> None:
    with pytest.raises(ArgumentError) as refusal:
        output_sizes([Window(3), Window(5, dilation=2, pad_lo=1, pad_hi=1)], [5, 5])
    assert str(refusal.value) == (
        "spatial axis 1: no output: the window spans 9 (kernel 5, dilation 2) but the padded input has 7 "
        "(5 and padding 1 before, 1 after); take a smaller kernel or dilation, more padding, or a larger input"
        "; the nearest that work: kernel 4, dilation 1, padding 2 at both ends, an input of 7"
    )


def test_an_empty_axis_and_a_missing_size_are_refused() -> None:
    with pytest.raises(ArgumentError, match=r"spatial axis 0: got 0; it must be at least 1"):
        output_sizes([Window(1)], [0])
    with pytest.raises(ArgumentError, match=r"space: got sizes \(5,\) for 2 windows; each spatial axis has one of both"):
        output_sizes([Window(1), Window(1)], [5])
