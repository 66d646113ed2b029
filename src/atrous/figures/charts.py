"""Charts and bars as marks: every point and bar carries its number, so that nothing has to be read off an axis."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import log10

from atrous.figures.drawing import Anchor, Label, Layer, Mark, Path, Rect, text_width
from atrous.figures.scene import Bars, Chart, Series
from atrous.figures.size import Size
from atrous.figures.style import Ink
from atrous.figures.text import number

WIDTH, HEIGHT = 560.0, 320.0
LEFT, BELOW = 64.0, 56.0
BAR, BAR_ROOM, LONGEST = 34.0, 78.0, 460.0
#: Left, top, right and bottom.
Box = tuple[float, float, float, float]
CURVES = (Ink.FIRST, Ink.SECOND, Ink.THIRD)
#: More points than this are drawn smaller.
MANY = 20


def chart_size(chart: Chart) -> Size:
    """The plot with its axes, and the names of the curves to its right."""
    names = max(text_width(series.name, 14) for series in chart.series)
    return Size(LEFT + WIDTH + 38 + names, HEIGHT + BELOW, 0.0)


def chart_marks(chart: Chart, x: float, y: float) -> Iterator[Mark]:
    """Two axes from zero, curves through dots, the names of the curves to their right."""
    left, bottom, right = x + LEFT, y + HEIGHT, x + LEFT + WIDTH
    scale = ((WIDTH - 40) / chart.reach[0], HEIGHT / (chart.reach[1] * 1.12))
    yield Path(((left, y), (left, bottom), (right, bottom)), Ink.AXIS, Layer.GROUND)
    yield Label((left + right) / 2, bottom + 42, chart.x_name, 14, Ink.FAINT)
    yield Label(x, y - 12, chart.y_name, 14, Ink.FAINT, Anchor.START)
    yield from _ticks(chart, left, bottom + 18, scale[0])
    curves = [[(left + a * scale[0], bottom - b * scale[1]) for a, b in series.points] for series in chart.series]
    taken = [(u - 4, v - 4, u + 4, v + 4) for points in curves for u, v in points]
    for i, (series, points, ink) in enumerate(zip(chart.series, curves, CURVES, strict=False)):
        yield from _curve(series, points, ink, taken)
        yield Rect(right + 16, y + 12 + 26 * i, 14, 14, ink, Layer.CELLS)
        yield Label(right + 38, y + 19 + 26 * i, series.name, 14, Ink.TEXT, Anchor.START)


def _ticks(chart: Chart, left: float, y: float, scale: float) -> Iterator[Mark]:
    """The numbers along the lower axis where a point is; those that would run into the one before are left out."""
    end = -1.0
    for tick in sorted({point[0] for series in chart.series for point in series.points}):
        text, at = f"{tick:,.0f}", left + scale * tick
        half = text_width(text, 13) / 2
        if at - half > end:
            yield Label(at, y, text, 13, Ink.FAINT)
            end = at + half + 8


def _curve(series: Series, points: Sequence[tuple[float, float]], ink: Ink, taken: list[Box]) -> Iterator[Mark]:
    yield Path(tuple(points), ink, Layer.LINKS)
    side = 8 if len(points) <= MANY else 4
    # the last point says most: it is first to find room for its number
    for (u, v), (_, value) in reversed(list(zip(points, series.points, strict=True))):
        yield Rect(u - side / 2, v - side / 2, side, side, ink, Layer.FRAMES)
        place = _free(u, v, text_width(number(value), 13, bold=True) / 2, taken)
        if place is not None:
            yield Label(*place, number(value), 13, ink, bold=True)


def _free(u: float, v: float, half: float, taken: list[Box]) -> tuple[float, float] | None:
    """Where the number of a point stands: above it, below, right or left, the first place that nothing else takes, if any."""
    beside = half + 9
    places = ((u, v - 15), (u, v + 16), (u + beside, v), (u - beside, v), (u + beside, v - 11), (u + beside, v + 11))
    boxes = [(x - half, y - 6.5, x + half, y + 6.5) for x, y in places]
    free = next((i for i, box in enumerate(boxes) if not any(_meet(box, other) for other in taken)), None)
    if free is None:
        return None
    taken.append(boxes[free])
    return places[free]


def _meet(one: Box, other: Box) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def bars_size(bars: Bars) -> Size:
    """All bars below each other, with the longest words beside them."""
    words = max(text_width(bars.unit, 12), *(text_width(bar.text, 14, bold=True) for bar in bars.bars))
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
        yield Label(x + 4, row + 14, bar.name, 14, Ink.TEXT, Anchor.START, rim=True)
        yield Rect(x, row + 28, max(2.0, length), BAR, ink, Layer.CELLS)
        yield Label(x + length + 10, row + 28 + BAR / 2, bar.text, 14, Ink.TEXT, Anchor.START, bold=True, rim=True)


def _power(power: int) -> str:
    """Ten to a power.

    >>> _power(0), _power(12)
    ('1', '10¹²')
    """
    return "1" if power == 0 else "10" + str(power).translate(str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹"))
