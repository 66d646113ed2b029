"""The forms of a report: columns that fit, JSON and its schema, LaTeX, the page, two networks side by side."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from atrous.errors import ArgumentError
from atrous.graph.builder import Builder
from atrous.graph.layer_list import read_layers
from atrous.graph.network import Network
from atrous.graph.networks import context_module, lenet, resnet18, unet, unet3d, wavenet
from atrous.importers import load
from atrous.report import Comparison, Report, inspect
from atrous.report.schema import report_schema
from tests.report.validating import complaints

SCHEMA = Path(__file__).parents[2] / "docs" / "inspect.schema.json"


def hostile() -> Network:
    """Names that are markup in every form."""
    b = Builder("<script>&_%$")
    return b.build(b.relu(b.input("x", ("N", 1, "T")), name="</td><img src=x>_{}%"))


REPORTS = {
    "lenet": lambda: inspect(lenet()),
    "resnet18": lambda: inspect(resnet18()),
    "open": lambda: inspect(resnet18(), symbolic=True),
    "unet": lambda: inspect(unet(width=2), (1, 1, 188, 188)),
    "unet3d": lambda: inspect(unet3d(), (1, 3, 132, 132, 116)),
    "wavenet": lambda: inspect(wavenet(blocks=1, depth=3, width=2, skip=2, levels=4), (1, 4, 50)),
    "gaps": lambda: inspect(read_layers("conv 3 8 s2 d2, conv 1 4 s3, transposed 3 2 s2", (1, 1, 50))),
    "hostile": lambda: inspect(hostile()),
}


@pytest.fixture(params=REPORTS)
def report(request: pytest.FixtureRequest) -> Report:
    made: Report = REPORTS[request.param]()
    return made


def test_the_schema_on_the_shelf_is_the_schema() -> None:
    assert json.loads(SCHEMA.read_text(encoding="utf-8")) == report_schema(), "make format writes docs/inspect.schema.json"


def test_the_data_keep_to_the_schema(report: Report) -> None:
    data = json.loads(json.dumps(report.to_dict()))
    assert complaints(data, report_schema(), report_schema()) == []


def test_every_figure_has_a_value_or_a_reason(report: Report) -> None:
    def figures(data: object) -> list[dict[str, object]]:
        if isinstance(data, dict):
            inner = [each for value in data.values() for each in figures(value)]
            return [data, *inner] if "status" in data else inner
        return [each for value in data for each in figures(value)] if isinstance(data, list) else []

    for figure in figures(report.to_dict()):
        assert ("value" in figure) == (figure["status"] != "unavailable"), figure
        assert ("reason" in figure) == (figure["status"] != "complete"), figure


@pytest.mark.parametrize("width", [80, 100, 140, 200])
def test_tables_keep_to_the_width(report: Report, width: int) -> None:
    narrow = [line for line in report.text(width).splitlines() if len(line) > width]
    assert [line for line in narrow if not line.startswith((report.network, "output"))] == []


def test_columns_by_name() -> None:
    table = inspect(lenet()).text(columns=["layer", "holes", "halo"]).splitlines()
    assert table[3].split() == ["layer", "holes", "halo"]
    assert table[5].split() == ["c1", "0", "0+4"]
    assert "as linear" in inspect(lenet()).text(columns=["all"]).splitlines()[3]


def test_a_column_that_is_not_there() -> None:
    with pytest.raises(ArgumentError, match=r"columns: got colour; there are layer, operator, .*, or all"):
        inspect(lenet()).text(columns=["layer", "colour"])


class Checker(HTMLParser):
    """Collects what a page would ask for, and whether its elements are closed in order."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.asked: list[str] = []
        self.scripts = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in ("meta", "br", "img", "link"):
            self.open.append(tag)
        self.scripts += tag in ("script", "img", "link", "iframe")
        self.asked += [value or "" for name, value in attrs if name in ("src", "href", "action", "data")]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def checked(text: str) -> Checker:
    checker = Checker()
    checker.feed(text)
    checker.close()
    return checker


def test_pages_stand_alone(report: Report) -> None:
    page = report.to_html()
    checker = checked(page)
    assert (checker.open, checker.asked, checker.scripts) == ([], [], 0)
    assert not re.search(r"https?:|url\(|@import", page)
    assert "default-src 'none'" in page
    fragment = report._repr_html_()
    assert checked(fragment).open == []
    assert "<html" not in fragment


def test_a_page_says_what_the_table_says() -> None:
    page = inspect(resnet18()).to_html()
    assert "<td>1,814,073,344</td>" in page
    assert "layer4.1.relu_2" in page
    assert "435×435" in page


