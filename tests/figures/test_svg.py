"""SVG of one step: well formed, told in words, small."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from atrous.figures.figure import Figure
from atrous.figures.svg import escaped
from tests.figures.examples import HOSTILE, deep, hostile, nine_steps, one_row

SVG = "{http://www.w3.org/2000/svg}"


@pytest.mark.parametrize("figure", [nine_steps(), one_row(), deep()], ids=lambda figure: figure.name)
def test_well_formed_told_in_words_and_small(figure: Figure) -> None:
    text = figure.svg()
    root = ElementTree.fromstring(text)
    assert root.tag == f"{SVG}svg"
    assert root.get("role") == "img"
    assert root.get("aria-label") == root.findtext(f"{SVG}title") == figure.scenes[-1].title
    assert root.findtext(f"{SVG}desc") == ". ".join(figure.scenes[-1].caption)
    assert len(text.encode()) < 60_000


def test_the_sum_is_written_out() -> None:
    texts = [element.text for element in ElementTree.fromstring(nine_steps().step(5).svg()).iter(f"{SVG}text")]
    assert nine_steps().scenes[4].caption[1] in texts


def test_words_are_words() -> None:
    root = ElementTree.fromstring(hostile().svg())
    assert root.findtext(f"{SVG}title") == root.get("aria-label") == HOSTILE
    assert not list(root.iter(f"{SVG}script"))


def test_what_xml_forbids_is_replaced() -> None:
    assert escaped("a\x00b\ud800c\x1b") == "a\ufffdb\ufffdc\ufffd"
