"""Two networks side by side: their totals with the ratio of each, and their layers matched in order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from html import escape
from typing import Any

from atrous.report.columns import Column, field_text, figure_text, sizes
from atrous.report.data import report_data
from atrous.report.report import Report, Row
from atrous.report.totals import totals

#: (layer of the left network, layer of the right one); one of them is ``None`` where there is no counterpart.
Pair = tuple[Row | None, Row | None]


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two reports. ``str`` sets them side by side, ``to_dict`` holds both and the ratios of their totals.

    >>> from atrous.graph.networks import resnet18, resnet50
    >>> from atrous.report import inspect
    >>> round(Comparison(inspect(resnet18()), inspect(resnet50())).ratios()["MACs"], 3)
    2.254
    """

    left: Report
    right: Report

    def ratios(self) -> dict[str, float]:
        """Right to left, for each figure that both have and that is not nought on the left."""
        each = zip(totals(self.left), totals(self.right), strict=True)
        return {a.title: b.number / a.number for a, b in each if a.number and b.number is not None}

    def pairs(self) -> Iterator[Pair]:
        """The layers of both in order; a layer has a counterpart where operator and output agree in a longest match."""
        left, right = ([(row.operator, row.output) for row in report.rows] for report in (self.left, self.right))
        for _, a, b, c, d in SequenceMatcher(None, left, right, autojunk=False).get_opcodes():
            matched = (b - a) == (d - c) and left[a:b] == right[c:d]
            if matched:
                yield from zip(self.left.rows[a:b], self.right.rows[c:d], strict=True)
            else:
                yield from ((row, None) for row in self.left.rows[a:b])
                yield from ((None, row) for row in self.right.rows[c:d])

    def __str__(self) -> str:
        return self.text()

    def text(self, width: int = 120) -> str:
        """Both in at most ``width`` columns of text where names allow it: the totals, then the layers."""
        from atrous.report.table import lines

        kinds = [column.text for column in LAYER_COLUMNS]
        top = lines(("", *self._names(), "ratio"), (True, True, True, False), self.total_cells(short=width // 3), width)
        return "\n".join([*top, "", *lines(self.headings(), kinds, self.layer_cells(), width)])

    def _names(self) -> tuple[str, str]:
        return (self.left.network, self.right.network)

    def total_cells(self, short: int | None = None) -> list[tuple[str, str, str, str]]:
        """(figure, left, right, ratio), texts cut to ``short`` characters if given."""
        ratios = self.ratios()
        each = zip(totals(self.left), totals(self.right), strict=True)
        return [(a.title, _cut(a.text, short), _cut(b.text, short), _ratio(ratios.get(a.title))) for a, b in each]

    def headings(self) -> tuple[str, ...]:
        """Over the cells of layers: each network's name once, then what the columns are."""
        return tuple(column.heading for column in LAYER_COLUMNS)

    def layer_cells(self) -> list[tuple[str, ...]]:
        """One line for each pair of layers."""
        return [_cells(*pair) for pair in self.pairs()]

    def to_dict(self) -> dict[str, Any]:
        """Both reports and the ratios, ready for ``json.dump``."""
        return {"left": report_data(self.left), "right": report_data(self.right), "ratios": self.ratios()}

    def to_html(self, pictures: Sequence[tuple[str, str]] = ()) -> str:
        """Both on one self-contained page; ``pictures`` as ``Report.to_html`` takes them."""
        from atrous.report.html import document, gallery, grid

        title = " and ".join(self._names())
        columns = [Column(name, name, "", lambda row: row.name, text=True) for name in ("figure", *self._names(), "ratio")]
        top = grid([column.heading for column in columns], columns, self.total_cells(), prose=True)
        layers = grid(self.headings(), LAYER_COLUMNS, self.layer_cells())
        return document(
            f"{title}: atrous inspect", f"<h1>{escape(title)}</h1>\n{top}{gallery(pictures)}<h2>Layers</h2>\n{layers}"
        )


def _cut(text: str, width: int | None) -> str:
    return text if width is None or len(text) <= width else text[: width - 1] + "…"


def _ratio(ratio: float | None) -> str:
    return "" if ratio is None else f"{ratio:.3g}×"


def _macs(row: Row) -> str:
    return figure_text(row.costs.macs)


def _parameters(row: Row) -> str:
    return figure_text(row.costs.parameters)


def _name(row: Row) -> str:
    return row.name


#: The columns of the layers: the shared ones in the middle, each network's own to its side.
LAYER_COLUMNS = (
    Column("left", "left layer", "the layer of the first network", _name, text=True),
    Column("left_parameters", "parameters", "trained numbers", _parameters),
    Column("left_macs", "MACs", "multiply-adds, every tap counted", _macs),
    Column("left_field", "field", "receptive field", lambda row: field_text(row.fields)),
    Column("operator", "operator", "what both compute", lambda row: row.operator, text=True),
    Column("output", "output", "the size of the output", lambda row: sizes(row.output), text=True),
    Column("right", "right layer", "the layer of the second network", _name, text=True),
    Column("right_parameters", "parameters", "trained numbers", _parameters),
    Column("right_macs", "MACs", "multiply-adds, every tap counted", _macs),
    Column("right_field", "field", "receptive field", lambda row: field_text(row.fields)),
)


def _cells(left: Row | None, right: Row | None) -> tuple[str, ...]:
    either = left or right
    shared = [column.cell(either) if either else "" for column in LAYER_COLUMNS[4:6]]
    first = [column.cell(left) if left else "" for column in LAYER_COLUMNS[:4]]
    second = [column.cell(right) if right else "" for column in LAYER_COLUMNS[6:]]
    return (*first, *shared, *second)
