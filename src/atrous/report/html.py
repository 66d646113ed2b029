"""The HTML form of a report: one page that holds all it needs, and a fragment for notebooks."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from xml.etree import ElementTree

from atrous.errors import ArgumentError
from atrous.report.columns import COLUMNS, Column, field_text, sizes
from atrous.report.figure import Status
from atrous.report.report import Report, Row
from atrous.report.totals import notes, totals

#: The outermost element of a picture, in the namespace that says what it is.
SVG = "{http://www.w3.org/2000/svg}svg"
#: Legible on light and dark screens and in print; nothing is fetched.
STYLE = """\
.atrous { color-scheme: light dark; font: 15px/1.45 system-ui, sans-serif; color: CanvasText; background: Canvas; }
.atrous h1 { font-size: 1.5em; margin: 0 0 .3em; }
.atrous h2 { font-size: 1.15em; margin: 1.6em 0 .5em; }
.atrous .scroll { overflow-x: auto; }
.atrous table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
.atrous th, .atrous td { padding: .25em .7em; text-align: right; white-space: nowrap; border-bottom: 1px solid #8884; }
.atrous thead th { border-bottom: 2px solid #888; position: sticky; top: 0; background: Canvas; }
.atrous th.text, .atrous td.text { text-align: left; }
.atrous tbody tr:hover { background: #6af2; }
.atrous .totals td { white-space: normal; text-align: left; }
.atrous .totals th { text-align: left; font-weight: 600; vertical-align: top; }
.atrous .prose td { white-space: normal; vertical-align: top; }
.atrous .unavailable { opacity: .7; font-style: italic; }
.atrous figure { margin: 1em 0; }
.atrous figure svg { max-width: 100%; height: auto; }
.atrous figcaption { font-weight: 600; margin-bottom: .4em; }
.atrous .note { max-width: 60em; margin: .3em 0; font-size: .9em; }
@media print { .atrous thead th { position: static; } }
"""


def document(title: str, body: str) -> str:
    """A whole page around a body; its policy forbids the browser to ask anything of any address."""
    policy = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>body {{ margin: 1.5em; }}\n{STYLE}</style>\n</head>\n"
        f'<body class="atrous">\n<main>\n{body}</main>\n</body>\n</html>\n'
    )


#: A title and the text of an SVG picture.
Picture = tuple[str, str]


def page(report: Report, pictures: Sequence[Picture] = ()) -> str:
    """The report as one self-contained page, with every column that says anything, and pictures below the totals."""
    return document(f"{report.network}: atrous inspect", _body(report, gallery(pictures)))


def gallery(pictures: Sequence[Picture]) -> str:
    """The pictures with their titles, each as it is; raises ``ArgumentError`` for one that is not SVG."""
    return "".join(
        f"<figure>\n<figcaption>{escape(title)}</figcaption>\n{_svg(title, text)}\n</figure>\n" for title, text in pictures
    )


def _svg(title: str, text: str) -> str:
    """The picture's own element, without what may stand before it in a file."""
    try:
        root = ElementTree.fromstring(text).tag
    except ElementTree.ParseError as error:
        raise ArgumentError(
            f"pictures: {title!r} is not well-formed: {error}; each must be the text of an SVG picture"
        ) from None
    if root != SVG:
        raise ArgumentError(f"pictures: {title!r} is a {root!r} element; each must be the text of an SVG picture")
    return text[text.index("<svg") :].rstrip()


def fragment(report: Report) -> str:
    """The report for a notebook's cell."""
    return f'<style>{STYLE}</style>\n<div class="atrous">\n{_body(report)}</div>\n'


def _body(report: Report, figures: str = "") -> str:
    inputs = ", ".join(f"{name} {dtype} {sizes(shape)}" for name, dtype, shape in report.inputs)
    head = f"<h1>{escape(report.network)}</h1>\n<p>{escape(inputs)}"
    head += f"; assumed, as no size was given: {escape(', '.join(report.assumed))}</p>\n" if report.assumed else "</p>\n"
    told = "".join(f'<p class="note">{escape(note)}</p>\n' for note in notes(report))
    layers = f"<h2>Layers</h2>\n{_layers(report)}{_meetings(report)}"
    return f"{head}{_totals(report)}{figures}{layers}<h2>How it is counted</h2>\n{told}"


def _totals(report: Report) -> str:
    lines = []
    for line in totals(report):
        kind = ' class="unavailable"' if line.text.startswith(Status.UNAVAILABLE.value) else ""
        lines.append(f'<tr><th scope="row">{escape(line.title)}</th><td{kind}>{escape(line.text)}</td></tr>\n')
    return f'<table class="totals">\n<tbody>\n{"".join(lines)}</tbody>\n</table>\n'


def _layers(report: Report) -> str:
    telling = [column for column in COLUMNS if any(column.cell(row) not in ("", "-", "0") for row in report.rows)]
    return grid([column.heading for column in telling], telling, [[c.cell(row) for c in telling] for row in report.rows])


def grid(headings: Sequence[str], columns: Sequence[Column], rows: Sequence[Sequence[str]], *, prose: bool = False) -> str:
    """A table of cells under the headings of columns, which explain themselves when pointed at; ``prose`` may wrap."""
    head = "".join(
        f'<th scope="col"{_kind(column)} title="{escape(column.meaning)}">{escape(text)}</th>'
        for text, column in zip(headings, columns, strict=True)
    )
    body = "".join(
        "<tr>" + "".join(f"<td{_kind(c)}>{escape(cell)}</td>" for cell, c in zip(row, columns, strict=True)) + "</tr>\n"
        for row in rows
    )
    kind = ' class="prose"' if prose else ""
    return (
        f'<div class="scroll">\n<table{kind}>\n<thead>\n<tr>{head}</tr>\n</thead>\n<tbody>\n{body}</tbody>\n</table>\n</div>\n'
    )


def _kind(column: Column) -> str:
    return ' class="text"' if column.text else ""


def _meetings(report: Report) -> str:
    """The layers where branches meet without being aligned, each branch with its own field."""
    meeting = [row for row in report.rows if row.branches and any(not field.aligned for field in row.fields)]
    if not meeting:
        return ""
    return f"<h2>Branches that are not aligned</h2>\n<ul>\n{''.join(map(_meeting, meeting))}</ul>\n"


def _meeting(row: Row) -> str:
    each = ", ".join(f"{branch.value} sees {field_text(branch.fields)}" for branch in row.branches)
    return f"<li>{escape(row.name)}: {escape(each)}</li>\n"
