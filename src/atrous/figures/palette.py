"""One palette for all images of a figure: files are small, and nothing flickers from step to step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from PIL.Image import Image

#: What a byte can tell apart. Colours nearer to each other than 4 steps of 256 count as one.
COLOURS, COARSE = 256, 2
Pixels = NDArray[np.uint8]


def with_palette(images: Sequence[Image]) -> list[Image]:
    """RGB images as images of the colours that are most frequent in all of them; others become the nearest of those.

    Areas keep their colours; smooth edges have many, which differ little.
    """
    import PIL.Image

    pixels = [np.asarray(image) for image in images]
    bins = [_bins(image) for image in pixels]
    size = 1 << 3 * (8 - COARSE)
    counts = sum((np.bincount(found.ravel(), minlength=size) for found in bins), np.zeros(size, np.intp))
    exact = np.zeros((size, 3), np.uint8)
    for found, image in zip(bins, pixels, strict=True):
        exact[found] = image
    used = np.flatnonzero(counts)
    # Equally frequent ones in the order of their numbers, so that every run chooses alike.
    palette = exact[used[np.argsort(-counts[used], kind="stable")][:COLOURS]]
    table = np.zeros(size, np.uint8)
    table[used] = np.abs(exact[used][:, None].astype(np.int16) - palette[None]).sum(axis=2).argmin(axis=1)
    pages = [PIL.Image.fromarray(table[found]) for found in bins]
    for page in pages:
        page.putpalette(palette.tobytes())
    return pages


def _bins(image: Pixels) -> NDArray[np.int32]:
    """The number of each pixel's colour, colours that are nearly the same having one."""
    bits = 8 - COARSE
    red, green, blue = ((image[..., i] >> COARSE).astype(np.int32) for i in range(3))
    return (red << 2 * bits) | (green << bits) | blue
