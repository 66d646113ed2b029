"""The plots of a run: ratios layer by layer, and the roofline, drawn with the marks that figures are made of."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import ceil, floor, log10
from pathlib import Path

from atrous.bench.results import Run
from atrous.bench.rows import Row
from atrous.figures.drawing import Anchor, Drawing, Label, Layer, Mark, Rect, text_width
from atrous.figures.drawing import Path as Line
from atrous.figures.style import LIGHT, Ink
from atrous.figures.svg import to_svg

SIZE, SMALL, SIDE = 13.0, 11.0, 7.0
LINE_HEIGHT, PLOT = 20.0, 520.0
#: A ratio axis reaches at least from half as fast to twice as fast.
LEAST_REACH = 2.0
#: Left, top, right and bottom.
Box = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Axis:
    """A logarithmic axis: from ``low`` to ``high`` over pixels from ``start`` to ``end``."""

    low: float
    high: float
    start: float
    end: float

    def at(self, value: float) -> float:
        """Where a value lies."""
        share = (log10(value) - log10(self.low)) / (log10(self.high) - log10(self.low))
        return self.start + share * (self.end - self.start)

    def decades(self) -> list[float]:
        """The powers of ten on it."""
        return [10.0**power for power in range(ceil(log10(self.low) - 1e-9), floor(log10(self.high) + 1e-9) + 1)]


def write_plots(run: Run, folder: Path) -> list[Path]:
    """``ratio.svg`` and ``roofline.svg`` in a folder, which is made; what has no numbers is left out."""
    folder.mkdir(parents=True, exist_ok=True)
    drawings = {"ratio": ratio_plot(run.rows), "roofline": roofline(run)}
    made = []
    for name, drawing in drawings.items():
        if drawing is not None:
            made.append(folder / f"{name}.svg")
            made[-1].write_text(to_svg(drawing, LIGHT), encoding="utf-8")
    return made


def ratio_plot(rows: Sequence[Row]) -> Drawing | None:
    """How many times as fast as the best peer each case is, and as PyTorch's default; 1 is a line."""
    shown = [row for row in rows if row.to_best() is not None]
    if not shown:
        return None
    families = list(dict.fromkeys(row.family for row in shown))
    shown.sort(key=lambda row: families.index(row.family))
    ratios = [value for row in shown for value in (row.to_best(), row.to_default()) if value is not None]
    left = 28 + max(text_width(row.name, SIZE) for row in shown) + max(text_width(row.family, SMALL) for row in shown) + 12
    axis = Axis(min(1 / LEAST_REACH, *ratios) / 1.1, max(LEAST_REACH, *ratios) * 1.1, left, left + PLOT)
    bottom = 64 + LINE_HEIGHT * len(shown)
    marks = list(_ratio_frame(axis, 56, bottom))
    for i, row in enumerate(shown):
        marks += _ratio_row(row, axis, 64 + LINE_HEIGHT * (i + 0.5))
    told = "; ".join(f"{row.name} {row.to_best():.2f}" for row in shown)
    return Drawing.of(left + PLOT + 70, bottom + 36, marks, "Speed of atrous over that of the best peer", told)


def _ratio_frame(axis: Axis, top: float, bottom: float) -> Iterator[Mark]:
    yield Label(
        16, 24, "times as fast as the best peer (bars) and as PyTorch's default (squares)", SIZE, Ink.TEXT, Anchor.START
    )
    steps = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100)
    for step in steps:
        if axis.low <= step <= axis.high:
            yield Line(((axis.at(step), top), (axis.at(step), bottom)), Ink.STRONG if step == 1 else Ink.LINK, Layer.GROUND)
            yield Label(axis.at(step), bottom + 16, f"{step:g}", SMALL, Ink.FAINT)


def _ratio_row(row: Row, axis: Axis, y: float) -> Iterator[Mark]:
    best, default = row.to_best(), row.to_default()
    assert best is not None
    yield Label(16, y, row.name, SIZE, Ink.TEXT, Anchor.START)
    yield Label(axis.start - 12, y, row.family, SMALL, Ink.FAINT, Anchor.END)
    one, end = axis.at(1), axis.at(best)
    yield Rect(min(one, end), y - 5, abs(end - one), 10, Ink.FIRST if best >= 1 else Ink.SECOND)
    if default is not None:
        yield Rect(axis.at(default) - SIDE / 2, y - SIDE / 2, SIDE, SIDE, Ink.THIRD, Layer.FRAMES)
    yield Label(axis.end + 12, y, f"{best:.2f}", SIZE, Ink.TEXT, Anchor.START, bold=best < 1)


