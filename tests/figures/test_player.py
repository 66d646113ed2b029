"""The player in a browser: buttons, keys, the slider, reduced motion, accessibility."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.figures.examples import hostile, nine_steps


@pytest.fixture
def page(browser: Any) -> Iterator[Any]:
    """A page of a browser that is told of every request and every error."""
    opened = browser.new_page(viewport={"width": 800, "height": 700})
    opened.asked, opened.wrong = [], []
    opened.on("request", lambda request: opened.asked.append(request.url))
    opened.on("pageerror", lambda error: opened.wrong.append(str(error)))
    opened.on("console", lambda message: opened.wrong.append(message.text))
    yield opened
    opened.close()


def _step(page: Any) -> int:
    """The step whose caption shows, from what is visible in the drawing, not from what the player says."""
    seen = page.evaluate(
        "() => [...document.querySelectorAll('svg text')]"
        ".filter(text => getComputedStyle(text).visibility === 'visible').map(text => text.textContent)"
    )
    found = [i for i, scene in enumerate(nine_steps().scenes, 1) if scene.caption[0] in seen]
    assert len(found) == 1
    caption = nine_steps().scenes[found[0] - 1].caption
    assert page.inner_text("#at") == f"{found[0]} / 9"
    assert page.text_content("#said") == ". ".join(caption)
    assert page.input_value("#scrub") == str(found[0])
    return found[0]


def test_buttons_keys_and_slider(page: Any, tmp_path: Path) -> None:
    (path,) = nine_steps().save(tmp_path / "a.html")
    page.goto(path.as_uri())
    assert _step(page) == 1
    assert page.is_disabled("#back")
    page.click("#next")
    assert _step(page) == 2
    for key, step in (("ArrowRight", 3), ("End", 9), ("ArrowRight", 9), ("ArrowLeft", 8), ("Home", 1)):
        page.keyboard.press(key)
        assert _step(page) == step
    page.fill("#scrub", "6")
    assert _step(page) == 6
    page.focus("#scrub")
    page.keyboard.press("ArrowRight")
    assert _step(page) == 7
    page.goto(path.as_uri() + "#4")
    page.reload()
    assert _step(page) == 4
    assert {url.partition("#")[0] for url in page.asked} == {path.as_uri()}
    assert page.wrong == []


def test_it_plays_to_the_end(page: Any, tmp_path: Path) -> None:
    (path,) = replace(nine_steps(), seconds=0.05).save(tmp_path / "a.html")
    page.goto(path.as_uri() + "#7")
    page.keyboard.press("Space")
    assert page.get_attribute("#said", "aria-live") == "off"
    page.locator("#play", has_text="Play").wait_for()
    assert _step(page) == 9
    assert page.get_attribute("#said", "aria-live") == "polite"


def test_nothing_moves_for_who_wants_it_so(page: Any, tmp_path: Path) -> None:
    (path,) = nine_steps().save(tmp_path / "a.html")
    page.emulate_media(reduced_motion="reduce")
    page.goto(path.as_uri())
    assert page.is_hidden("#play")
    page.keyboard.press("ArrowRight")
    assert _step(page) == 2


def test_words_stay_words(page: Any, tmp_path: Path) -> None:
    (path,) = hostile().save(tmp_path / "a.html")
    page.on("dialog", lambda dialog: page.wrong.append(dialog.message))
    page.goto(path.as_uri())
    page.set_content(hostile()._repr_html_())
    assert page.frame_locator("iframe").locator("#at").inner_text() == "1 / 2"
    assert page.wrong == []


def test_accessible(page: Any, tmp_path: Path) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe-playwright-python is not installed")
    for style in ("light", "dark", "colour-safe", "print"):
        (path,) = nine_steps().styled(style).save(tmp_path / f"{style}.html")
        page.goto(path.as_uri())
        found = axe.Axe().run(page).response["violations"]
        assert [(rule["id"], [node["html"] for node in rule["nodes"]]) for rule in found] == []
