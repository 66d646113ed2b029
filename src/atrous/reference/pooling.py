"""Pooling from its definition."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from typing import Any

import numpy as np

from atrous.geometry import Window
from atrous.reference.taps import Array, last, taps


def max_pool(x: Array, windows: Sequence[Window]) -> Array:
    """The largest element under each window; padding never wins, NaN always does.

    ``x`` (N, C, *space), result (N, C, *out) of the same dtype. A window that lies wholly on padding gives the lowest value of
    the dtype (minus infinity).

    >>> max_pool(np.array([[[1, 5, 2, 4]]]), (Window(2, stride=2),))
    array([[[5, 4]]])
    """
    sizes = x.shape[2:]
    out = tuple(window.output_size(n) for window, n in zip(windows, sizes, strict=True))
    lowest = -np.inf if np.issubdtype(x.dtype, np.floating) else np.iinfo(x.dtype).min
    y = np.full((*x.shape[:2], *out), lowest, x.dtype)
    for _, outputs, inputs in taps(windows, sizes):
        y[last(outputs)] = np.maximum(y[last(outputs)], x[last(inputs)])
    return y


def average_pool(
    x: Array, windows: Sequence[Window], count_include_pad: bool = False, dtype: np.dtype[Any] | type = np.float64
) -> Array:
    """The mean of the elements under each window, in ``dtype``; a window wholly on padding gives 0.

    With ``count_include_pad`` the zeros of the padding count too, but never those that a ceil mode adds beyond it.
    ``x`` (N, C, *space), result (N, C, *out).

    >>> average_pool(np.array([[[2, 4]]]), (Window(3, pad_lo=1, pad_hi=1),), count_include_pad=True)
    array([[[2., 2.]]])
    """
    sizes = x.shape[2:]
    out = tuple(window.output_size(n) for window, n in zip(windows, sizes, strict=True))
    total = np.zeros((*x.shape[:2], *out), dtype)
    for _, outputs, inputs in taps(windows, sizes):
        total[last(outputs)] += x[last(inputs)]
    counts = [_counts(window, n, count_include_pad) for window, n in zip(windows, sizes, strict=True)]
    count = reduce(np.multiply.outer, counts, np.array(1))
    return np.asarray(total / np.maximum(count, 1))


def lp_pool(x: Array, windows: Sequence[Window], p: int = 2) -> Array:
    """``(sum of |x|**p) ** (1/p)`` over the elements under each window, those in the padding 0.

    ``x`` (N, C, *space), result (N, C, *out) in float64.

    >>> lp_pool(np.array([[[3, -4, 12]]]), (Window(2),), 2).round(2)
    array([[[ 5.  , 12.65]]])
    """
    sizes = x.shape[2:]
    out = tuple(window.output_size(n) for window, n in zip(windows, sizes, strict=True))
    powers, total = np.abs(x.astype(np.float64)) ** p, np.zeros((*x.shape[:2], *out))
    for _, outputs, inputs in taps(windows, sizes):
        total[last(outputs)] += powers[last(inputs)]
    return np.asarray(total ** (1 / p))


def _counts(window: Window, size: int, padding: bool) -> Array:
    """How many elements each output of one axis averages."""
    lo, hi = (-window.pad_lo, size + window.pad_hi) if padding else (0, size)
    return np.array([len(window.taps_of_output(o, lo, hi)) for o in range(window.output_size(size))])
