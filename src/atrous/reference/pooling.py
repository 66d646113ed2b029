"""Pooling from its definition."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from math import prod
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


def max_pool_indices(x: Array, windows: Sequence[Window], column_major: bool = False) -> Array:
    """Where the largest element of each window lies: the first tap that holds it, as a place in the whole flat tensor.

    ``x`` (N, C, *space), result int64 (N, C, *out); a window that lies wholly on padding gives -1. Places count image by image,
    channel by channel, and within a channel with the last spatial axis fastest, or with ``column_major`` the first.

    >>> max_pool_indices(np.array([[[1, 5, 2, 4]]]), (Window(2, stride=2),))
    array([[[1, 3]]])
    """
    sizes, best = x.shape[2:], max_pool(x, windows)
    plane = np.arange(prod(sizes)).reshape(sizes, order="F" if column_major else "C")
    places = np.arange(prod(x.shape[:2])).reshape(*x.shape[:2], *(1 for _ in sizes)) * plane.size + plane
    found = np.full(best.shape, -1, np.int64)
    for _, outputs, inputs in taps(windows, sizes):
        here, before = x[last(inputs)], found[last(outputs)]
        won = (before < 0) & ((here == best[last(outputs)]) | (here != here))  # NaN is not itself
        found[last(outputs)] = np.where(won, places[last(inputs)], before)
    return found


def max_unpool(x: Array, indices: Array, shape: Sequence[int]) -> Array:
    """Zeros of ``shape``, but for the elements of ``x`` at their ``indices`` in the flat result; of several the last stays.

    An index outside the result writes nothing. ``indices`` are int64 in the shape of ``x``.

    >>> max_unpool(np.array([[[5, 4]]]), np.array([[[1, 3]]]), (1, 1, 4))
    array([[[0, 5, 0, 4]]])
    """
    y = np.zeros(prod(shape), x.dtype)
    for place, number in zip(indices.ravel().tolist(), x.ravel(), strict=True):
        if 0 <= place < y.size:
            y[place] = number
    return y.reshape(shape)


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
