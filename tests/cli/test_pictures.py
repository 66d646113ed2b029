"""The pictures on the page of ``atrous inspect --html``."""

from __future__ import annotations

import re
from pathlib import Path

import atrous
from atrous.cli import main
from atrous.cli.pictures import pictures

TITLES = {
    "Activation maps, where their size changes",
    "What is linear and what is not",
    "The receptive field, layer by layer",
    "Effective receptive field, by structure",
    "The receptive field of one output, along the first axis",
    "What all outputs together read",
}


def titles(text: str) -> list[str]:
    return re.findall("<figcaption>(.*?)</figcaption>", text)


def test_the_page_shows_what_the_table_says(tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    assert main(["inspect", "conv 3x3 8 s2, relu, conv 3x3 8 d2", "-i", "1x1x30x30", "--html", str(page)]) == 0
    text = page.read_text(encoding="utf-8")
    assert set(titles(text)) == TITLES | {"What one output reads, and over how many paths"}
    assert text.count("<svg") == 7
    assert "http://" not in text.replace("http://www.w3.org/", "")
    assert "one output depends on 81 of the 121 inputs in its field of 11×11" in text


def test_a_figure_that_does_not_apply_says_why() -> None:
    net = atrous.networks.resnet18()
    found = dict(pictures(net, net.inspect((1, 3, 224, 224))))
    assert set(found) == TITLES | {"What one output reads, and over how many paths"}
    assert "figures look along one path" in found["What all outputs together read"]
    assert "Not drawn; the table has the numbers" in found["What all outputs together read"]
    same = atrous.networks.context_module(1)
    assert "Activation maps, where their size changes" not in dict(pictures(same, same.inspect((1, 1, 40, 40))))
    assert pictures(net, net.inspect(symbolic=True)) == []


def test_two_networks_show_theirs_under_their_names(tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    assert main(["inspect", "lenet", "--compare", "vgg16", "--html", str(page)]) == 0
    assert {title.partition(": ")[0] for title in titles(page.read_text(encoding="utf-8"))} == {"lenet", "vgg16"}
