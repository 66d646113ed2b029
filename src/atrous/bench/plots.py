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
    """Rates over FLOP a byte, under what multiply-adds and each level of the memory allow (Williams et al., 2009)."""
    peak = run.peak()
    points = [(row, row.real_flop / row.bytes, rate) for row in run.rows if (rate := row.rate("atrous")) and row.real_flop]
    if peak is None or not points:
        return None
    rates = [rate for _, _, rate in points] + [
        rate for row in run.rows if (rate := row.rate(row.best_peer() or "")) is not None
    ]
    across = Axis(min(x for _, x, _ in points) / 2, max(x for _, x, _ in points) * 2, 76, 76 + 760)
    up = Axis(min(rates) / 2e9, 1.5 * max(*rates, peak) / 1e9, 500, 56)
    marks = [*_roof_frame(across, up), *_roofs(run, peak, across, up)]
    taken: list[tuple[float, float]] = []
    for row, x, rate in points:
        marks += _roof_point(row, across.at(x), up, rate, taken)
    told = "; ".join(f"{row.name} {rate / 1e9:.0f} GFLOP/s at {x:.1f} FLOP a byte" for row, x, rate in points)
    return Drawing.of(across.end + 24, up.start + 56, marks, "Roofline of the machine, and where each layer lies", told)


def _roof_frame(across: Axis, up: Axis) -> Iterator[Mark]:
    corners = ((across.start, up.end), (across.start, up.start), (across.end, up.start))
    yield Line(corners, Ink.AXIS, Layer.GROUND)
    yield Label(
        16, 24, "GFLOP/s: atrous (filled) and the best peer (small); a line joins the two", SIZE, Ink.TEXT, Anchor.START
    )
    yield Label(
        (across.start + across.end) / 2,
        up.start + 40,
        "FLOP on real elements for each byte of input, weights and output",
        SIZE,
        Ink.FAINT,
    )
    for decade in across.decades():
        yield Label(across.at(decade), up.start + 16, f"{decade:g}", SMALL, Ink.FAINT)
    for decade in up.decades():
        yield Label(across.start - 8, up.at(decade), f"{decade:g}", SMALL, Ink.FAINT, Anchor.END)


def _roofs(run: Run, peak: float, across: Axis, up: Axis) -> Iterator[Mark]:
    """The flat roof of the multiply-adds, and one slope for each level."""
    top = up.at(peak / 1e9)
    yield Line(((across.start, top), (across.end, top)), Ink.STRONG, Layer.GROUND)
    yield Label(across.end, top - 10, f"multiply-adds: {peak / 1e9:.0f} GFLOP/s", SMALL, Ink.FAINT, Anchor.END)
    for level, bandwidth in run.bandwidth.items():
        first = max(across.low, up.low * 1e9 / bandwidth)
        last = min(across.high, peak / bandwidth)
        if first < last:
            ends = ((across.at(first), up.at(first * bandwidth / 1e9)), (across.at(last), up.at(last * bandwidth / 1e9)))
            yield Line(ends, Ink.LINK, Layer.GROUND)
            yield Label(ends[0][0] + 6, ends[0][1] - 10, f"{level}: {bandwidth / 1e9:.0f} GB/s", SMALL, Ink.FAINT, Anchor.START)


def _roof_point(row: Row, x: float, up: Axis, rate: float, taken: list[tuple[float, float]]) -> Iterator[Mark]:
    y, best = up.at(rate / 1e9), row.rate(row.best_peer() or "")
    if best is not None:
        other = up.at(best / 1e9)
        yield Line(((x, y), (x, other)), Ink.LINK, Layer.LINKS)
        yield Rect(x - 2, other - 2, 4, 4, Ink.SECOND, Layer.LINKS)
    yield Rect(x - SIDE / 2, y - SIDE / 2, SIDE, SIDE, Ink.FIRST, Layer.FRAMES)
    places = ((x + 7, y), (x + 7, y + 11), (x + 7, y - 11))
    free = [place for place in places if all(abs(place[0] - u) > 90 or abs(place[1] - v) > 10 for u, v in taken)]
    if free:
        taken.append(free[0])
        yield Label(*free[0], row.name, SMALL, Ink.FAINT, Anchor.START)
