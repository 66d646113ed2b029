"""How often inputs are read, and why some are not, against counting one by one."""

from __future__ import annotations

from collections import Counter
from itertools import product

import pytest

from atrous.errors import ArgumentError
from atrous.geometry import TransposedWindow, Unread, Window, coverage, output_sizes, overlap, unread, visits
from atrous.geometry.visits import leftover

CASES = list(product((1, 2, 3), (1, 2, 3, 4), (1, 2, 3), (-1, 0, 1, 2), (-1, 0, 1), (False, True)))


@pytest.mark.parametrize("size", [1, 4, 7, 12])
def test_visits_are_what_counting_shows(size: int) -> None:
    for kernel, stride, dilation, lo, hi, ceil in CASES:
        window = Window(kernel, stride, dilation, lo, hi, ceil)
        outputs = window.output_size(size)
        if outputs < 1:
            continue
        counts = coverage([window], [size, outputs]).counts
        assert visits(window, size) == tuple(sorted(Counter(counts).items())), window
        left = unread(window, size)
        assert left.total == counts.count(0), window
        assert leftover(window, size) == left.floor
        assert min(left.stride, left.floor, left.gridding, left.cropped) >= 0, window


@pytest.mark.parametrize("size", [1, 3, 6])
def test_overlap_of_transposed_windows_is_what_counting_shows(size: int) -> None:
    for kernel, stride, dilation, lo, hi in product((1, 2, 3, 4), (1, 2, 3), (1, 2), (0, 1), (0, 1)):
        window = TransposedWindow(kernel, stride, dilation, lo, hi)
        outputs = window.output_size(size)
        if outputs < 1:
            continue
        counts = Counter(
            sum(o + lo - t * dilation in range(0, size * stride, stride) for t in range(kernel)) for o in range(outputs)
        )
        assert visits(window, size) == tuple(sorted(counts.items())), window
        assert unread(window, size).cropped == size - len({i for o in range(outputs) for i in window.landing(o, size)})


def test_each_cause_by_name() -> None:
    assert unread(Window(1, stride=2), 10) == Unread(stride=4, floor=1)
    assert unread(Window(3, stride=2), 6) == Unread(floor=1)
    assert unread(Window(2, stride=4, dilation=2), 7) == Unread(stride=1, gridding=2)
    assert unread(Window(3, pad_lo=-2, pad_hi=-1), 9) == Unread(cropped=3)


def test_overlap_is_uneven_unless_the_stride_divides_the_kernel() -> None:
    assert overlap(TransposedWindow(4, stride=2)) == (2, 2)
    assert overlap(TransposedWindow(3, stride=2)) == (1, 2)
    assert overlap(TransposedWindow(1, stride=2)) == (0, 1)
    assert overlap(TransposedWindow(3, stride=2, dilation=2)) == (0, 3)


@pytest.mark.parametrize(
    ("window", "size", "nearest"),
    [
        (Window(30), 20, "kernel 20, padding 5 at both ends, an input of 30"),
        (Window(3, dilation=8, pad_lo=1, pad_hi=1), 9, "kernel 2, dilation 5, padding 4 at both ends, an input of 15"),
        (Window(3, pad_lo=-4, pad_hi=-4), 5, "padding 0 at both ends, an input of 11"),
    ],
)
def test_where_there_is_no_output_the_nearest_settings_that_work_are_named(window: Window, size: int, nearest: str) -> None:
    with pytest.raises(ArgumentError, match=f"no output: .*; the nearest that work: {nearest}$"):
        output_sizes([window], [size])
