"""TikZ: a LaTeX document of one page a step, for pdflatex; a ``tikzpicture`` of it can be copied into another document."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from atrous.errors import ArgumentError
from atrous.figures.drawing import Anchor, Drawing, Image, Label, Mark, Path, Rect, fitted
from atrous.figures.frames import Frames
from atrous.figures.style import Paint, Style
from atrous.figures.tex import tex

#: A pixel of a drawing in TeX's big points: 96 of the one and 72 of the other are an inch.
POINT = 0.75
_HEAD = r"""\documentclass[tikz]{standalone}
\usepackage[utf8]{inputenc}
\usepackage[T1]{fontenc}
\usepackage{lmodern}
\usepackage{amssymb}
\renewcommand{\familydefault}{\sfdefault}
"""
_ANCHOR = {Anchor.START: "base west", Anchor.MIDDLE: "base", Anchor.END: "base east"}


def write_tikz(frames: Frames) -> bytes:
    """A standalone document, UTF-8."""
    if any(isinstance(mark, Image) for drawing in frames.drawings for mark in drawing.marks):
        raise ArgumentError("path: TikZ draws no pictures, and this figure has some; write .pdf, .svg, .png or .html")
    pages = [_page(drawing, frames.style) for drawing in frames.drawings]
    marks = (mark for drawing in frames.drawings for mark in drawing.marks)
    used = {frames.style.paper}.union(*(_colours(mark, frames.style.paint(mark.role)) for mark in marks))
    named = "".join(f"\\definecolor{{{_name(colour)}}}{{HTML}}{{{colour[1:].upper()}}}\n" for colour in sorted(used))
    return f"{_HEAD}{named}\\begin{{document}}\n{''.join(pages)}\\end{{document}}\n".encode()


def _colours(mark: Mark, paint: Paint) -> set[str]:
    return {paint.letters} if isinstance(mark, Label) else {paint.fill, paint.stroke} - {""}


def _name(colour: str) -> str:
    return f"c{colour[1:]}"


def _page(drawing: Drawing, style: Style) -> str:
    lines = "".join(_lines(drawing, style))
    return (
        f"\\begin{{tikzpicture}}[x={POINT}bp,y=-{POINT}bp,line join=round,inner sep=0pt,outer sep=0pt]\n"
        f"\\path[use as bounding box,fill={_name(style.paper)}] (0,0) rectangle ({_n(drawing.width)},{_n(drawing.height)});\n"
        f"{lines}\\end{{tikzpicture}}\n"
    )


def _lines(drawing: Drawing, style: Style) -> Iterator[str]:
    marks = [mark for mark in drawing.marks if not isinstance(mark, Image)]
    for (node, options), run in groupby(marks, key=lambda mark: (isinstance(mark, Label), _options(mark, style))):
        if node:
            yield from (f"\\node[{options}] at {_label(mark)};\n" for mark in run if isinstance(mark, Label))
        else:
            yield f"\\path[{options}] {' '.join(_outline(mark) for mark in run if not isinstance(mark, Label))};\n"


def _label(mark: Label) -> str:
    return f"({_n(mark.x)},{_n(mark.baseline)}) {{{tex(mark.text)}}}"


def _options(mark: Label | Rect | Path, style: Style) -> str:
    paint = style.paint(mark.role)
    if isinstance(mark, Label):
        size = _n(mark.size * POINT)
        weight = "\\bfseries" if mark.bold else ""
        rim = f",fill={_name(style.paper)},inner ysep=1pt" if mark.rim else ""
        letters = f"font=\\fontsize{{{size}bp}}{{{size}bp}}\\selectfont{weight}"
        return f"anchor={_ANCHOR[mark.anchor]},text={_name(paint.letters)},{letters}{rim}"
    found = []
    if paint.fill and (isinstance(mark, Rect) or mark.closed):
        found.append(f"fill={_name(paint.fill)}")
    if paint.stroke:
        found.append(f"draw={_name(paint.stroke)},line width={_n(paint.width * POINT)}bp")
        found += [_dashes(mark, paint)] if paint.dash else []
    return ",".join(found)


def _dashes(mark: Rect | Path, paint: Paint) -> str:
    dash = POINT * (fitted(paint.dash, mark.width) if isinstance(mark, Rect) else paint.dash)
    phase = f",dash phase={_n(dash / 2)}bp" if isinstance(mark, Rect) else ""
    return f"dash pattern=on {_n(dash)}bp off {_n(dash)}bp{phase}"


def _outline(mark: Rect | Path) -> str:
    if isinstance(mark, Rect):
        return f"({_n(mark.x)},{_n(mark.y)}) rectangle ({_n(mark.x + mark.width)},{_n(mark.y + mark.height)})"
    return " -- ".join(f"({_n(x)},{_n(y)})" for x, y in mark.points) + (" -- cycle" if mark.closed else "")


def _n(value: float) -> str:
    """A length with at most three decimals."""
    return f"{value:.3f}".rstrip("0").rstrip(".")