def roofline(run: Run) -> Drawing | None:
    """Rates over FLOP a byte, under what multiply-adds and each level of the memory allow (Williams et al., 2009).

    Both count FLOP on real elements only: what is never computed cannot lie above the roof.
    """
    peak = run.peak()
    points = [(row, row.real_flop / row.bytes) for row in run.rows if row.rate("atrous") and row.real_flop]
    if peak is None or not points:
        return None
    rates = [rate for row, _ in points for peer in ("atrous", row.best_peer()) if (rate := _real_rate(row, peer)) is not None]
    across = Axis(min(x for _, x in points) / 2, max(x for _, x in points) * 2, 76, 76 + 760)
    up = Axis(min(rates) / 2, 1.5 * max(*rates, peak), 500, 56)
    marks, taken = [*_roof_frame(across, up)], list[Box]()
    marks += _roofs(run, peak, across, up, taken)
    taken += [(x - 6, y - 6, x + 6, y + 6) for row, at in points for x, y in [_place(row, at, across, up)]]
    for row, at in points:
        marks += _roof_point(row, *_place(row, at, across, up), up, taken)
    told = "; ".join(
        f"{row.name} {(_real_rate(row, 'atrous') or 0) / 1e9:.0f} GFLOP/s at {x:.1f} FLOP a byte" for row, x in points
    )
    return Drawing.of(across.end + 70, up.start + 56, marks, "Roofline of the machine, and where each layer lies", told)


def _real_rate(row: Row, peer: str | None) -> float | None:
    """FLOP on real elements a second."""
    rate = None if peer is None else row.rate(peer)
    return None if rate is None else rate * row.real_flop / row.flop


def _place(row: Row, at: float, across: Axis, up: Axis) -> tuple[float, float]:
    return across.at(at), up.at(_real_rate(row, "atrous") or up.low)


def _roof_frame(across: Axis, up: Axis) -> Iterator[Mark]:
    corners = ((across.start, up.end), (across.start, up.start), (across.end, up.start))
    yield Line(corners, Ink.AXIS, Layer.GROUND)
    heading = "GFLOP/s of atrous (large squares) and of the best peer (small ones); a line joins the two"
    yield Label(16, 24, heading, SIZE, Ink.TEXT, Anchor.START)
    below = "FLOP on real elements for each byte of input, weights and output"
    yield Label((across.start + across.end) / 2, up.start + 40, below, SIZE, Ink.FAINT)
    for decade in across.decades():
        yield Label(across.at(decade), up.start + 16, f"{decade:g}", SMALL, Ink.FAINT)
    for decade in up.decades():
        yield Label(across.start - 8, up.at(decade), f"{decade / 1e9:g}", SMALL, Ink.FAINT, Anchor.END)


def _roofs(run: Run, peak: float, across: Axis, up: Axis, taken: list[Box]) -> Iterator[Mark]:
    """The flat roof of the multiply-adds, and one slope for each level."""
    top = up.at(peak)
    yield Line(((across.start, top), (across.end, top)), Ink.STRONG, Layer.GROUND)
    yield from _words(f"multiply-adds: {peak / 1e9:.0f} GFLOP/s", across.start + 6, top - 10, taken)
    for level, bandwidth in run.bandwidth.items():
        first, last = max(across.low, up.low / bandwidth), min(across.high, peak / bandwidth)
        if first < last:
            ends = ((across.at(first), up.at(first * bandwidth)), (across.at(last), up.at(last * bandwidth)))
            yield Line(ends, Ink.LINK, Layer.GROUND)
            yield from _words(f"{level}: {bandwidth / 1e9:.0f} GB/s", ends[0][0] + 6, ends[0][1] - 4, taken)


def _roof_point(row: Row, x: float, y: float, up: Axis, taken: list[Box]) -> Iterator[Mark]:
    best = _real_rate(row, row.best_peer())
    if best is not None:
        yield Line(((x, y), (x, up.at(best))), Ink.LINK, Layer.LINKS)
        yield Rect(x - 2, up.at(best) - 2, 4, 4, Ink.SECOND, Layer.LINKS)
    yield Rect(x - SIDE / 2, y - SIDE / 2, SIDE, SIDE, Ink.FIRST, Layer.FRAMES)
    yield from _words(row.name, x + 8, y, taken)


def _words(text: str, x: float, y: float, taken: list[Box]) -> Iterator[Mark]:
    """Words at a place, or a little above or below it where others stand; nowhere if there is no room."""
    width = text_width(text, SMALL)
    for down in (0.0, 11.0, -11.0, 22.0, -22.0, 33.0):
        box = (x, y + down - 5, x + width, y + down + 5)
        if not any(_meet(box, other) for other in taken):
            taken.append(box)
            yield Label(x, y + down, text, SMALL, Ink.FAINT, Anchor.START, rim=True)
            return


def _meet(one: Box, other: Box) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]
