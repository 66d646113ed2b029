"""Animated SVG: shared marks once, each step in its turn, the last one where nothing moves."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

from atrous.figures.drawing import Label, level
from atrous.figures.figure import Figure
from atrous.figures.film import sheets
from tests.figures.examples import deep, hostile, nine_steps, one_row

SVG = "{http://www.w3.org/2000/svg}"


def _animated(folder: Path, figure: Figure | None = None) -> str:
    (path,) = (figure or nine_steps()).save(folder / "a.svg")
    return path.read_text(encoding="utf-8")


def _visible(text: str, seconds: float) -> dict[str, list[bool]]:
    """For each class, whether it is visible in the middle of each of nine steps, as CSS defines step-end."""
    found = {}
    total = seconds * 8 + 2.5 * seconds
    for name, frames in re.findall(r"@keyframes ([\w-]+)\{(.*?\})\}", text):
        turns = [(float(at), state == "visible") for at, state in re.findall(r"([\d.]+)%\{visibility:(\w+)\}", frames)]
        middles = [100 * seconds * (i + 0.5) / total for i in range(9)]
        found[name] = [[on for at, on in turns if at <= middle][-1] for middle in middles]
    return found


def test_every_step_shows_its_own_words(tmp_path: Path) -> None:
    figure = replace(nine_steps(), seconds=0.5)
    text = _animated(tmp_path, figure)
    assert "animation:" not in text.replace("5.25s step-end infinite", "").replace("animation:f", "")
    visible = _visible(text, 0.5)
    groups = [group for group in ElementTree.fromstring(text).findall(f"{SVG}g") if group.get("class")]
    for i, drawing in enumerate(figure.drawings()):
        words = {mark.text for mark in drawing.marks if isinstance(mark, Label)}
        own = [group for group in groups if visible[group.get("class", "")][i]]
        shown = {element.text for group in own for element in group.iter(f"{SVG}text")}
        assert shown <= words
        assert set(figure.scenes[i].caption) <= shown


def test_the_last_step_shows_where_nothing_moves(tmp_path: Path) -> None:
    text = _animated(tmp_path)
    assert "<style>@media (prefers-reduced-motion:no-preference){" in text
    visible = _visible(text, 1.0)
    root = ElementTree.fromstring(text)
    for group in root.findall(f"{SVG}g[@class]"):
        assert (group.get("visibility") == "hidden") != visible[group.get("class", "")][8]
    assert root.findtext(f"{SVG}desc", "").startswith("9 steps, one after the other. The last: step 9 of 9")


def test_every_mark_is_written_once(tmp_path: Path) -> None:
    figure = nine_steps()
    text = _animated(tmp_path)
    for scene in figure.scenes:
        assert text.count(f">{scene.caption[0]}<") == 1
    assert text.count(f">{figure.scenes[0].title}</text>") == 1
    assert len(text.encode()) < min(60_000, 0.75 * sum(len(figure.step(i + 1).svg().encode()) for i in range(9)))


def test_two_figures_on_a_page_do_not_mix(tmp_path: Path) -> None:
    names = set()
    for figure in (nine_steps(), one_row()):
        (path,) = figure.save(tmp_path / f"{figure.name}.svg")
        names |= set(re.findall(r"@keyframes (\w+)-", path.read_text(encoding="utf-8")))
    assert len(names) == 2


def test_no_mark_is_lost() -> None:
    for figure in (nine_steps(), one_row(), deep(), hostile()):
        drawings = figure.drawings()
        found = list(sheets(drawings))
        for i, drawing in enumerate(drawings, 1):
            marks = [mark for sheet in found if i in sheet.steps for mark in sheet.marks]
            assert set(marks) == set(drawing.marks)
            assert [level(mark) for mark in marks] == sorted(level(mark) for mark in marks)
