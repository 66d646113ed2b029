"""The suites of layers: every line is a problem, written as problems are, and the tour is part of the whole."""

from __future__ import annotations

from pathlib import Path

import pytest

from atrous.bench import suites
from atrous.problem import Problem

SUITES = Path(suites.__file__).parent


def rows(name: str) -> list[tuple[str, str]]:
    lines = (SUITES / name).read_text(encoding="utf-8").splitlines()
    found = [line.partition(" ") for line in lines if line and not line.startswith("#")]
    return [(head, problem) for head, _, problem in found]


@pytest.mark.parametrize("name", ["full.txt", "tour.txt"])
def test_every_line_is_a_named_problem(name: str) -> None:
    found = rows(name)
    assert len({head for head, _ in found}) == len(found)
    assert [str(Problem.parse(problem)) for _, problem in found] == [problem for _, problem in found]


def test_the_tour_is_part_of_the_whole_and_visits_every_kind() -> None:
    tour = [Problem.parse(problem) for _, problem in rows("tour.txt")]
    assert set(rows("tour.txt")) <= set(rows("full.txt"))
    assert {problem.axes for problem in tour} == {1, 2, 3}
    assert any(problem.transposed for problem in tour)
    assert any(problem.groups == problem.channels > 1 for problem in tour)
    assert any(max(problem.dilations) > 1 for problem in tour)
