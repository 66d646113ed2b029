"""The formats that a figure is written in, one row each. A new format is one module, one row here, and one test row."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from atrous.errors import ArgumentError
from atrous.figures.formats.gif import write_gif
from atrous.figures.formats.html import write_html
from atrous.figures.formats.pdf import write_pdf
from atrous.figures.formats.png import write_png
from atrous.figures.formats.svg import write_svg
from atrous.figures.formats.tikz import write_tikz
from atrous.figures.frames import Writer, single


@dataclass(frozen=True, slots=True)
class Format:
    """A file format: chosen by the suffix of a name."""

    name: str
    suffix: str
    write: Writer


FORMATS: tuple[Format, ...] = (
    Format("SVG", ".svg", single(write_svg)),
    Format("GIF", ".gif", single(write_gif)),
    Format("PNG", ".png", write_png),
    Format("PDF", ".pdf", single(write_pdf)),
    Format("TikZ", ".tex", single(write_tikz)),
    Format("HTML", ".html", single(write_html)),
)


def format_of(path: Path) -> Format:
    """The format that a file of this name is written in.

    >>> format_of(Path("figure.SVG")).name
    'SVG'
    """
    for form in FORMATS:
        if path.suffix.lower() == form.suffix:
            return form
    known = ", ".join(f"{form.suffix} ({form.name})" for form in FORMATS)
    raise ArgumentError(f"path: {path.name}: the suffix {path.suffix!r} is of no format that figures are written in: {known}")
