"""A person's image, made ready to be shown and to be given to a network: 8-bit gray or RGB, of a size that a page can hold."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from pathlib import Path

import numpy as np

from atrous.demo_network import held_out_photograph
from atrous.errors import ArgumentError
from atrous.graph.fact import Array
from atrous.tiled.formats import open_file
from atrous.tiled.preview import preview
from atrous.tiled.source import Source

#: An image is kept at this size at most (its longer side), whatever the file holds.
LARGEST_SIDE = 1024
#: More pixels are not decoded: a small file may hold far more than a machine has memory.
MOST_PIXELS = 200_000_000


@dataclass(frozen=True, eq=False)
class Picture:
    """``pixels`` are uint8, (rows, columns) or (rows, columns, 3); ``size`` is (rows, columns) of the file.

    ``told`` says what was done to the file's pixels.
    """

    name: str
    pixels: Array
    size: tuple[int, int]
    told: tuple[str, ...] = ()


def sample() -> Picture:
    """The photograph that comes with atrous."""
    pixels = held_out_photograph()
    return Picture("coffee, a photograph of scikit-image", np.asarray(pixels), (pixels.shape[0], pixels.shape[1]))


def read_picture(path: Path, name: str) -> Picture:
    """The image of a file, which a person knows as ``name``; raises ``FileError`` or ``ArgumentError``."""
    with open_file(path) as source:
        rows, columns, channels = _sizes(source, name)
        if rows * columns > MOST_PIXELS:
            raise ArgumentError(
                f"{name}: has {_pixels(rows, columns)}; the page takes at most {MOST_PIXELS // 10**6} megapixels: "
                "atrous run takes any size"
            )
        small = preview(source, LARGEST_SIDE)
    told = []
    if small.shape[:2] != (rows, columns):
        shown = f"{small.shape[1]} × {small.shape[0]}"
        told.append(f"The image has {_pixels(rows, columns)}; it was downscaled to {shown} for this page.")
    if channels in (2, 4):
        small = small[..., : channels - 1]
        told.append("Its transparency is left out.")
    small = _eight_bits(small, told)
    return Picture(name, small[..., 0] if small.ndim == 3 and small.shape[2] == 1 else small, (rows, columns), tuple(told))


def _sizes(source: Source, name: str) -> tuple[int, int, int]:
    """(rows, columns, channels) of a source that is one gray or coloured image."""
    sizes = dict(zip(source.axes, source.shape, strict=False))
    channels = sizes.get("C", 1)
    if not {"Y", "X"} <= set(sizes) or sizes.get("P", 1) > 1 or channels > 4:
        seen = " × ".join(map(str, source.shape))
        raise ArgumentError(f"{name}: holds an array of {seen}; give one image, gray or RGB: PNG, JPEG or TIFF")
    return sizes["Y"], sizes["X"], channels


def _pixels(rows: int, columns: int) -> str:
    return f"{columns} × {rows} pixels ({prod((rows, columns)) / 1e6:.1f} megapixels)"


def _eight_bits(pixels: Array, told: list[str]) -> Array:
    """Pixels of any type as uint8."""
    if pixels.dtype == np.uint8:
        return pixels
    if pixels.dtype == np.uint16:
        told.append("Its 16 bits are kept as 8.")
        return np.rint(pixels / 257).astype(np.uint8)
    finite = np.where(np.isfinite(pixels), pixels, 0).astype(np.float64)
    low, high = float(finite.min()), float(finite.max())
    told.append(f"Its values are {pixels.dtype}: {low:.4g} is taken as black, {high:.4g} as white.")
    return np.rint((finite - low) / ((high - low) or 1) * 255).astype(np.uint8)
