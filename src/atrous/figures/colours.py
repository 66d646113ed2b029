"""Activation maps as pictures: gray where nothing is below zero, otherwise blue to orange around a light zero.

The two-ended map is even to the eye: its lightness (CIE L*) falls in equal steps from zero to both ends, and equal distances
from zero are equally light, so that neither sign looks larger than it is. Blue and orange also differ to the colour-blind.
"""

from __future__ import annotations

from functools import cache

import numpy as np

from atrous.graph.fact import Array

#: CIE L*a*b* of the two ends and of zero between them.
_BELOW, _ZERO, _ABOVE = (35.0, 10.0, -55.0), (97.0, 0.0, 0.0), (35.0, 35.0, 45.0)
#: From CIE XYZ (of the white of sRGB, D65) to linear red, green, blue.
_RGB_OF_XYZ = np.array([[3.2406, -1.5372, -0.4986], [-0.9689, 1.8758, 0.0415], [0.0557, -0.2040, 1.0570]])
_WHITE = np.array([0.95047, 1.0, 1.08883])
_STEPS = 127


@cache
def two_ended() -> Array:
    """255 colours, uint8 (255, 3): place 127 is zero, 0 and 254 are the ends."""
    towards = np.linspace(0, 1, _STEPS + 1)[:, None]
    below = np.array(_ZERO) + (np.array(_BELOW) - np.array(_ZERO)) * towards
    above = np.array(_ZERO) + (np.array(_ABOVE) - np.array(_ZERO)) * towards
    return srgb(np.concatenate([below[:0:-1], above]))


def srgb(lab: Array) -> Array:
    """Colours of CIE L*a*b* (n, 3) as uint8 of sRGB; what a screen cannot show is cut to what it can.

    >>> srgb(np.array([[100.0, 0.0, 0.0], [0.0, 0.0, 0.0]])).tolist()
    [[255, 255, 255], [0, 0, 0]]
    """
    y = (lab[:, 0] + 16) / 116
    f = np.stack([y + lab[:, 1] / 500, y, y - lab[:, 2] / 200], axis=1)
    xyz = np.where(f > 6 / 29, f**3, 3 * (6 / 29) ** 2 * (f - 4 / 29)) * _WHITE
    linear = np.clip(xyz @ _RGB_OF_XYZ.T, 0, 1)
    encoded = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return np.asarray(np.rint(encoded * 255), np.uint8)


def coloured(values: Array, whole: Array | None = None) -> Array:
    """A map of numbers (rows, columns) as a picture: gray from 0 (black) to the largest where none is below zero, otherwise
    two-ended around zero up to the largest magnitude. Numbers that are not finite are drawn as zero.

    ``whole`` is what ``values`` were shrunk from: it decides the scale, as means hide what is far from them.

    >>> coloured(np.array([[0.0, 2.0, 4.0]])).tolist()
    [[0, 128, 255]]
    >>> coloured(np.array([[1.0]]), whole=np.array([[0.0, 2.0]])).tolist()
    [[128]]
    """
    scale = values if whole is None else whole
    ends = np.where(np.isfinite(scale), scale, 0.0)
    most = float(np.abs(ends).max(initial=0.0)) or 1.0
    finite = np.where(np.isfinite(values), values, 0.0).astype(np.float64)
    if ends.min(initial=0.0) >= 0:
        return np.asarray(np.rint(finite / most * 255), np.uint8)
    return np.asarray(two_ended()[np.rint(finite / most * _STEPS).astype(np.int64) + _STEPS])
