"""The plain-text form of a report: one line a layer, columns aligned, names shortened to fit the width."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from atrous.report.receptive import Field
    from atrous.report.report import Report, Row

HEADINGS = ("layer", "operator", "output", "parameters", "MACs", "field", "jump", "")
#: Which columns are text; the others are numbers and align right.
TEXT = {0, 1, 2, 7}
#: The narrowest that a column of text is cut to.
NARROWEST = 12


def sizes(shape: Sequence[object]) -> str:
    """``1×3×224×224``."""
    return "×".join(map(str, shape)) or "scalar"


def field_text(fields: Sequence[Field]) -> str:
    """``35×35``; a star marks branches that are not aligned."""
    return sizes(fields) if fields else "-"


def _jump_text(fields: Sequence[Field]) -> str:
    if not fields or all(field.whole for field in fields):
        return "-"
    jumps = ["-" if field.whole or field.jump is None else str(field.jump) for field in fields]
    return jumps[0] if len(set(jumps)) == 1 else sizes(jumps)


def _cells(row: Row) -> tuple[str, ...]:
    return (
        row.name,
        row.operator,
        sizes(row.output),
        f"{row.parameters:,}" if row.parameters else "",
        f"{row.macs:,}" if row.macs else "",
        field_text(row.fields),
        _jump_text(row.fields),
        " ".join(word for word, said in (("non-linear", not row.linear), ("global", not row.local)) if said),
    )


def _shorten(text: str, width: int) -> str:
    return text if len(text) <= width else "…" + text[len(text) - width + 1 :]


def _table(rows: Sequence[tuple[str, ...]], width: int) -> list[str]:
    widths = [max(map(len, column)) for column in zip(HEADINGS, *rows, strict=True)]
    excess = sum(widths) + 2 * (len(widths) - 1) - width
    # The name of a layer gives way first: its end says more than its beginning.
    widths[0] = max(min(NARROWEST, widths[0]), widths[0] - max(0, excess))
    lines = []
    for row in (HEADINGS, *rows):
        cells = [
            _shorten(cell, w).ljust(w) if i in TEXT else cell.rjust(w)
            for i, (cell, w) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  ".join(cells).rstrip())
    lines.insert(1, "─" * max(map(len, lines)))
    return lines


def byte_text(count: int) -> str:
    """A number of bytes in the largest decimal unit that leaves at least 1: ``102.2 MB``."""
    size, unit = float(count), "B"
    for larger in ("kB", "MB", "GB", "TB"):
        if size < 1000:
            break
        size, unit = size / 1000, larger
    return f"{size:.1f} {unit}" if unit != "B" else f"{count} B"


def render(report: Report, width: int) -> str:
    """The whole report in at most ``width`` columns where names allow it."""
    from atrous.report.report import CONVENTION

    head = [f"{report.network}: " + ", ".join(f"{name} {dtype} {sizes(shape)}" for name, dtype, shape in report.inputs)]
    head += [f"  assumed, as no size was given: {', '.join(report.assumed)}"] if report.assumed else []
    arrows = ", ".join(f"{name} {dtype} {sizes(shape)}" for name, dtype, shape in report.outputs)
    total = [
        f"output           {arrows}",
        f"parameters       {report.parameters:,} ({byte_text(report.weight_bytes)})",
        f"MACs             {report.macs:,}",
        f"receptive field  {field_text(report.fields)}",
        f"non-linear       {sum(not row.linear for row in report.rows)} of {len(report.rows)} layers",
        f"MACs are {CONVENTION}.",
    ]
    if any(not field.aligned for row in report.rows for field in row.fields):
        total.append("* the branches that meet here are not aligned: the field is the hull of all of them.")
    return "\n".join([*head, "", *_table([_cells(row) for row in report.rows], width), "", *total])
