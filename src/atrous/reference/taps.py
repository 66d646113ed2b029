"""The one loop that all windowed oracles share: over the taps of the windows, with the outputs each tap serves."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product
from typing import Any

import numpy as np

from atrous.geometry import Window

Array = np.ndarray[Any, np.dtype[Any]]
Slices = tuple[slice, ...]


def last(index: tuple[slice, ...] | tuple[int, ...]) -> Any:
    """The index of the last axes of an array, all others whole."""
    return (..., *index)


def strided(start: int, count: int, step: int) -> slice:
    """The ``count`` elements from ``start`` on, ``step`` apart."""
    return slice(start, start + max(0, count - 1) * step + 1 if count else start, step)


def taps(windows: Sequence[Window], sizes: Sequence[int]) -> Iterator[tuple[tuple[int, ...], Slices, Slices]]:
    """For every tap: its index in the kernel, the outputs where it lands inside the signal, and the inputs it reads there.

    A tap on padding appears nowhere: padding adds nothing to a sum and never wins a maximum.
    """
    for tap in product(*(range(window.kernel) for window in windows)):
        ranges = [window.outputs_of_tap(t, n) for window, t, n in zip(windows, tap, sizes, strict=True)]
        if not all(ranges):
            continue
        outputs = tuple(slice(r.start, r.stop) for r in ranges)
        starts = [r.start * w.stride - w.pad_lo + t * w.dilation for r, w, t in zip(ranges, windows, tap, strict=True)]
        inputs = tuple(strided(a, len(r), w.stride) for a, r, w in zip(starts, ranges, windows, strict=True))
        yield tap, outputs, inputs