def test_unaligned_branches_stand_on_the_page() -> None:
    b = Builder("branches", sample={"T": 9})
    x = b.input("x", ("N", 1, "T"))
    first = b.conv(x, 1, 3, padding=((2, 0),), name="back")
    page = inspect(b.build(b.plus(first, b.conv(x, 1, 5, padding=((0, 4),), name="ahead"), name="sum"))).to_html()
    assert "<li>sum: back sees 3, ahead sees 5</li>" in page


SVG = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 2 2"><title>a &amp; b</title><rect width="1" height="1"/></svg>'


def test_pictures_stand_on_the_page_as_they_are() -> None:
    report = inspect(lenet())
    page = report.to_html([("cone & field", f'<?xml version="1.0"?>\n{SVG}\n'), ("again", SVG)])
    assert page.count(SVG) == 2
    assert "<figcaption>cone &amp; field</figcaption>" in page
    assert "<?xml" not in page
    assert page.index("Layers</h2>") > page.index("<figcaption>again") > page.index("legal sizes")
    assert checked(page).open == []
    assert "<figure>" not in report.to_html()
    both = Comparison(report, report).to_html([("one", SVG)])
    assert both.count(SVG) == 1


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("<p>no</p>", "pictures: 'fig' is a 'p' element; each must be the text of an SVG picture"),
        ("<svg><g></svg>", "pictures: 'fig' is not well-formed: mismatched tag: line 1, column 10; each must be"),
        ("<svg/>", "pictures: 'fig' is a 'svg' element; each must be the text of an SVG picture"),
        (f"{SVG}<script/>", "pictures: 'fig' is not well-formed: junk after document element"),
    ],
)
def test_pictures_that_are_not_svg(text: str, said: str) -> None:
    with pytest.raises(ArgumentError, match=f"^{re.escape(said)}"):
        inspect(lenet()).to_html([("fig", text)])


def test_latex_is_escaped_and_rectangular(report: Report) -> None:
    lines = report.to_latex().splitlines()
    begin = next(i for i, line in enumerate(lines) if line.startswith(r"\begin{tabular}"))
    columns = len(lines[begin].split("{")[-1].rstrip("}"))
    rows = [line for line in lines[begin:] if line.endswith(r"\\")]
    assert {len(re.findall(r"(?<!\\)&", row)) for row in rows} == {columns - 1}
    assert len(rows) == len(report.rows) + 1
    assert all(not re.search(r"(?<!\\)[_%#~]", row.replace("$^", "")) for row in rows)
    assert all(row.count("{") == row.count("}") and row.count("$") % 2 == 0 for row in rows)
    assert all(ord(sign) < 128 for row in rows for sign in row), "plain LaTeX reads ASCII, whatever the encoding is"


def test_two_networks_side_by_side() -> None:
    both = Comparison(inspect(lenet()), inspect(context_module(1), (1, 1, 32, 32)))
    text = str(both)
    assert re.search(r"^MACs +416,520 +65,536 +0\.157×$", text, re.MULTILINE)
    assert re.search(r"^c1 +156 +117,600 +5×5 +Conv +1×6×28×28$", text, re.MULTILINE)
    assert "conv8" in both.to_html()
    assert checked(both.to_html()).open == []
    assert both.to_dict()["right"]["network"] == "context_module"


def test_equal_layers_stand_beside_each_other() -> None:
    pairs = list(Comparison(inspect(lenet()), inspect(lenet())).pairs())
    assert [left.name for left, _ in pairs if left] == [right.name for _, right in pairs if right]
    assert len(pairs) == 12


def test_a_comparison_with_open_sizes_has_ratios_of_what_is_known() -> None:
    ratios = Comparison(inspect(resnet18(), symbolic=True), inspect(resnet18())).ratios()
    assert ratios["parameters"] == 1
    assert "MACs" not in ratios


def test_a_network_shows_itself_in_a_notebook() -> None:
    shown = resnet18()._repr_html_()
    assert checked(shown).open == []
    assert "N×512×H/32×W/32" in shown


#: The trained models beside the project's own folder, or above it.
SHARED = [path for above in Path(__file__).resolve().parents[3:] for path in sorted((above / "shared/models").glob("*.onnx"))]


@pytest.mark.skipif(not SHARED, reason="the trained models in ../shared/models are not here")
@pytest.mark.parametrize("path", SHARED, ids=lambda path: path.stem)
@pytest.mark.parametrize("symbolic", [False, True])
def test_trained_models_are_reported(path: Path, symbolic: bool) -> None:
    report = inspect(load(path), symbolic=symbolic)
    assert complaints(json.loads(json.dumps(report.to_dict())), report_schema(), report_schema()) == []
    assert checked(report.to_html()).open == []
