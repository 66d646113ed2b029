"""PNG and JPEG through Pillow. Both are decoded and encoded as a whole, so the whole image is held, and counted.

Pixels come as they are stored: rotation marks (EXIF) and colour profiles are not applied, as in scikit-image.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from atrous.errors import ArgumentError, FileError
from atrous.geometry import Box
from atrous.graph.fact import Array
from atrous.tiled.aside import Aside, explained
from atrous.tiled.source import Axes, Sink, Source

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageFile import ImageFile

#: Pillow's modes: (mode after loading, channels, type, bytes that Pillow keeps for a pixel).
_MODES = {
    "1": ("L", 1, "uint8", 1),
    "L": ("L", 1, "uint8", 1),
    "LA": ("LA", 2, "uint8", 4),
    "P": ("RGB", 3, "uint8", 4),
    "RGB": ("RGB", 3, "uint8", 4),
    "RGBA": ("RGBA", 4, "uint8", 4),
    "I;16": ("I;16", 1, "uint16", 2),
    "I": ("I", 1, "uint16", 4),  # how older Pillows read 16-bit gray
}


class PictureSource(Source):
    """An image file that Pillow decodes; only its header is read before the first tile."""

    def __init__(self, path: Path, plugin: Callable[[Path], ImageFile]) -> None:
        with _readable(path):
            # The plugin itself, not Image.open: that one refuses large images by a global limit; here the budget decides.
            self._image: Image | None = plugin(path)
        image = self._image
        if image.mode not in _MODES or getattr(image, "n_frames", 1) > 1:
            image.close()
            what = f"its pixels are of Pillow's mode {image.mode}" if image.mode not in _MODES else "it is an animation"
            raise FileError(f"{path}: {what}; atrous reads single gray, RGB and RGBA images: convert it first")
        transparent = image.mode == "P" and "transparency" in image.info
        self._mode, channels, dtype, pixel = _MODES["RGBA" if transparent else image.mode]
        space = (image.height, image.width)
        self._decoded = False
        super().__init__(
            str(path), space if channels == 1 else (*space, channels), np.dtype(dtype), "YX" + "C" * (channels > 1)
        )
        self.held = prod(space) * (pixel + (1 if image.mode in ("1", "P") else 0))

    def read(self, box: Box, into: Array) -> None:
        (top, bottom), (left, right) = list(box)[:2]
        part = np.asarray(self._load().crop((left, top, right, bottom)))
        into[...] = part if part.ndim == 2 else part[:, :, box.slices()[2]]

    def scratch(self, shape: Sequence[int]) -> int:
        channels = self.shape[2] if len(self.shape) == 3 else 1
        # The cropped image, its bytes in pieces and joined, and the array.
        return prod(shape[:2]) * (4 + 3 * channels * self.dtype.itemsize)

    def close(self) -> None:
        if self._image is not None:
            self._image.close()
            self._image = None

    def _load(self) -> Image:
        assert self._image is not None, "read comes before close"
        if not self._decoded:
            with _readable(Path(self.name)):
                self._image.load()
                if self._image.mode != self._mode:
                    self._image = self._image.convert(self._mode)
            self._decoded = True
        return self._image


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, SyntaxError, ValueError, struct.error) as error:
        raise FileError(f"{path}: a damaged or truncated image file: {error}") from error


def open_png(path: Path) -> Source:
    """A PNG: 1 to 8-bit gray, gray with alpha, palette, RGB, RGBA; 16-bit gray."""
    from PIL.PngImagePlugin import PngImageFile

    with path.open("rb") as file:
        depth, colour = file.read(26)[24:26].ljust(2, b"\0")
    if depth == 16 and colour != 0:
        raise FileError(f"{path}: a PNG of 16 bits a colour, of which Pillow would keep 8; convert it to TIFF")
    return PictureSource(path, PngImageFile)


def open_jpeg(path: Path) -> Source:
    """A JPEG: gray or RGB."""
    from PIL.JpegImagePlugin import JpegImageFile

    return PictureSource(path, JpegImageFile)


class PictureSink(Sink):
    """An image that Pillow holds while its tiles are pasted, and encodes at the end."""

    def __init__(self, aside: Aside, shape: Sequence[int], dtype: np.dtype[Any], axes: Axes, form: str, mode: str) -> None:
        super().__init__(str(aside.target), shape, dtype)
        self._aside, self._form, self._mode = aside, form, mode
        self._image: Image | None = None
        self.held = prod(self.shape[:2]) * _MODES[mode][3]

    def begin(self) -> None:
        import PIL.Image

        self._aside.open()
        self._image = PIL.Image.new(self._mode, (self.shape[1], self.shape[0]))

    def write(self, box: Box, tile: Array) -> None:
        import PIL.Image

        assert self._image is not None, "write comes after begin"
        self._image.paste(PIL.Image.fromarray(np.ascontiguousarray(tile)), (box.lo[1], box.lo[0]))

    def scratch(self, shape: Sequence[int]) -> int:
        return prod(shape[:2]) * 4 + 2 * prod(shape) * self.dtype.itemsize

    def finish(self) -> Path:
        assert self._image is not None, "finish comes after begin"
        assert self._aside.path is not None, "finish comes after begin"
        with explained(self._aside.target):
            self._image.save(self._aside.path, format=self._form, **_ENCODING[self._form])
        return self._aside.commit()

    def abandon(self) -> None:
        self._image = None
        self._aside.discard()


#: PNG's fastest useful compression; JPEG with the quality of a master copy, colours not subsampled.
_ENCODING: dict[str, dict[str, int]] = {"PNG": {"compress_level": 3}, "JPEG": {"quality": 95, "subsampling": 0}}
_WRITTEN = {
    "PNG": {(1, "uint8"): "L", (2, "uint8"): "LA", (3, "uint8"): "RGB", (4, "uint8"): "RGBA", (1, "uint16"): "I;16"},
    "JPEG": {(1, "uint8"): "L", (3, "uint8"): "RGB"},
}


def _create(form: str, rule: str, aside: Aside, shape: Sequence[int], dtype: np.dtype[Any], axes: Axes) -> Sink:
    channels = shape[2] if axes == "YXC" else 1
    mode = _WRITTEN[form].get((channels, dtype.name)) if axes in ("YX", "YXC") else None
    if mode is None:
        raise ArgumentError(
            f"out: {aside.target.name}: the result is {dtype}{list(shape)}; a {form} holds {rule}. Convert it in the network "
            "(--clip 0 255 --output-type uint8), or write .npy or .tif"
        )
    return PictureSink(aside, shape, dtype, axes, form, mode)


def create_png(aside: Aside, shape: Sequence[int], dtype: np.dtype[Any], axes: Axes) -> Sink:
    """A PNG: uint8 of 1 to 4 channels, or uint16 gray."""
    return _create("PNG", "uint8 with 1 to 4 channels, or uint16 gray", aside, shape, dtype, axes)


def create_jpeg(aside: Aside, shape: Sequence[int], dtype: np.dtype[Any], axes: Axes) -> Sink:
    """A JPEG: uint8, gray or RGB. Its compression loses a little, as always."""
    return _create("JPEG", "uint8, gray or RGB", aside, shape, dtype, axes)
