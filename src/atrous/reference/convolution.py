"""Convolution and transposed convolution from their definitions."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import Any

import numpy as np

from atrous.geometry import TransposedWindow, Window
from atrous.reference.taps import Array, last, strided, taps


def conv(
    x: Array, w: Array, bias: Array | None, windows: Sequence[Window], groups: int = 1, dtype: np.dtype[Any] | type = np.float64
) -> Array:
    """y[n,k,o] = bias[k] + sum over c, t of w[k,c,t] * x[n,c,o*stride - pad + t*dilation]; the kernel is not flipped.

    ``x`` (N, C, *space), ``w`` (K, C/groups, *kernel), ``bias`` (K,); summed and returned in ``dtype``, (N, K, *out). Taps on
    padding add nothing (an infinite weight on padding gives no NaN).

    >>> conv(np.array([[[1, 2, 3, 4]]]), np.array([[[3, 2]]]), None, (Window(2),))
    array([[[ 7., 12., 17.]]])
    """
    batch, sizes, filters = x.shape[0], x.shape[2:], w.shape[0]
    out = tuple(window.output_size(n) for window, n in zip(windows, sizes, strict=True))
    x = x.astype(dtype).reshape(batch, groups, -1, *sizes)
    w = w.astype(dtype).reshape(groups, filters // groups, -1, *w.shape[2:])
    y = np.zeros((batch, groups, filters // groups, *out), dtype)
    for tap, outputs, inputs in taps(windows, sizes):
        y[last(outputs)] += np.einsum("ngc...,gkc->ngk...", x[last(inputs)], w[last(tap)])
    return _biased(y.reshape(batch, filters, *out), bias)


def conv_transpose(
    x: Array,
    w: Array,
    bias: Array | None,
    windows: Sequence[TransposedWindow],
    groups: int = 1,
    dtype: np.dtype[Any] | type = np.float64,
) -> Array:
    """y[n,k,i*stride - pad + t*dilation] += w[c,k,t] * x[n,c,i] for every input and tap that lands inside the output.

    ``x`` (N, C, *space), ``w`` (C, K/groups, *kernel), ``bias`` (K,); summed and returned in ``dtype``, (N, K, *out).

    >>> conv_transpose(np.array([[[1, 2]]]), np.array([[[3, 2]]]), None, (TransposedWindow(2, stride=2),))
    array([[[3., 2., 6., 4.]]])
    """
    batch, sizes, filters = x.shape[0], x.shape[2:], w.shape[1] * groups
    out = tuple(window.output_size(n) for window, n in zip(windows, sizes, strict=True))
    x = x.astype(dtype).reshape(batch, groups, -1, *sizes)
    w = w.astype(dtype).reshape(groups, -1, *w.shape[1:])
    y = np.zeros((batch, groups, filters // groups, *out), dtype)
    for tap in product(*(range(window.kernel) for window in windows)):
        ranges = [window.inputs_of_tap(t, n) for window, t, n in zip(windows, tap, sizes, strict=True)]
        if not all(ranges):
            continue
        inputs = tuple(slice(r.start, r.stop) for r in ranges)
        starts = [r.start * v.stride - v.pad_lo + t * v.dilation for r, v, t in zip(ranges, windows, tap, strict=True)]
        outputs = tuple(strided(a, len(r), v.stride) for a, r, v in zip(starts, ranges, windows, strict=True))
        y[last(outputs)] += np.einsum("ngc...,gck->ngk...", x[last(inputs)], w[last(tap)])
    return _biased(y.reshape(batch, filters, *out), bias)


def _biased(y: Array, bias: Array | None) -> Array:
    return y if bias is None else y + bias.astype(y.dtype).reshape(-1, *(1,) * (y.ndim - 2))
