"""Drawings as SVG text: the same drawing gives the same bytes. Cells of one role are one path, so files stay small."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Callable, Iterable, Iterator, Mapping
from hashlib import sha256
from itertools import groupby
from xml.sax.saxutils import escape

from atrous.figures.drawing import Drawing, Image, Label, Mark, Path, Rect, fitted
from atrous.figures.film import sheets
from atrous.figures.frames import Frames
from atrous.figures.style import Paint, Style

#: The font that the layout measures with comes first, then those of about its width.
FONT = "'DejaVu Sans', Verdana, Helvetica, Arial, sans-serif"
#: What XML 1.0 (section 2.2) does not allow in a document, even escaped.
FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def to_svg(drawing: Drawing, style: Style) -> str:
    """A whole SVG document."""
    return document(drawing, style, "".join(elements(drawing.marks, style)), drawing.description)


def to_animated_svg(frames: Frames) -> str:
    """One document whose steps follow each other for ever; the last one, held longer, where nothing may or can move.

    The animation is CSS, so that it also runs where the file is an image of a page, and so that a reader's wish for reduced
    motion is heard.
    """
    found = tuple(sheets(frames.drawings))
    # Names of CSS are global to a page, which may hold many figures.
    name = (
        "f"
        + sha256("".join(elements((mark for sheet in found for mark in sheet.marks), frames.style)).encode()).hexdigest()[:6]
    )
    turns = {steps: f"{name}-{i}" for i, steps in enumerate(dict.fromkeys(sheet.steps for sheet in found))}
    body = "".join(film(frames, lambda steps: f'class="{turns[steps]}"'))
    described = f"{len(frames.drawings)} steps, one after the other. The last: {frames.last.description}"
    return document(frames.last, frames.style, _timing(frames, turns) + body, described)


def _timing(frames: Frames, turns: Mapping[tuple[int, ...], str]) -> str:
    """When the marks of each class are visible, in shares of a round."""
    starts = [frames.seconds * i for i in range(len(frames.drawings))]
    total = starts[-1] + frames.held
    share = [f"{_n3(100 * start / total)}%" for start in starts]
    rules = []
    for steps, name in turns.items():
        if len(steps) < len(starts):
            on = [i + 1 in steps for i in range(len(starts))]
            turned = (i for i in range(len(starts)) if i == 0 or on[i] != on[i - 1])
            frame = "".join(f"{share[i]}{{visibility:{'visible' if on[i] else 'hidden'}}}" for i in turned)
            rules.append(f".{name}{{animation:{name} {_n3(total)}s step-end infinite}}@keyframes {name}{{{frame}}}")
    return f"<style>@media (prefers-reduced-motion:no-preference){{{''.join(rules)}}}</style>\n"


def film(frames: Frames, attribute: Callable[[tuple[int, ...]], str]) -> Iterator[str]:
    """Every mark once, in a group with its steps' attribute unless all show it; what the last step does not show is hidden."""
    count = len(frames.drawings)
    for sheet in sheets(frames.drawings):
        drawn = "".join(elements(sheet.marks, frames.style))
        hidden = "" if count in sheet.steps else ' visibility="hidden"'
        yield drawn if len(sheet.steps) == count else f"<g {attribute(sheet.steps)}{hidden}>{drawn}</g>\n"


def document(drawing: Drawing, style: Style, body: str, description: str) -> str:
    """The frame of an SVG document: its size, what it is called, the paper."""
    w, h = _n(drawing.width), _n(drawing.height)
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {w} {h}" width="{w}" height="{h}" role="img"'
    label = f' aria-label="{escaped(drawing.title)}">'
    told = f"<title>{escaped(drawing.title)}</title><desc>{escaped(description)}</desc>"
    paper = f'<rect width="{w}" height="{h}" fill="{style.paper}"/>'
    return f'{head} font-family="{FONT}"{label}\n{told}\n{paper}\n{body}</svg>\n'


