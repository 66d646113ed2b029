"""``atrous plan PROBLEM`` and ``atrous tune``."""

from __future__ import annotations

from pathlib import Path

import pytest

PROBLEM = "conv:f32:c8:i12x12:k16:w3x3:p1"


def test_a_problem_is_explained(atrous) -> None:
    outcome = atrous("plan", PROBLEM)
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out.startswith(f"{PROBLEM}: 166 k multiply-adds ")
    assert sum(line.startswith("→") for line in outcome.out.splitlines()) == 1
    assert all(word in outcome.out for word in ("cycles", "of peak", "bound by", "from memory", "layouts"))


@pytest.mark.parametrize("width", [50, 80, 100])
def test_an_explanation_fits_the_terminal_with_whole_numbers(atrous, monkeypatch: pytest.MonkeyPatch, width: int) -> None:
    """Columns are left out where there is no room; those that are shown are as in a wide terminal."""
    tables = []
    for columns in (200, width):
        monkeypatch.setenv("COLUMNS", str(columns))
        printed = atrous("plan", PROBLEM).out.splitlines()
        assert max(map(len, printed)) <= columns
        heading = next(number for number, line in enumerate(printed) if line.split()[:1] == ["plan"])
        tables.append([line.split() for line in printed[heading + 1 :]])
    wide, narrow = tables
    assert len(narrow) == len(wide) > 2
    assert all(few == many[: len(few)] for few, many in zip(narrow, wide, strict=True))


def test_tuning_prints_the_fastest_and_plan_knows_it(atrous, tmp_path: Path) -> None:
    outcome = atrous("tune", PROBLEM, "--seconds", 20, "--export", tmp_path / "wisdom.txt")
    assert (outcome.code, outcome.err) == (0, "")
    assert "1 convolution tuned in " in outcome.out
    assert f"{PROBLEM} rows>rows" in outcome.out
    assert " µs" in atrous("plan", PROBLEM).out
    assert PROBLEM in (tmp_path / "wisdom.txt").read_text()
    again = atrous("tune", "--import", tmp_path / "wisdom.txt")
    assert again.code == 0
    assert " lines taken, 0 refused" in again.out


def test_a_network_is_tuned(atrous) -> None:
    outcome = atrous("tune", "lenet", "-i", "1x1x32x32", "--seconds", 10)
    assert outcome.code == 0
    assert "convolutions tuned in " in outcome.out


def test_foreign_wisdom_is_refused(atrous, tmp_path: Path) -> None:
    file = tmp_path / "foreign.txt"
    file.write_text(f"z80-1 llvm1 atrous0 t1 {PROBLEM} rows>rows = direct p4v1 i1 @ 1.0us\n")
    outcome = atrous("tune", "--import", file)
    assert outcome.code == 2
    assert "all refused; line 1" in outcome.err
    assert "CPU z80-1 (here " in outcome.err


def test_wrong_use_is_told(atrous, tmp_path: Path) -> None:
    for arguments, message in (
        (("tune",), "NET: nothing to tune; name a network or a problem, or give --import or --export"),
        (("tune", PROBLEM, "-i", "1x3"), "--input: a problem says its sizes itself; leave it out"),
        (("plan", PROBLEM, tmp_path), "INPUT: got "),
        (("plan", "lenet"), "INPUT: lenet is a network: say which input it would run over, or give a problem"),
        (("plan", "conv:f32:c3"), "problem: 'conv:f32:c3', position 12: field 'i' is missing"),
    ):
        outcome = atrous(*arguments)
        assert outcome.code == 2
        assert message in outcome.err
