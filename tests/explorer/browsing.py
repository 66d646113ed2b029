"""A browser's tab for the tests, and the questions that they ask of a page in it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from atrous.explorer.page import page


@dataclass
class Tab:
    """One page in a browser. ``problems`` are errors of its console, and requests that left this machine."""

    page: Any
    problems: list[str] = field(default_factory=list)
    address: str = ""

    def open(self, address: str) -> None:
        self.address = address
        self.page.goto(address)

    def go(self, scene: str, **state: object) -> None:
        """Show one scene in a state, as a share link does; the other scenes are as at first."""
        pairs = "".join(f"&{scene}.{key}={quote(str(value))}" for key, value in state.items())
        # by way of another address, so that the same one again is news too
        self.page.evaluate("link => { location.hash = 'elsewhere'; location.hash = link; }", f"v=1&at={scene}{pairs}")
        self.page.evaluate("() => new Promise((done) => requestAnimationFrame(() => setTimeout(done, 0)))")

    def facts(self, scene: str) -> dict[str, str]:
        """The numbers beside a scene."""
        program = """id => Object.fromEntries([...document.querySelectorAll(`#${id} .facts > div`)]
            .map((row) => [row.querySelector("dt").textContent, row.querySelector("dd").textContent]))"""
        return dict(self.page.evaluate(program, scene))

    def said(self, scene: str) -> str:
        return str(self.page.locator(f"#{scene} .said").inner_text())

    def refusal(self, scene: str) -> str:
        """What stands in the place of a picture, empty where the picture is there."""
        found = self.page.locator(f"#{scene} .refusal")
        return str(found.inner_text()) if found.count() else ""

    def trouble(self) -> list[str]:
        return self.problems


@contextmanager
def new_tab(browser: Any, width: int = 1280, **options: Any) -> Iterator[Tab]:
    """A tab of its own, with nothing that another one left."""
    tab = Tab(browser.new_page(viewport={"width": width, "height": 900}, **options))
    tab.page.set_default_timeout(15000)
    tab.page.on("console", lambda message: message.type in ("error", "warning") and tab.problems.append(message.text))
    tab.page.on("pageerror", lambda error: tab.problems.append(str(error)))
    tab.page.on("request", lambda request: _watch(tab, request.url))
    try:
        yield tab
    finally:
        tab.page.close()


def _watch(tab: Tab, address: str) -> None:
    parts = urlsplit(address)
    if parts.scheme not in ("file", "data", "blob", "about") and parts.hostname != "127.0.0.1":
        tab.problems.append(f"a request to {address}")


def page_file(folder: Path) -> str:
    """The exported page as a file, by its address."""
    path = folder / "page.html"
    path.write_text(page(), encoding="utf-8")
    return path.as_uri()
