"""Charts: numbers at points and along the axis do not run into each other, whatever the curves are."""

from __future__ import annotations

from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from atrous.figures.charts import chart_marks, chart_size
from atrous.figures.drawing import Anchor, Label, text_width
from atrous.figures.scene import Chart, Series
from atrous.figures.scenes.growth import growth

counts = st.lists(st.integers(1, 100_000), min_size=1, max_size=12, unique=True)


def labels(chart: Chart) -> list[Label]:
    return [mark for mark in chart_marks(chart, 0, 0) if isinstance(mark, Label)]


def extent(label: Label) -> tuple[float, float, float, float]:
    width = text_width(label.text, label.size, label.bold)
    left = label.x - {Anchor.START: 0.0, Anchor.MIDDLE: width / 2, Anchor.END: width}[label.anchor]
    return left, label.y - label.size / 2, left + width, label.y + label.size / 2


def meet(one: Label, other: Label) -> bool:
    (a, b, c, d), (e, f, g, h) = extent(one), extent(other)
    return a < g and e < c and b < h and f < d


def test_the_words_of_the_growth_are_apart_at_every_step() -> None:
    for scene in growth(5):
        (chart,) = (part for part in scene.bands[0] if isinstance(part, Chart))
        assert [(a.text, b.text) for a, b in combinations(labels(chart), 2) if meet(a, b)] == []
        assert max(extent(label)[2] for label in labels(chart)) <= chart_size(chart).width


@given(counts)
def test_the_numbers_of_an_axis_are_apart_and_start_with_the_first(places: list[int]) -> None:
    points = tuple((place, 1) for place in sorted(places))
    chart = Chart("x", "y", (Series("a", points),), (max(places), 1))
    ticks = [label for label in labels(chart) if not label.bold and label.text not in ("x", "y", "a")]
    assert ticks[0].text == f"{min(places):,}"
    assert not any(meet(a, b) for a, b in combinations(ticks, 2))


def test_every_point_carries_its_number() -> None:
    chart = Chart("x", "y", (Series("a", ((1, 7), (2, 8))), Series("b", ((1, 7), (2, 9)))), (2, 9))
    assert sorted(label.text for label in labels(chart) if label.bold) == ["7", "7", "8", "9"]
