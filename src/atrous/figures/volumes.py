"""Volumes: channels behind each other, drawn as a box that recedes to the upper right."""

from __future__ import annotations

from collections.abc import Iterator
from math import log2

from atrous.figures.drawing import Label, Layer, Mark, Path, Rect, text_width
from atrous.figures.scene import Volume
from atrous.figures.size import Size
from atrous.figures.style import Ink
from atrous.figures.text import shortened, sizes

#: More lines than this between channels cannot be told apart.
MOST_LINES = 12
#: Nor those that are nearer to each other than this, in pixels.
NEAREST = 3.0


def extrude(
    x: float, y: float, width: float, height: float, dx: float, dy: float, channels: int, layer: Layer
) -> Iterator[Mark]:
    """The top and the right side of a box, with a line between channels where they are few."""
    right, bottom = x + width, y + height
    yield Path(((x, y), (right, y), (right + dx, y - dy), (x + dx, y - dy)), Ink.TOP, layer, closed=True)
    yield Path(((right, y), (right, bottom), (right + dx, bottom - dy), (right + dx, y - dy)), Ink.SIDE, layer, closed=True)
    if channels > MOST_LINES or dx < NEAREST * channels:
        return
    for i in range(1, channels):
        u, v = dx * i / channels, dy * i / channels
        yield Path(((x + u, y - v), (right + u, y - v), (right + u, bottom - v)), Ink.LINK, layer)


def _box(volume: Volume) -> tuple[float, float, float, float]:
    """(width, height, dx, dy): maps by the root of their size, channels by their logarithm, as both range widely."""
    height, width = (9 * side**0.5 + 4 for side in (volume.rows, volume.columns))
    deep = 4 + 5 * log2(volume.channels)
    return width, height, deep, 0.6 * deep


def volume_size(volume: Volume) -> Size:
    """The box, and below it the lines that name it."""
    width, height, dx, dy = _box(volume)
    words = max(text_width(shortened(volume.name), 12), text_width(_sizes(volume), 13))
    return Size(max(width + dx, words), height + 44, dy)


def _sizes(volume: Volume) -> str:
    return sizes((volume.channels, volume.rows, volume.columns))


def volume_marks(volume: Volume, x: float, y: float) -> Iterator[Mark]:
    """The box from its upper left front corner, and its name and size below."""
    width, height, dx, dy = _box(volume)
    middle = x + volume_size(volume).width / 2
    left = middle - (width + dx) / 2
    yield from extrude(left, y, width, height, dx, dy, volume.channels, Layer.GROUND)
    yield Rect(left, y, width, height, volume.state, Layer.CELLS)
    yield Label(middle, y + height + 16, _sizes(volume), 13, Ink.TEXT)
    yield Label(middle, y + height + 34, shortened(volume.name), 12, Ink.FAINT)
