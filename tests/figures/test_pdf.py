"""PDF: one page a step, as large as the drawing, with embedded fonts, and the same picture as the image."""

from __future__ import annotations

import builtins
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pypdfium2
import pytest

from atrous.errors import ArgumentError
from atrous.figures.figure import Figure
from atrous.figures.raster import to_image
from tests.figures.examples import HOSTILE, deep, hostile, nine_steps, one_row


def _save(figure: Figure, folder: Path) -> Path:
    (path,) = figure.save(folder / "a.pdf")
    return path


def test_pages_and_what_they_say(tmp_path: Path) -> None:
    figure = nine_steps()
    path = _save(figure, tmp_path)
    with pypdfium2.PdfDocument(path) as document:
        assert len(document) == 9
        assert document.get_metadata_dict()["Title"] == figure.scenes[0].title
        for page, scene, drawing in zip(document, figure.scenes, figure.drawings(), strict=True):
            assert page.get_size() == (0.75 * drawing.width, 0.75 * drawing.height)
            assert scene.caption[1] in page.get_textpage().get_text_bounded()
    assert path.stat().st_size < 60_000


def test_fonts_are_embedded_and_no_date_is_kept(tmp_path: Path) -> None:
    data = _save(nine_steps(), tmp_path).read_bytes()
    assert data.count(b"/FontFile2") == data.count(b"/Subtype /TrueType") == 2
    assert b"/Type1" not in data
    assert b"/CreationDate (D:20000101000000+00'00')" in data


@pytest.mark.parametrize("figure", [nine_steps(), one_row(), deep()], ids=lambda figure: figure.name)
@pytest.mark.parametrize("style", ["light", "dark"])
def test_the_same_picture_as_the_image(figure: Figure, style: str, tmp_path: Path) -> None:
    step = figure.step(2).styled(style)
    with pypdfium2.PdfDocument(_save(step, tmp_path)) as document:
        found = np.asarray(document[0].render(scale=2 / 0.75).to_pil().convert("L")).astype(float)
    asked = np.asarray(to_image(step.drawings()[0], step.style, 2.0).convert("L")).astype(float)
    assert found.shape == asked.shape
    # Averages over squares of 32 pixels: a missing letter counts, how edges are smoothed does not.
    rows, columns = (side // 32 for side in found.shape)
    apart = (found - asked)[: rows * 32, : columns * 32].reshape(rows, 32, columns, 32).mean(axis=(1, 3))
    assert np.abs(apart).max() < 16


def test_words_are_words(tmp_path: Path) -> None:
    with pypdfium2.PdfDocument(_save(hostile(), tmp_path)) as document:
        assert document.get_metadata_dict()["Title"] == HOSTILE
        assert HOSTILE in document[0].get_textpage().get_text_bounded()


def test_other_letters_are_told(tmp_path: Path) -> None:
    scene = replace(nine_steps().scenes[0], title="a\nb")
    with pytest.raises(ArgumentError, match=r"^text: 'a\\nb' holds '\\n' \(U\+000A\), which the font of images and PDF lacks"):
        _save(Figure("a", (scene,)), tmp_path)


def test_without_reportlab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    there = builtins.__import__

    def absent(name: str, *rest: Any, **named: Any) -> Any:
        if name.startswith("reportlab"):
            raise ModuleNotFoundError("No module named 'reportlab'")
        return there(name, *rest, **named)

    monkeypatch.setattr(builtins, "__import__", absent)
    message = r"^path: PDF is written .* \(No module named 'reportlab'\); pip install 'atrous\[figures\]', or write \.svg$"
    with pytest.raises(ArgumentError, match=message):
        _save(nine_steps(), tmp_path)
