"""Pictures inside figures: pixels as a frozen value, and what the formats make of them."""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING

import numpy as np

from atrous.errors import ArgumentError
from atrous.graph.fact import Array

if TYPE_CHECKING:
    from PIL.Image import Image


@dataclass(frozen=True, slots=True)
class Pixels:
    """Rows of red, green, blue, one byte each."""

    rows: int
    columns: int
    data: bytes

    @classmethod
    def of(cls, array: Array) -> Pixels:
        """From uint8 (rows, columns), gray, or (rows, columns, 3).

        >>> Pixels.of(np.array([[0, 255]], np.uint8)).data
        b'\\x00\\x00\\x00\\xff\\xff\\xff'
        """
        shape = array.shape
        if array.dtype != np.uint8 or array.ndim not in (2, 3) or shape[2:] not in ((), (3,)) or not array.size:
            seen = f"{array.dtype} of shape {shape}"
            raise ArgumentError(f"pixels: got {seen}; a picture is uint8 (rows, columns), or (rows, columns, 3) in color")
        colours = np.broadcast_to(array.reshape(*shape[:2], -1), (*shape[:2], 3))
        return cls(shape[0], shape[1], np.ascontiguousarray(colours).tobytes())

    def image(self) -> Image:
        """As Pillow's image."""
        import PIL.Image

        return PIL.Image.frombytes("RGB", (self.columns, self.rows), self.data)

    def png(self) -> bytes:
        """As a PNG file, of one byte a pixel where there are few colors; the same pixels give the same bytes."""
        import PIL.Image

        image = self.image()
        if image.getcolors(256):
            pixels = np.frombuffer(self.data, np.uint8).reshape(-1, 3)
            colours, places = np.unique(pixels, axis=0, return_inverse=True)
            image = PIL.Image.frombytes("P", image.size, places.astype(np.uint8).tobytes())
            image.putpalette(colours.tobytes())
        file = BytesIO()
        image.save(file, "PNG", compress_level=9)
        return file.getvalue()


def shrunk(array: Array, side: int) -> Array:
    """The array (rows, columns, ...) by means over areas, so that neither side is above ``side``; as it is if it fits.

    >>> shrunk(np.array([[0.0, 2.0], [4.0, 6.0]]), 1)
    array([[3.]])
    """
    import PIL.Image

    rows, columns = array.shape[:2]
    most = max(rows, columns)
    if most <= side:
        return array
    size = (max(1, columns * side // most), max(1, rows * side // most))
    planes = array.reshape(rows, columns, -1).astype(np.float32)
    small = [
        np.asarray(PIL.Image.fromarray(planes[..., c]).resize(size, PIL.Image.Resampling.BOX)) for c in range(planes.shape[2])
    ]
    found = np.stack(small, axis=-1).reshape(size[1], size[0], *array.shape[2:])
    return np.asarray(np.rint(found) if array.dtype == np.uint8 else found, array.dtype)
