"""PNG: one image a step; several steps are numbered files, in the order in which a folder lists them."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from atrous.figures.drawing import Drawing
from atrous.figures.frames import Frames
from atrous.figures.raster import to_images
from atrous.figures.svg import printable

if TYPE_CHECKING:
    from PIL.Image import Image


def write_png(frames: Frames, path: Path) -> dict[Path, bytes]:
    """The image of one step under this name; of several, ``name-1.png`` and so on."""
    count = len(frames.drawings)
    numbers = [f"-{i:0{len(str(count))}}" if count > 1 else "" for i in range(1, count + 1)]
    images = to_images(frames)
    return {
        path.with_name(f"{path.stem}{number}{path.suffix}"): _png(image, drawing, 96 * frames.scale)
        for number, image, drawing in zip(numbers, images, frames.drawings, strict=True)
    }


def _png(image: Image, drawing: Drawing, dots: float) -> bytes:
    from PIL.PngImagePlugin import PngInfo

    told = PngInfo()
    told.add_itxt("Title", printable(drawing.title))
    told.add_itxt("Description", printable(drawing.description))
    file = BytesIO()
    image.save(file, "PNG", compress_level=6, pnginfo=told, dpi=(dots, dots))
    return file.getvalue()
