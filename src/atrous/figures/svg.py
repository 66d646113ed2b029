"""Drawings as SVG text: the same drawing gives the same bytes. Cells of one role are one path, so files stay small."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby
from xml.sax.saxutils import escape, quoteattr

from atrous.figures.drawing import Drawing, Label, Mark, Path, Rect
from atrous.figures.style import Ink, Paint, Style

FONT = "Helvetica, Arial, 'DejaVu Sans', sans-serif"


def to_svg(drawing: Drawing, style: Style) -> str:
    """A whole SVG document."""
    return _document(drawing, style, "".join(elements(drawing.marks, style)))


def _document(drawing: Drawing, style: Style, body: str) -> str:
    w, h = _n(drawing.width), _n(drawing.height)
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {w} {h}" width="{w}" height="{h}" role="img"'
    label = f" aria-label={quoteattr(drawing.title)}>"
    told = f"<title>{escape(drawing.title)}</title><desc>{escape(drawing.description)}</desc>"
    paper = f'<rect width="{w}" height="{h}" fill="{style.paint(Ink.PAPER).fill}"/>'
    return f"{head} font-family={quoteattr(FONT)}{label}\n{told}\n{paper}\n{body}</svg>\n"


def elements(marks: Iterable[Mark], style: Style) -> Iterator[str]:
    """One element for each run of marks that are painted alike, in order."""
    for (kind, attributes), run in groupby(marks, key=lambda mark: _key(mark, style)):
        if kind == "text":
            lines = "".join(_text(mark) for mark in run if isinstance(mark, Label))
            yield f"<g {attributes}>{lines}</g>\n"
        else:
            yield f'<path {attributes} d="{"".join(map(_outline, run))}"/>\n'


def _key(mark: Mark, style: Style) -> tuple[str, str]:
    """What kind of element draws a mark, and the attributes that it shares with marks painted alike."""
    paint = style.paint(mark.role)
    if isinstance(mark, Label):
        weight = ' font-weight="bold"' if mark.bold else ""
        anchor = "" if mark.anchor.value == "start" else f' text-anchor="{mark.anchor.value}"'
        paper = style.paint(Ink.PAPER).fill
        rim = f' stroke="{paper}" stroke-width="4" stroke-linejoin="round" paint-order="stroke"' if mark.rim else ""
        return "text", f'fill="{paint.text or paint.fill}" font-size="{_n(mark.size)}"{anchor}{weight}{rim}'
    filled = isinstance(mark, Rect) or mark.closed
    return "path", _attributes(paint, filled)


def _attributes(paint: Paint, filled: bool) -> str:
    found = [f'fill="{paint.fill if filled and paint.fill else "none"}"']
    if paint.stroke:
        found.append(f'stroke="{paint.stroke}" stroke-width="{_n(paint.width)}" stroke-linejoin="round"')
        found += [f'stroke-dasharray="{_n(paint.dash)}"'] if paint.dash else []
    return " ".join(found)


def _outline(mark: Mark) -> str:
    if isinstance(mark, Rect):
        return f"M{_n(mark.x)} {_n(mark.y)}h{_n(mark.width)}v{_n(mark.height)}h{_n(-mark.width)}z"
    assert isinstance(mark, Path)
    (x, y), *rest = mark.points
    return f"M{_n(x)} {_n(y)}L{' '.join(f'{_n(u)} {_n(v)}' for u, v in rest)}" + ("z" if mark.closed else "")


def _text(mark: Label) -> str:
    # The middle of a line of figures and capitals lies 0.35 of its size above the baseline.
    return f'<text x="{_n(mark.x)}" y="{_n(mark.y + 0.35 * mark.size)}">{escape(mark.text)}</text>'


def _n(value: float) -> str:
    """A coordinate with at most one decimal."""
    return f"{value:.1f}".removesuffix(".0")
