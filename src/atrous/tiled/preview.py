"""Images made small enough to look at, from sources of any size, and images as the bytes of a PNG."""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO
from math import prod

import numpy as np

from atrous.errors import ArgumentError
from atrous.geometry import Box, Coordinates, Linear, Resample
from atrous.graph.fact import Array
from atrous.reference import resize
from atrous.tiled.source import Source

#: So many elements of a source are read at once.
_BAND = 1 << 22


def preview(source: Source, side: int) -> Array:
    """An image of at most ``side`` pixels on its longer side, (rows, columns[, channels]) of the source's type.

    A larger image is shrunk, each pixel the mean of the area that it stands for; a smaller one is given as it is. It is read
    in bands of rows, so that no second image of its size is made. Raises ``ArgumentError`` for what has no rows and columns
    or several pages.
    """
    if source.axes not in ("YX", "YXC", "CYX"):
        raise ArgumentError(
            f"{source.name}: has axes {source.axes or 'without names'}; an image has rows, columns and channels"
        )
    rows, columns = (source.shape[source.axes.index(letter)] for letter in "YX")
    height, width = shrunk_size(rows, columns, side)
    small = averaged(np.concatenate([averaged(band, 1, width) for band in _bands(source, rows)]), 0, height)
    if source.dtype.kind in "ui":
        small = np.rint(small)
    return small.astype(source.dtype) if "C" in source.axes else small[..., 0].astype(source.dtype)


def shrunk_size(rows: int, columns: int, side: int) -> tuple[int, int]:
    """The size of an image whose longer side has at most ``side`` pixels, in the nearest whole pixels, never nought.

    >>> shrunk_size(3000, 4000, 512), shrunk_size(3, 4000, 512), shrunk_size(100, 200, 512)
    ((384, 512), (1, 512), (100, 200))
    """
    longer = max(rows, columns)
    if longer <= side:
        return (rows, columns)
    return (max(1, (2 * rows * side + longer) // (2 * longer)), max(1, (2 * columns * side + longer) // (2 * longer)))


def _bands(source: Source, rows: int) -> Iterator[Array]:
    """The rows of an image, some at a time, as arrays (rows, columns, channels)."""
    step = max(1, _BAND // (prod(source.shape) // rows))
    return (_read(source, top, min(rows, top + step)) for top in range(0, rows, step))


def _read(source: Source, top: int, bottom: int) -> Array:
    span = {"Y": (top, bottom)}
    ends = [span.get(letter, (0, size)) for letter, size in zip(source.axes, source.shape, strict=True)]
    box = Box(tuple(lo for lo, _ in ends), tuple(hi for _, hi in ends))
    band = np.empty(box.shape, source.dtype)
    source.read(box, band)
    source.release()
    return band[..., None] if "C" not in source.axes else np.moveaxis(band, source.axes.index("C"), -1)


def averaged(array: Array, axis: int, size: int) -> Array:
    """The array with ``size`` elements on one axis, each the mean of the stretch that it stands for; float64.

    >>> averaged(np.array([1.0, 2.0, 6.0]), 0, 2)
    array([1.33333333, 4.66666667])
    """
    lines = np.moveaxis(array, axis, 0).astype(np.float64)
    before = len(lines)
    if before == size:
        return np.moveaxis(lines, 0, axis)
    sums = np.concatenate([np.zeros_like(lines[:1]), np.cumsum(lines, axis=0)])
    edges = np.arange(size + 1) * (before / size)
    whole = np.minimum(edges.astype(np.int64), before - 1)
    part = (edges - whole).reshape(-1, *(1,) * (lines.ndim - 1))
    upto = sums[whole] + part * lines[whole]
    return np.moveaxis(np.diff(upto, axis=0) * (size / before), 0, axis)


def fitted(image: Array, height: int, width: int) -> Array:
    """The image (rows, columns[, channels]) at another size: areas averaged where it shrinks, interpolated where it grows."""
    made = image.astype(np.float64)
    for axis, size in enumerate((height, width)):
        if size <= made.shape[axis]:
            made = averaged(made, axis, size)
        else:
            made = resize(made, {axis: Resample.between(made.shape[axis], size, Coordinates.half_pixel, Linear())})
    return np.rint(made).astype(image.dtype) if image.dtype.kind in "ui" else made.astype(image.dtype)


def encode_png(image: Array) -> bytes:
    """A PNG of an array of uint8, (rows, columns) or (rows, columns, 3).

    >>> encode_png(np.zeros((2, 3), np.uint8))[:4]
    b'\\x89PNG'
    """
    from PIL import Image

    file = BytesIO()
    Image.fromarray(np.ascontiguousarray(image)).save(file, format="PNG", compress_level=6)
    return file.getvalue()
