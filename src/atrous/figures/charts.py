"""Charts and bars as marks: every point and bar carries its number, so that nothing has to be read off an axis."""

from __future__ import annotations

from collections.abc import Iterator
from math import log10

from atrous.figures.drawing import Anchor, Label, Layer, Mark, Path, Rect, text_width
from atrous.figures.scene import Bars, Chart, Series
from atrous.figures.size import Size
from atrous.figures.style import Ink
from atrous.figures.text import number

WIDTH, HEIGHT = 620.0, 320.0
LEFT, BELOW = 64.0, 56.0
BAR, BAR_ROOM, LONGEST = 34.0, 78.0, 460.0
CURVES = (Ink.FIRST, Ink.SECOND, Ink.THIRD)


def chart_size(chart: Chart) -> Size:
    """The plot with its axes and the names of the curves."""
    return Size(LEFT + WIDTH + 24, HEIGHT + BELOW, 0.0)


def chart_marks(chart: Chart, x: float, y: float) -> Iterator[Mark]:
    """Two axes from zero, curves through dots, the names of the curves in the upper left."""
    left, bottom = x + LEFT, y + HEIGHT
    x_top, y_top = chart.reach[0], chart.reach[1] * 1.12
    yield Path(((left, y), (left, bottom), (left + WIDTH, bottom)), Ink.AXIS, Layer.GROUND)
    yield Label(left + WIDTH / 2, bottom + 42, chart.x_name, 14, Ink.FAINT)
    yield Label(x, y - 12, chart.y_name, 14, Ink.FAINT, Anchor.START)
    for tick in sorted({point[0] for series in chart.series for point in series.points}):
        yield Label(left + (WIDTH - 40) * tick / x_top, bottom + 18, f"{tick:,.0f}", 13, Ink.FAINT)
    for i, (series, ink) in enumerate(zip(chart.series, CURVES, strict=False)):
        scale = ((WIDTH - 40) / x_top, HEIGHT / y_top)
        yield from _curve(series, ink, left, bottom, scale, below=i > 0)
        yield Rect(left + 24, y + 12 + 26 * i, 14, 14, ink, Layer.CELLS)
        yield Label(left + 46, y + 19 + 26 * i, series.name, 14, Ink.TEXT, Anchor.START)


def _curve(series: Series, ink: Ink, left: float, bottom: float, scale: tuple[float, float], below: bool) -> Iterator[Mark]:
    points = tuple((left + a * scale[0], bottom - b * scale[1]) for a, b in series.points)
    yield Path(points, ink, Layer.LINKS)
    for (u, v), (_, value) in zip(points, series.points, strict=True):
        yield Rect(u - 4, v - 4, 8, 8, ink, Layer.FRAMES)
        yield Label(u, v + (17 if below else -15), number(value), 13, ink, bold=True)


def bars_size(bars: Bars) -> Size:
    """All bars below each other, with the longest words beside them."""
    words = max(text_width(bar.text, 14) for bar in bars.bars)
    return Size(LONGEST + 12 + words, BAR_ROOM * len(bars.bars) + 30)


def bars_marks(bars: Bars, x: float, y: float) -> Iterator[Mark]:
    """Bars whose length grows by the same step for each factor of ten, over lines at the powers of ten."""
    top = max(1, len(str(max(bar.value for bar in bars.bars))))
    bottom = y + BAR_ROOM * len(bars.bars)
    for power in range(0, top + 1, 1 if top <= 6 else 2 if top <= 14 else 4):
        at = x + LONGEST * power / top
        yield Path(((at, y), (at, bottom)), Ink.LINK, Layer.GROUND)
        yield Label(at, bottom + 14, _power(power), 12, Ink.FAINT)
    yield Label(x + LONGEST + 12, bottom + 14, bars.unit, 12, Ink.FAINT, Anchor.START)
    for i, (bar, ink) in enumerate(zip(bars.bars, CURVES, strict=False)):
        row = y + BAR_ROOM * i
        length = LONGEST * log10(max(1, bar.value)) / top
        yield Label(x + 4, row + 14, bar.name, 14, Ink.TEXT, Anchor.START)
        yield Rect(x, row + 28, max(2.0, length), BAR, ink, Layer.CELLS)
        yield Label(x + length + 10, row + 28 + BAR / 2, bar.text, 14, Ink.TEXT, Anchor.START, bold=True)


def _power(power: int) -> str:
    """Ten to a power.

    >>> _power(0), _power(12)
    ('1', '10¹²')
    """
    return "1" if power == 0 else "10" + str(power).translate(str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹"))
