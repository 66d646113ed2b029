"""The font of figures: DejaVu Sans, cut by ``docs/subset_font.py`` to what figures write, with the widths of its letters."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType

from atrous.errors import ArgumentError

#: The font's own units: as many as its size.
UNITS = 2048


def font_file(*, bold: bool) -> Path:
    """The TrueType file of a weight."""
    return Path(__file__).parent / ("DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf")


@cache
def letter_widths(*, bold: bool) -> Mapping[str, int]:
    """How wide each letter is that the font has, in units of 1/2048 of its size; there is no kerning.

    >>> letter_widths(bold=False)["m"], letter_widths(bold=True)["m"]
    (1995, 2134)
    """
    table = json.loads((Path(__file__).parent / "widths.json").read_text(encoding="utf-8"))
    return MappingProxyType(table["bold" if bold else "regular"])


def drawable(text: str) -> str:
    """The text, if the font has all its letters; ``ArgumentError`` names those that it lacks."""
    missing = sorted(set(text).difference(letter_widths(bold=False)))
    if missing:
        named = ", ".join(f"{letter!r} (U+{ord(letter):04X})" for letter in missing)
        raise ArgumentError(
            f"text: {text!r} holds {named}, which the font of images and PDF lacks (it has Latin and Greek letters and the "
            "signs of the field); leave it out, or write .svg or .html, which readers show in a font of theirs"
        )
    return text
