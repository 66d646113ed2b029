"""Transposed windows against enumeration, and against the ordinary windows they are the twins of."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atrous.errors import ArgumentError
from atrous.geometry import TransposedWindow, Window, output_sizes
from tests.geometry.brute import pairs, transposed_pairs
from tests.strategies import sizes_for, transposed_windows

WINDOWS_AND_SIZES = transposed_windows(5).flatmap(lambda w: st.tuples(st.just(w), sizes_for(w, 16)))


@given(WINDOWS_AND_SIZES)
def test_every_output_reads_the_inputs_of_the_definition(drawn: tuple[TransposedWindow, int]) -> None:
    window, size = drawn
    outputs = window.output_size(size)
    found = [(o, t, i) for o, t, i in transposed_pairs(window, size) if 0 <= o < outputs]
    for output in range(outputs):
        assert set(window.landing(output, size)) == {i for o, _, i in found if o == output}
        lo, hi = window.needs(output, output + 1)
        assert set(window.inputs(output)) <= set(range(lo, hi))
    for tap in range(window.kernel):
        assert list(window.inputs_of_tap(tap, size)) == [i for _, t, i in found if t == tap]
    assert window.real_taps(size) == len(found)
    assert window.taps(size) == size * window.kernel


@given(WINDOWS_AND_SIZES, st.data())
def test_what_an_interval_reads_is_the_union_of_what_its_outputs_read(
    drawn: tuple[TransposedWindow, int], data: st.DataObject
) -> None:
    window, size = drawn
    lo = data.draw(st.integers(0, window.output_size(size) - 1))
    hi = data.draw(st.integers(lo + 1, window.output_size(size)))
    inputs = {i for o in range(lo, hi) for i in window.inputs(o)}
    assert set(window.reads(lo, hi)) == inputs
    assert all(window.needs(lo, hi)[0] <= i < window.needs(lo, hi)[1] for i in inputs)
    assert window.needs(lo, lo) == (0, 0)


@given(transposed_windows(5), st.integers(0, 20), st.integers(0, 20))
def test_a_phase_reaches_its_own_outputs_of_an_interval(window: TransposedWindow, lo: int, count: int) -> None:
    hi = lo + count
    for phase in window.phases():
        first, last = phase.reached(lo, hi)
        own = [output for output in range(lo, hi) if output % window.stride == phase.first]
        assert [phase.first + number * phase.step for number in range(first, last)] == own


@given(WINDOWS_AND_SIZES)
def test_phases_are_dense_windows_with_the_same_taps(drawn: tuple[TransposedWindow, int]) -> None:
    window, size = drawn
    phases = window.phases()
    assert [phase.first for phase in phases] == list(range(window.stride))
    for output in range(window.output_size(size)):
        phase = phases[output % window.stride]
        through = {(t, (output + window.pad_lo - t * window.dilation) // window.stride) for t in phase.taps}
        wanted = {(t, i) for o, t, i in transposed_pairs(window, size) if o == output}
        assert {(t, i) for t, i in through if 0 <= i < size} == wanted
        if phase.window is not None:
            inputs = list(phase.window.inputs(output // window.stride))
            assert inputs == [(output + window.pad_lo - t * window.dilation) // window.stride for t in phase.taps]


@given(WINDOWS_AND_SIZES)
def test_it_is_the_adjoint_of_its_twin(drawn: tuple[TransposedWindow, int]) -> None:
    transposed, size = drawn
    outputs = transposed.output_size(size)
    # with the output padding taken off the high end, the twin maps the transposed window's outputs onto its inputs
    twin = Window(
        transposed.kernel,
        transposed.stride,
        transposed.dilation,
        transposed.pad_lo,
        transposed.pad_hi - transposed.output_padding,
    )
    assert twin.output_size(outputs) == size
    reached = {(o, t, i) for o, t, i in transposed_pairs(transposed, size) if 0 <= o < outputs}
    assert reached == {(i, t, o) for o, t, i in pairs(twin, outputs) if 0 <= i < outputs}


def test_padding_that_cuts_everything_off_is_refused_with_the_numbers() -> None:
    with pytest.raises(ArgumentError) as refusal:
        output_sizes([TransposedWindow(3, pad_lo=2, pad_hi=2)], [1])
    assert str(refusal.value) == (
        "spatial axis 0: no output: 1 inputs reach 3 outputs and the padding cuts 4 of them off; "
        "give less padding or a larger input; the nearest that work: padding 1 at both ends, an input of 3"
    )


def test_output_sizes_that_would_overflow_are_refused() -> None:
    with pytest.raises(ArgumentError, match=r"spatial axis 0: outputs: got .*: integer overflow of sizes"):
        output_sizes([TransposedWindow(2, stride=2**40)], [2**40])


def test_negative_output_padding_is_refused() -> None:
    with pytest.raises(ArgumentError, match=r"^output_padding: got -1; it must be at least 0$"):
        TransposedWindow(2, output_padding=-1)
