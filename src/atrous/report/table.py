"""The plain-text form of a report: one line a layer, columns aligned, names shortened to fit the width."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from atrous.report.columns import COLUMNS, NARROWEST, Column, byte_text, field_text, fitting, named, sizes
from atrous.report.report import Report
from atrous.report.totals import notes, totals

__all__ = ["byte_text", "field_text", "lines", "render", "sizes"]


def chosen(report: Report, width: int, columns: Sequence[str] | None) -> tuple[Column, ...]:
    """The columns asked for (``all`` for all there are), or those that fit."""
    if columns is None:
        return fitting(report.rows, width)
    return COLUMNS if list(columns) == ["all"] else named(columns)


def _shorten(text: str, width: int) -> str:
    return text if len(text) <= width else "…" + text[len(text) - width + 1 :]


def lines(headings: Sequence[str], texts: Sequence[bool], rows: Sequence[Sequence[str]], width: int) -> list[str]:
    """Aligned lines, text to the left and numbers to the right; the first column gives way: its end says the most."""
    widths = [max(map(len, column)) for column in zip(headings, *rows, strict=True)]
    excess = sum(widths) + 2 * (len(widths) - 1) - width
    widths[0] = max(min(NARROWEST, widths[0]), widths[0] - max(0, excess))
    done = []
    for row in (headings, *rows):
        cells = [
            _shorten(cell, w).ljust(w) if text else cell.rjust(w) for cell, text, w in zip(row, texts, widths, strict=True)
        ]
        done.append("  ".join(cells).rstrip())
    done.insert(1, "─" * max(map(len, done)))
    return done


def hang(title: str, text: str, width: int) -> list[str]:
    """A title and a text broken at spaces, its further lines under its first."""
    return textwrap.wrap(title + text, max(width, 40), subsequent_indent=" " * len(title), break_long_words=False)


def render(report: Report, width: int, columns: Sequence[str] | None = None) -> str:
    """The whole report in at most ``width`` columns of text where names allow it."""
    head = [f"{report.network}: " + ", ".join(f"{name} {dtype} {sizes(shape)}" for name, dtype, shape in report.inputs)]
    head += [f"  assumed, as no size was given: {', '.join(report.assumed)}"] if report.assumed else []
    picked = chosen(report, width, columns)
    rows = [[column.cell(row) for column in picked] for row in report.rows]
    body = lines([column.heading for column in picked], [column.text for column in picked], rows, width)
    facts = [part for line in totals(report) for part in hang(f"{line.title:<15}  ", line.text, width)]
    return "\n".join([*head, "", *body, "", *facts, *(part for note in notes(report) for part in hang("", note, width))])
