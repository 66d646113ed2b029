"""The suites that come with the package: every line reads, and the tour is part of the whole and visits every kind."""

from __future__ import annotations

import pytest

from atrous.bench.family import FAMILIES
from atrous.bench.suites import LayerCase, read_suite


@pytest.mark.parametrize("name", ["full", "tour"])
def test_every_line_is_a_named_problem_as_it_is_printed(name: str) -> None:
    from importlib import resources

    from atrous.bench import suites

    text = (resources.files(suites) / f"{name}.txt").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    assert [str(case) for case in read_suite(name)] == lines


def test_the_tour_is_part_of_the_whole_and_visits_every_kind() -> None:
    tour = [case for case in read_suite("tour") if isinstance(case, LayerCase)]
    assert set(tour) <= set(read_suite("full"))
    assert {case.family for case in tour} == {name for name, _ in FAMILIES}
    assert any(max(case.problem.dilations) > 1 for case in tour)
