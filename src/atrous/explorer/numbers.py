"""A report as the page's table of layers, and activation maps as pictures: plain data for JSON."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from typing import Any

import numpy as np

from atrous.figures.colours import coloured
from atrous.geometry import IndexSet
from atrous.graph.fact import Array
from atrous.report import Figure, Report, Row
from atrous.report.columns import field_text, sizes
from atrous.report.totals import notes, totals
from atrous.tiled.preview import encode_png, fitted, shrunk_size

#: The longer side of a small picture of a map, in pixels, and how many maps are shown at once.
THUMB, MAPS = 96, 64
#: So many numbers of a vector are shown, the largest first.
LARGEST = 10


def table(report: Report) -> dict[str, Any]:
    """The layers with the numbers of ``atrous inspect``; what is not known is null, with the reason."""
    return {
        "layers": [_row(row) for row in report.rows],
        "totals": [[line.title, line.text] for line in totals(report)],
        "notes": list(notes(report)),
        "assumed": list(report.assumed),
    }


def _row(row: Row) -> dict[str, Any]:
    return {
        "name": row.name,
        "operator": row.operator,
        "output": sizes(row.output),
        "parameters": _number(row.costs.parameters),
        "macs": _number(row.costs.macs),
        "field": field_text(row.fields),
        "jump": sizes(sorted({str(field.jump) for field in row.fields if field.jump is not None and not field.whole})),
        "linear": row.linear,
        "local": row.local,
    }


def _number(figure: Figure[int]) -> str | None:
    """A whole number as text, as JavaScript's numbers end at 2**53."""
    return None if figure.known is None else str(figure.known)


def picture_data(pixels: Array) -> str:
    """An image as the address of a picture in a page."""
    return "data:image/png;base64," + b64encode(encode_png(pixels)).decode()


def maps_data(values: Array, first: int) -> dict[str, Any]:
    """Activation maps (channels, rows, columns) from ``first`` on, each drawn small."""
    shown = values[first : first + MAPS]
    return {
        "kind": "maps",
        "count": len(values),
        "first": first,
        "size": list(values.shape[1:]),
        "maps": [map_data(each, first + i, THUMB) for i, each in enumerate(shown)],
    }


def map_data(values: Array, channel: int, side: int) -> dict[str, Any]:
    """One map as a picture of at most ``side`` pixels, with what its colours stand for."""
    finite = values[np.isfinite(values)]
    height, width = shrunk_size(values.shape[0], values.shape[1], side)
    small = values if (height, width) == values.shape else fitted(values, height, width)
    return {
        "channel": channel,
        "picture": picture_data(coloured(small, values)),
        "drawn": [height, width],
        "min": _value(finite.min(initial=np.inf)),
        "max": _value(finite.max(initial=-np.inf)),
        "odd": int(values.size - finite.size),
    }


def vector_data(values: Array) -> dict[str, Any]:
    """A vector, such as the scores of a classifier: its largest numbers."""
    order = np.argsort(-values, kind="stable")[:LARGEST]
    return {
        "kind": "vector",
        "count": len(values),
        "largest": [[int(place), _value(values[place])] for place in order],
        "min": _value(values.min()),
        "max": _value(values.max()),
    }


def _value(number: Any) -> float | None:
    """A number for JSON, which has neither infinity nor NaN."""
    return float(number) if np.isfinite(number) else None


def field_data(sets: Sequence[IndexSet]) -> list[dict[str, Any]]:
    """The inputs that a unit reads on each axis, as runs ``[lo, hi)``."""
    return [
        {"runs": [list(run) for run in each.runs], "span": list(each.span), "read": len(each), "holes": len(each.holes)}
        for each in sets
    ]


def field_words(sets: Sequence[IndexSet], shape: Sequence[int]) -> str:
    """Rows and columns that a unit reads, said as a sentence.

    >>> field_words([IndexSet(((2, 5),)), IndexSet(((0, 1), (2, 3)))], (9, 9))
    'It reads rows 2 to 4 and columns 0 to 2 of the image: 3 × 3 pixels, of which 6 are read (holes: 0 rows and 1 column).'
    """
    if not all(each.runs for each in sets):
        return "It reads no pixel of the image: only padding, or constants."
    rows, columns = (_stretch(each, name, size) for each, name, size in zip(sets, ("row", "column"), shape, strict=True))
    spans = " × ".join(str(each.extent) for each in sets)
    text = f"It reads {rows} and {columns} of the image: {spans} pixels"
    if not any(each.holes.runs for each in sets):
        return text + ", every one of them."
    read = len(sets[0]) * len(sets[1])
    holes = " and ".join(_plural(len(each.holes), name) for each, name in zip(sets, ("row", "column"), strict=True))
    return f"{text}, of which {read:,} are read (holes: {holes})."


def _stretch(each: IndexSet, name: str, size: int) -> str:
    lo, hi = each.span
    if (lo, hi) == (0, size):
        return f"all {_plural(size, name)}"
    return f"{name} {lo}" if hi == lo + 1 else f"{name}s {lo} to {hi - 1}"


def _plural(count: int, noun: str) -> str:
    return f"{count} {noun}" + "s" * (count != 1)
