"""Local response normalisation from its definition (Krizhevsky et al. 2012, section 3.3; ONNX's LRN)."""

from __future__ import annotations

import numpy as np

from atrous.reference.taps import Array


def lrn(x: Array, size: int, alpha: float = 1e-4, beta: float = 0.75, bias: float = 1.0) -> Array:
    """x / (bias + alpha/size * s)**beta, with s the sum of squares over ``size`` neighbouring channels, clipped at the ends.

    ``x`` (N, C, *space); float64 result. An even ``size`` reaches one channel further up than down.

    >>> lrn(np.ones((1, 1, 2)), size=1, alpha=3.0, beta=0.5).tolist()
    [[[0.5, 0.5]]]
    """
    x = x.astype(np.float64)
    below, channels = (size - 1) // 2, x.shape[1]
    squares = np.zeros_like(x)
    for c in range(channels):
        squares[:, c] = (x[:, max(0, c - below) : c + size - below] ** 2).sum(axis=1)
    return np.asarray(x / (bias + alpha / size * squares) ** beta)
