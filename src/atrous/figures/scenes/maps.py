"""Activation maps of a real network on a real image: pictures on one scale, and the receptive field of a unit on the image."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from atrous.errors import ArgumentError
from atrous.figures.colours import coloured
from atrous.figures.pixels import Pixels, shrunk
from atrous.figures.scene import Frame, Part, Picture, Scene
from atrous.figures.text import number, sizes
from atrous.graph.fact import Array

#: Maps on one page and in one row of it; the pixels of the longer side beyond which a picture is shrunk.
MOST, ROW, LARGEST = 64, 8, 160
#: How wide the image and the maps are drawn.
IMAGE, FEW, MANY = 300.0, 200.0, 116.0

Span = tuple[int, int]


def activation_maps(
    maps: Array,
    image: Array | None = None,
    *,
    name: str = "activation maps",
    unit: tuple[int, int, int] | None = None,
    field: tuple[Span, Span] | None = None,
) -> Scene:
    """The maps (K, H, W) of one layer, 64 of them, all on one scale; the image (rows, columns[, 3]), uint8, above them.

    Shown are the first 64, or those among which the unit's map is.

    Maps that are nowhere below zero are gray from 0 (black) to the largest; others go from blue (below) over light (zero) to
    orange (above), evenly to the eye. ``unit`` is one element (map, row, column); it is marked, and so is its receptive
    ``field`` on the image, as half-open spans of rows and columns.

    >>> scene = activation_maps(np.arange(8.0).reshape(2, 2, 2))
    >>> scene.caption
    ('2 of 2 maps of 2×2, from 0 (black) to 7 (white)',)
    """
    if maps.ndim != 3 or not maps.size:
        raise ArgumentError(f"maps: got shape {maps.shape}; activation maps of one input are (K, H, W)")
    count, rows, columns = maps.shape
    _check_unit(unit, maps.shape)
    first = unit[0] // MOST * MOST if unit else 0
    small = np.stack([shrunk(each, LARGEST) for each in maps[first : first + MOST]])
    pixels = coloured(small.reshape(-1, small.shape[2])).reshape(*small.shape, -1)
    caption = [f"{len(small)} of {count} maps of {rows}×{columns}, {_scale(small)}"]
    caption += [f"shrunk to {sizes(small.shape[1:])} for display"] if small.shape[1:] != (rows, columns) else []
    width = FEW if len(small) <= ROW // 2 else MANY
    frames = _frames(unit, field, (rows, columns))
    caption += _told(unit, field)
    parts: list[Part] = [
        Picture(f"map {k}", Pixels.of(np.squeeze(each, -1) if each.shape[-1] == 1 else each), width, f"{k}", frames.get(k, ()))
        for k, each in enumerate(pixels, first)
    ]
    bands = [tuple(parts[i : i + ROW]) for i in range(0, len(parts), ROW)]
    if image is not None:
        bands.insert(0, (_image(image, field, caption),))
    return Scene(f"Activation maps: {name}", tuple(bands), tuple(caption))


def energy_map(energy: Array, first: tuple[int, int], name: str) -> Scene:
    """The energy (rows, columns) of one output's gradient, each input's share of it; element (0, 0) is the input ``first``.

    >>> energy_map(np.array([[0.25, 0.75]]), (0, -1), "conv2").caption[0]
    'rows 0 to 0 and columns -1 to 0 of the input, from 0 (black) to 75 % of the energy (white)'
    """
    (rows, columns), (top, left) = energy.shape, first
    span = f"rows {top} to {top + rows - 1} and columns {left} to {left + columns - 1} of the input"
    most = f"{100 * float(energy.max()):.3g} % of the energy (white)"
    small = shrunk(energy, LARGEST)
    caption = [f"{span}, from 0 (black) to {most}"]
    caption += [f"shrunk to {sizes(small.shape)} for display"] if small.shape != energy.shape else []
    picture = Picture("energy", Pixels.of(coloured(small, energy)), IMAGE, "")
    return Scene(f"Where one output of {name} looks: its effective receptive field", ((picture,),), tuple(caption))


def _scale(drawn: Array) -> str:
    """What the colours stand for: the ends of what is drawn, which is what they were chosen by."""
    finite = drawn[np.isfinite(drawn)]
    least, most = float(finite.min(initial=0.0)), float(finite.max(initial=0.0))
    told = f"from {number(least)} (blue) over 0 to {number(most)}" if least < 0 else f"from 0 (black) to {number(most)} (white)"
    odd = drawn.size - finite.size
    return told + (f", {odd} not finite and drawn as 0" if odd else "")


def _check_unit(unit: tuple[int, int, int] | None, shape: Sequence[int]) -> None:
    if unit is not None and not all(0 <= at < size for at, size in zip(unit, shape, strict=True)):
        raise ArgumentError(f"unit: got {unit}; the maps are {sizes(shape)}, counted from 0")


def _image(image: Array, field: tuple[Span, Span] | None, caption: list[str]) -> Picture:
    rows, columns = image.shape[:2]
    small = shrunk(image, round(IMAGE * 2))
    if small.shape[:2] != (rows, columns):
        caption.append(f"the image of {rows}×{columns} is shrunk to {sizes(small.shape[:2])} for display")
    frames: tuple[Frame, ...] = ()
    if field is not None:
        (top, bottom), (left, right) = field
        clipped = (max(0, top) / rows, max(0, left) / columns, min(rows, bottom) / rows, min(columns, right) / columns)
        frames = (Frame(*clipped),)
    return Picture("image", Pixels.of(small), IMAGE, f"image {rows}×{columns}", frames)


def _frames(unit: tuple[int, int, int] | None, field: object, size: Sequence[int]) -> dict[int, tuple[Frame, ...]]:
    """The frame of the unit, by the map that it is on."""
    if unit is None:
        return {}
    (k, row, column), (rows, columns) = unit, size
    return {k: (Frame(row / rows, column / columns, (row + 1) / rows, (column + 1) / columns),)}


def _told(unit: tuple[int, int, int] | None, field: tuple[Span, Span] | None) -> list[str]:
    if unit is None or field is None:
        return []
    (top, bottom), (left, right) = field
    return [f"unit ({unit[1]}, {unit[2]}) of map {unit[0]} sees rows {top} to {bottom - 1} and columns {left} to {right - 1}"]
