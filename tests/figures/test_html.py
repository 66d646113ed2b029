"""The player: one page that asks for nothing, in words for who does not see it; notebooks show it in a frame."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from atrous.figures.figure import Figure
from tests.figures.examples import HOSTILE, deep, hostile, nine_steps, one_row


class Page(HTMLParser):
    """All elements with their attributes, and the text of each title, script and SVG text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[str, list[str]] = {}
        self._open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        if self._open:
            self.texts.setdefault(self._open[-1], []).append(data)

    def of(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


def _page(figure: Figure, folder: Path) -> str:
    (path,) = figure.save(folder / "a.html")
    return path.read_text(encoding="utf-8")


@pytest.mark.parametrize("figure", [nine_steps(), one_row(), deep(), hostile()], ids=lambda figure: figure.name)
def test_nothing_is_asked_of_anybody(figure: Figure, tmp_path: Path) -> None:
    text = _page(figure, tmp_path)
    page = Page(text)
    policies = [meta["content"] for meta in page.of("meta") if meta.get("http-equiv") == "Content-Security-Policy"]
    assert policies == ["default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'"]
    names = {name for _, attributes in page.elements for name in attributes}
    assert not names & {"src", "href", "action", "data", "srcset", "xlink:href", "onclick", "onload"}
    assert re.findall(r"https?://[^\"' ]+", text) == ["http://www.w3.org/2000/svg"]
    assert "@import" not in text
    assert "url(" not in text
    assert len(page.of("script")) == 2


def test_every_step_once_with_its_words(tmp_path: Path) -> None:
    figure = nine_steps()
    text = _page(figure, tmp_path)
    page = Page(text)
    steps = json.loads(page.texts["script"][0])
    assert steps == {"captions": [". ".join(scene.caption) for scene in figure.scenes], "seconds": 1.0}
    for scene in figure.scenes:
        assert text.count(f">{scene.caption[1]}</text>") == 1
    # Where no script runs, the last step shows and no button does.
    for group in (group for group in page.of("g") if "data-steps" in group):
        last = (group["data-steps"] or "").split(" ")[-1].rpartition("-")[2] == "9"
        assert ("visibility" in group) != last
    controls = next(element for element in page.of("div") if element.get("class") == "controls")
    assert "hidden" in controls
    assert len(text.encode()) < 60_000


def test_controls_are_named(tmp_path: Path) -> None:
    page = Page(_page(nine_steps(), tmp_path))
    assert [button["aria-keyshortcuts"] for button in page.of("button")] == ["ArrowLeft", "Space", "ArrowRight"]
    assert page.texts["button"] == ["Previous", "Play", "Next"]
    (scrub,) = page.of("input")
    assert (scrub["type"], scrub["min"], scrub["max"], scrub["aria-label"]) == ("range", "1", "9", "Step")
    assert [paragraph["aria-live"] for paragraph in page.of("p")] == ["polite"]
    assert [html["lang"] for html in page.of("html")] == ["en"]
    (svg,) = page.of("svg")
    assert svg["role"] == "img"


def test_one_step_needs_no_controls(tmp_path: Path) -> None:
    page = Page(_page(nine_steps().step(4), tmp_path))
    assert not page.of("button")
    assert not page.of("script")


def test_words_are_words(tmp_path: Path) -> None:
    page = Page(_page(hostile(), tmp_path))
    assert page.texts["title"][0] == HOSTILE
    assert json.loads(page.texts["script"][0])["captions"][0] == HOSTILE


def test_a_notebook_shows_one_step_as_a_picture() -> None:
    step = nine_steps().step(2)
    assert step._repr_html_() is None
    assert step._repr_svg_() == step.svg()


def test_a_notebook_shows_several_steps_in_a_frame(tmp_path: Path) -> None:
    figure = hostile()
    assert figure._repr_svg_() is None
    shown = figure._repr_html_()
    assert shown is not None
    ((tag, frame),) = Page(shown).elements
    assert tag == "iframe"
    assert frame["title"] == HOSTILE
    assert frame["sandbox"] == "allow-scripts"
    assert frame["srcdoc"] == _page(figure, tmp_path)
