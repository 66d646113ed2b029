"""Resizing from its definition: one axis after the other, each output a weighted sum of its taps."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from atrous.geometry import Resample
from atrous.reference.taps import Array


def resize(x: Array, axes: Mapping[int, Resample]) -> Array:
    """``x`` resized along the named axes, float64.

    >>> from atrous.geometry import Coordinates, Linear
    >>> resize(np.array([0.0, 4.0]), {0: Resample.between(2, 4, Coordinates.half_pixel, Linear())})
    array([0., 1., 3., 4.])
    """
    y = x.astype(np.float64)
    for axis, resample in axes.items():
        slices = np.moveaxis(y, axis, 0)
        rows = [sum(float(w) * slices[i] for i, w in resample.taps(o)) for o in range(resample.outputs)]
        y = np.moveaxis(np.stack([np.asarray(row) for row in rows]), 0, axis)
    return y
