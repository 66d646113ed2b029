"""The page in a browser, set to a state by its link, and what stands on it as numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import numpy as np

_SHOW = """async ([link, id]) => {
  const go = (hash) => new Promise((done) => {
    addEventListener("hashchange", done, { once: true });
    location.hash = hash;
  });
  // the link that is there already is news again after another one
  if (location.hash === link) await go("#elsewhere");
  await go(link);
  const section = document.getElementById(id);
  const text = (selector) => section.querySelector(selector)?.innerText ?? "";
  const cell = (each) => ({ key: each.dataset.key, kind: each.getAttribute("class"), value: each.dataset.value ?? null });
  const fact = (row) => [row.children[0].innerText, row.children[1].innerText];
  return {
    cells: [...section.querySelectorAll(".cell[data-key]")].map(cell),
    facts: Object.fromEntries([...section.querySelectorAll(".facts > div")].map(fact)),
    said: text(".said"), refusal: text(".refusal"), step: text(".step-text"),
    code: [...section.querySelectorAll(".code pre")].map((pre) => pre.textContent),
  };
}"""


@dataclass(frozen=True)
class Shown:
    """One scene as it stands on the page."""

    cells: list[dict[str, Any]]
    facts: dict[str, str]
    said: str
    refusal: str
    step: str
    code: list[str]

    def array(self, name: str) -> np.ndarray[Any, Any]:
        """The numbers of the cells called ``name``; padding and what is still to come are left out."""
        found = {
            tuple(map(int, cell["key"].split(":")[1].split("."))): cell
            for cell in self.cells
            if cell["key"].startswith(f"{name}:")
        }
        numbers = {at: float(cell["value"]) for at, cell in found.items() if cell["value"] is not None}
        array = np.full(tuple(max(axis) + 1 for axis in zip(*numbers, strict=True)), np.nan)
        for at, number in numbers.items():
            array[at] = number
        return array

    def kinds(self, name: str, kind: str) -> set[tuple[int, ...]]:
        """The cells called ``name`` that are of a kind."""
        chosen = (cell["key"] for cell in self.cells if cell["key"].startswith(f"{name}:") and kind in cell["kind"].split())
        return {tuple(map(int, key.split(":")[1].split("."))) for key in chosen}


def fragment(scene: str, **state: object) -> str:
    """The share link's fragment that shows a scene in a state."""
    return f"#v=1&at={scene}" + "".join(f"&{scene}.{key}={quote(str(value), safe=',:+')}" for key, value in state.items())


def until(page: Any, program: str, seconds: float = 10) -> None:
    """Wait until an expression is true; Playwright's own waiting evaluates text, which the page's policy forbids."""
    for _ in range(int(seconds * 50)):
        if page.evaluate(program):
            return
        page.wait_for_timeout(20)
    raise AssertionError(f"never came true: {program}")


def show(page: Any, scene: str, **state: object) -> Shown:
    """Set a scene by its link, and read it."""
    return Shown(**page.evaluate(_SHOW, [fragment(scene, **state), scene]))
