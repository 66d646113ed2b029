"""Drawings as pixels, with Pillow: drawn larger than they are and reduced, so that edges are smooth."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from itertools import pairwise
from math import hypot
from typing import TYPE_CHECKING

from atrous.errors import ArgumentError
from atrous.figures.drawing import Anchor, Drawing, Label, Path, Rect, fitted
from atrous.figures.drawing import Image as Picture
from atrous.figures.fonts import drawable, font_file
from atrous.figures.frames import Frames
from atrous.figures.palette import with_palette
from atrous.figures.style import Paint, Style

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageDraw import ImageDraw
    from PIL.ImageFont import FreeTypeFont

#: How many times larger a drawing is drawn in each direction before it is reduced.
FINER = 3
#: Of all steps together; each takes about ten bytes while a file is made.
MOST_PIXELS = 300_000_000
Point = tuple[float, float]
_ANCHOR = {Anchor.START: "ls", Anchor.MIDDLE: "ms", Anchor.END: "rs"}


def to_images(frames: Frames) -> list[Image]:
    """All steps as images of one palette; ``ArgumentError`` for more pixels than memory should hold."""
    first = frames.drawings[0]
    pixels = round(len(frames.drawings) * first.width * first.height * frames.scale**2)
    if pixels > MOST_PIXELS:
        raise ArgumentError(
            f"scale: {len(frames.drawings)} steps of {first.width} x {first.height} at scale {frames.scale:g} are {pixels:,} "
            f"pixels, more than {MOST_PIXELS:,}; choose a smaller scale or fewer steps, or write .svg, .html or .pdf"
        )
    return with_palette([to_image(drawing, frames.style, frames.scale) for drawing in frames.drawings])


def to_image(drawing: Drawing, style: Style, scale: float) -> Image:
    """An RGB image of ``scale`` pixels per unit of the drawing."""
    import PIL.Image
    import PIL.ImageDraw

    k = scale * FINER
    width, height = (max(1, round(side * scale)) * FINER for side in (drawing.width, drawing.height))
    image = PIL.Image.new("RGB", (width, height), style.paper)
    canvas = PIL.ImageDraw.Draw(image)
    for mark in drawing.marks:
        paint = style.paint(mark.role)
        if isinstance(mark, Rect):
            _rect(canvas, mark, paint, k)
        elif isinstance(mark, Path):
            _path(canvas, mark, paint, k)
        elif isinstance(mark, Picture):
            size = (max(1, round(mark.width * k)), max(1, round(mark.height * k)))
            image.paste(mark.pixels.image().resize(size, PIL.Image.Resampling.NEAREST), (round(mark.x * k), round(mark.y * k)))
        else:
            _label(canvas, mark, paint, style, k)
    return image.reduce(FINER)


def _rect(canvas: ImageDraw, mark: Rect, paint: Paint, k: float) -> None:
    half = paint.width / 2 if paint.stroke and not paint.dash else 0.0
    lo, hi = (mark.x - half, mark.y - half), (mark.x + mark.width + half, mark.y + mark.height + half)
    # Pillow's rectangles hold their last pixel, and their outlines lie inside of them.
    box = (round(lo[0] * k), round(lo[1] * k), round(hi[0] * k) - 1, round(hi[1] * k) - 1)
    if half:
        canvas.rectangle(box, paint.fill or None, paint.stroke, _thick(paint, k))
    elif paint.fill:
        canvas.rectangle(box, paint.fill)
    if paint.stroke and paint.dash:
        dash = fitted(paint.dash, mark.width)
        x, y, right, bottom = mark.x, mark.y, mark.x + mark.width, mark.y + mark.height
        corners = ((x, y), (right, y), (right, bottom), (x, bottom), (x, y))
        for piece in dashes(corners, dash, dash / 2):
            _line(canvas, piece, paint, k)


def _path(canvas: ImageDraw, mark: Path, paint: Paint, k: float) -> None:
    points = (*mark.points, *mark.points[:2]) if mark.closed else mark.points
    if mark.closed and paint.fill:
        canvas.polygon([(x * k, y * k) for x, y in mark.points], paint.fill)
    if paint.stroke:
        for piece in dashes(points[: len(mark.points) + mark.closed], paint.dash) if paint.dash else (points,):
            _line(canvas, piece, paint, k)


def _line(canvas: ImageDraw, points: Sequence[Point], paint: Paint, k: float) -> None:
    canvas.line([(x * k, y * k) for x, y in points], paint.stroke, _thick(paint, k), joint="curve")


def _label(canvas: ImageDraw, mark: Label, paint: Paint, style: Style, k: float) -> None:
    at, font = (mark.x * k, mark.baseline * k), _font(mark.bold, mark.size * k)
    rim = round(2 * k) if mark.rim else 0
    if rim:
        canvas.text(at, drawable(mark.text), style.paper, font, _ANCHOR[mark.anchor], stroke_width=rim)
    canvas.text(at, drawable(mark.text), paint.letters, font, _ANCHOR[mark.anchor])


def _thick(paint: Paint, k: float) -> int:
    return max(1, round(paint.width * k))


@cache
def _font(bold: bool, size: float) -> FreeTypeFont:
    import PIL.ImageFont

    # The basic layout, not that of a library that may be there or not: pictures are the same everywhere.
    return PIL.ImageFont.truetype(str(font_file(bold=bold)), size, layout_engine=PIL.ImageFont.Layout.BASIC)


def dashes(points: Sequence[Point], dash: float, skipped: float = 0.0) -> Iterator[tuple[Point, Point]]:
    """The straight pieces of a dashed line, gaps as long as dashes; the first dash is shorter by ``skipped``.

    >>> list(dashes([(0, 0), (10, 0)], 4))
    [((0.0, 0.0), (4.0, 0.0)), ((8.0, 0.0), (10.0, 0.0))]
    """
    phase = skipped % (2 * dash)
    for (x, y), (u, v) in pairwise(points):
        length = hypot(u - x, v - y)
        start = -phase
        while start < length:
            lo, hi = max(start, 0.0) / length, min(start + dash, length) / length
            if hi > lo:
                yield (x + (u - x) * lo, y + (v - y) * lo), (x + (u - x) * hi, y + (v - y) * hi)
            start += 2 * dash
        phase = (phase + length) % (2 * dash)
