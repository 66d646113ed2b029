"""Each formula in JavaScript against what ``geometry`` calculates, and no formula anywhere else on the page."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

import atrous.explorer
from atrous.explorer.link import linked
from atrous.geometry import Window

from .vectors import as_given, vectors

SCRIPTS = Path(atrous.explorer.__file__).parent / "page" / "js"
#: Formulas that are text; they end with the number that they calculate.
TEXTS = {"outputFormula", "extentFormula", "lacking"}
#: The modules that may calculate with sizes, all of them held against geometry.
FORMULAS = {"geometry.js", "stack_geometry.js"}

_EXPORT = re.compile(r"^export (?:const|function) (\w+)", re.MULTILINE)
_CALLS = """(calls) => {
  const plain = (_, each) => (typeof each === "bigint" ? `big ${each}` : each);
  return JSON.parse(JSON.stringify(calls.map(([name, given]) => geometry_js[name](...given)), plain));
}"""


@pytest.fixture(scope="module")
def calculate(browser: Any) -> Any:
    """Calls many functions of ``geometry.js`` at once."""
    page = browser.new_page()
    page.add_script_tag(content=linked(["geometry.js"], lambda path: (SCRIPTS / path).read_text(encoding="utf-8")))
    yield lambda calls: page.evaluate(_CALLS, calls)
    page.close()


def plain(value: Any) -> Any:
    """A result with its big integers as numbers."""
    if isinstance(value, dict):
        return {name: plain(each) for name, each in value.items()}
    if isinstance(value, list):
        return [plain(each) for each in value]
    return int(value[4:]) if isinstance(value, str) and value.startswith("big ") else value


def test_the_formulas_agree_with_geometry(calculate: Any) -> None:
    wanted = json.loads(json.dumps([[each.name, each.arguments, each.wanted] for each in vectors(3)]))
    seen = calculate([call[:2] for call in wanted])
    wrong = [(call, plain(result)) for call, result in zip(wanted, seen, strict=True) if plain(result) != call[2]]
    assert not wrong, wrong[:5]


def test_each_formula_has_vectors() -> None:
    exported = set(_EXPORT.findall((SCRIPTS / "geometry.js").read_text(encoding="utf-8")))
    assert exported == {each.name for each in vectors(3)} | TEXTS


def test_formulas_as_text_end_with_their_number(calculate: Any) -> None:
    windows = [(Window(3, 2, 4, 1, 2), 20), (Window(2), 4), (Window(3, 2, 1, 2, 2), 3), (Window(5, 1, 1, 1, 0), 9)]
    calls = [
        [name, [as_given(window), *more]]
        for window, size in windows
        for name, more in (("outputFormula", [size]), ("extentFormula", []))
    ]
    texts = calculate(calls)
    numbers = [number for window, size in windows for number in (window.output_size(size), window.extent)]
    assert [int(text.rsplit(" = ", 1)[1]) for text in texts] == numbers
    assert texts[2] == "4 − 2 + 1 = 3"
    assert texts[4] == "⌊(3 + 2 + 2 − 3) / 2⌋ + 1 = 3"


def test_why_a_window_does_not_fit(calculate: Any) -> None:
    told = calculate([["lacking", [as_given(Window(3, dilation=4, pad_lo=1)), 5]]])[0]
    assert "spans 9 (kernel 3, dilation 4)" in told
    assert "only 6 with its padding" in told


def test_no_other_module_calculates_with_sizes() -> None:
    size = r"(?:\w+\.)*(?:kernel|stride|dilation|before|after|extent|pads?|padding|outputs)(?:\[\w+\])?"
    sum_of = re.compile(rf"(?<![\w$]){size}\)? (?:[-+/%]|\*\*?) |[\w)\]] (?:[-/%]|\*\*?) \(?{size}\b(?!\()")
    text = re.compile(r"//[^\n]*|/\*.*?\*/|\"[^\"\n]*\"", re.DOTALL)
    for path in SCRIPTS.rglob("*.js"):
        if path.name in FORMULAS:
            continue
        code = text.sub("", path.read_text(encoding="utf-8"))
        # the fixed parts of a template are words; what it calculates stays
        code = re.sub(
            r"`(?:[^`$]|\$(?!\{)|\$\{([^{}]*)\})*`", lambda found: " ".join(re.findall(r"\$\{([^{}]*)\}", found[0])), code
        )
        lines = [line.strip() for line in code.splitlines() if sum_of.search(line)]
        assert not lines, f"{path.name}: {lines}"
