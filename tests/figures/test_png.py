"""PNG: one file a step, in true colours, with words for who does not see it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from atrous.errors import ArgumentError
from atrous.figures.drawing import Anchor, Drawing, Label, Rect, text_width
from atrous.figures.drawing import Path as Line
from atrous.figures.fonts import letter_widths
from atrous.figures.raster import dashes, to_image
from atrous.figures.scene import State
from atrous.figures.style import LIGHT, Ink
from tests.figures.examples import deep, nine_steps


def test_one_step_is_one_file(tmp_path: Path) -> None:
    figure = nine_steps().step(5)
    (path,) = figure.save(tmp_path / "a.png")
    assert path == tmp_path / "a.png"
    drawing = figure.drawings()[0]
    with PIL.Image.open(path) as image:
        assert image.size == (2 * drawing.width, 2 * drawing.height)
        assert image.info["Title"] == drawing.title
        assert image.info["Description"] == drawing.description
        assert image.info["dpi"] == pytest.approx((192, 192), abs=0.1)
    assert path.stat().st_size < 60_000


def test_several_steps_are_numbered(tmp_path: Path) -> None:
    assert [path.name for path in replace(nine_steps(), scale=0.5).save(tmp_path / "a.png")] == [
        f"a-{i}.png" for i in range(1, 10)
    ]
    names = [path.name for path in replace(deep(), scale=0.25).save(tmp_path / "b.png")]
    assert names[0] == "b-01.png"
    assert names == sorted(path.name for path in tmp_path.glob("b-*"))


def test_areas_and_lines_are_where_they_should_be() -> None:
    marks = [
        Rect(10, 10, 20, 20, State.SIGNAL),
        Line(((40, 10), (60, 10), (60, 30)), Ink.FRONT, closed=True),
        Rect(70, 10, 12, 12, State.PADDING),
    ]
    image = np.asarray(to_image(Drawing.of(100, 40, marks, "t"), LIGHT, 2))
    assert image.shape == (80, 200, 3)

    def at(x: float, y: float) -> str:
        return "#" + bytes(image[round(2 * y), round(2 * x)]).hex()

    assert at(20, 20) == at(55, 14) == LIGHT.paint(State.SIGNAL).fill
    assert at(2, 2) == at(45, 25) == LIGHT.paper
    assert at(76, 16) == LIGHT.paint(State.PADDING).fill
    line = LIGHT.paint(State.SIGNAL).stroke
    assert [at(20, 9.5), at(20, 29.5), at(9.5, 20), at(29.5, 20)] == [line] * 4
    assert at(71, 9.5) != at(73, 9.5)


def test_dashes_of_neighbours_meet() -> None:
    """Both cells draw the edge that they share, in opposite directions: the same pieces, not each other's gaps."""
    down = {tuple(round(y, 6) for _, y in piece) for piece in dashes(((0, 0), (0, 42)), 3, 1.5)}
    up = {tuple(sorted(round(y, 6) for _, y in piece)) for piece in dashes(((0, 42), (0, 0)), 3, 1.5)}
    assert down == up
    assert min(down) == (0, 1.5)
    assert max(down) == (40.5, 42)


@pytest.mark.parametrize("bold", [False, True])
def test_lines_of_text_are_as_wide_as_said(bold: bool) -> None:
    for text in ("step 5 of 9: output (1, 1)", "3·1 + 0·(−1) = 13", "10¹² × Σ"):
        width = text_width(text, 20, bold)
        drawing = Drawing.of(width + 100, 40, [Label(50, 20, text, 20, Ink.TEXT, Anchor.START, bold)], "t")
        dark = np.asarray(to_image(drawing, LIGHT, 2).convert("L")).min(axis=0) < 128
        found = np.flatnonzero(dark)
        # Letters have a little room at their sides, which belongs to their width.
        assert 50 <= found[0] / 2 <= 54
        assert width + 50 - 4 <= found[-1] / 2 <= width + 50 + 1


def test_the_font_has_what_the_field_writes() -> None:
    needed = set("×·−–—…Σ⊗→≈≤≥⁰¹²³⁴⁵⁶⁷⁸⁹₀₁₂₃₄₅₆₇₈₉αβγσθΔΩé⌊⌋⟨⟩")
    for bold in (False, True):
        assert needed | set(map(chr, range(0x20, 0x7F))) <= set(letter_widths(bold=bold))


def test_other_letters_are_told(tmp_path: Path) -> None:
    figure = nine_steps()
    scene = replace(figure.scenes[0], title="卷积")
    with pytest.raises(
        ArgumentError, match=r"^text: '卷积' holds '卷' \(U\+5377\), '积' \(U\+79EF\), which .* write \.svg or \.html"
    ):
        replace(figure, scenes=(scene,)).save(tmp_path / "a.png")
    assert not list(tmp_path.iterdir())
    assert "卷积" in replace(figure, scenes=(scene,)).svg()


def test_more_pixels_than_memory_should_hold(tmp_path: Path) -> None:
    figure = replace(nine_steps(), scale=8)
    many = replace(figure, scenes=figure.scenes * 2)
    with pytest.raises(
        ArgumentError, match=r"^scale: 18 steps of 706 x \d+ at scale 8 are [\d,]+ pixels, more than 300,000,000"
    ):
        many.save(tmp_path / "a.png")