def elements(marks: Iterable[Mark], style: Style) -> Iterator[str]:
    """One element for each run of marks that are painted alike, in order."""
    for (kind, attributes), run in groupby(marks, key=lambda mark: _key(mark, style)):
        if kind == "text":
            lines = "".join(_text(mark) for mark in run if isinstance(mark, Label))
            yield f"<g {attributes}>{lines}</g>\n"
        elif kind == "image":
            yield from (_image(mark) for mark in run if isinstance(mark, Image))
        else:
            yield f'<path {attributes} d="{"".join(map(_outline, run))}"/>\n'


def _key(mark: Mark, style: Style) -> tuple[str, str]:
    """What kind of element draws a mark, and the attributes that it shares with marks painted alike."""
    paint = style.paint(mark.role)
    if isinstance(mark, Image):
        return "image", ""
    if isinstance(mark, Label):
        weight = ' font-weight="bold"' if mark.bold else ""
        anchor = "" if mark.anchor.value == "start" else f' text-anchor="{mark.anchor.value}"'
        rim = f' stroke="{style.paper}" stroke-width="4" stroke-linejoin="round" paint-order="stroke"' if mark.rim else ""
        return "text", f'fill="{paint.letters}" font-size="{_n(mark.size)}"{anchor}{weight}{rim}'
    filled = isinstance(mark, Rect) or mark.closed
    found = [f'fill="{paint.fill if filled and paint.fill else "none"}"']
    if paint.stroke:
        found.append(f'stroke="{paint.stroke}" stroke-width="{_n(paint.width)}" stroke-linejoin="round"')
        found += _dashes(mark, paint) if paint.dash else []
    return "path", " ".join(found)


def _dashes(mark: Rect | Path, paint: Paint) -> list[str]:
    if isinstance(mark, Path):
        return [f'stroke-dasharray="{_n(paint.dash)}"']
    dash = fitted(paint.dash, mark.width)
    return [f'stroke-dasharray="{_n3(dash)}" stroke-dashoffset="{_n3(dash / 2)}"']


def _image(mark: Image) -> str:
    place = f'x="{_n(mark.x)}" y="{_n(mark.y)}" width="{_n(mark.width)}" height="{_n(mark.height)}"'
    # Pixels of small maps are data, not a photograph: they stay squares.
    sharp = ' style="image-rendering:pixelated"' if mark.pixels.columns < mark.width else ""
    return f'<image {place}{sharp} href="data:image/png;base64,{b64encode(mark.pixels.png()).decode()}"/>\n'


def _outline(mark: Mark) -> str:
    if isinstance(mark, Rect):
        return f"M{_n(mark.x)} {_n(mark.y)}h{_n(mark.width)}v{_n(mark.height)}h{_n(-mark.width)}z"
    assert isinstance(mark, Path)
    (x, y), *rest = mark.points
    return f"M{_n(x)} {_n(y)}L{' '.join(f'{_n(u)} {_n(v)}' for u, v in rest)}" + ("z" if mark.closed else "")


def _text(mark: Label) -> str:
    return f'<text x="{_n(mark.x)}" y="{_n(mark.baseline)}">{escaped(mark.text)}</text>'


def escaped(text: str) -> str:
    """Words as XML and HTML take them, between tags and in double quotes alike.

    >>> escaped('a "<b>" & c')
    'a &quot;&lt;b&gt;&quot; &amp; c'
    """
    return escape(printable(text), {'"': "&quot;"})


def printable(text: str) -> str:
    """The text with a mark of replacement for what no document may hold: control characters and halves of characters."""
    return FORBIDDEN.sub("\ufffd", text)


def _n(value: float) -> str:
    """A coordinate with at most one decimal."""
    return f"{value:.1f}".removesuffix(".0")


def _n3(value: float) -> str:
    """A time or a share with at most three decimals."""
    return f"{value:.3f}".rstrip("0").rstrip(".")
