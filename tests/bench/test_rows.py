"""Ratios, shares and means of hand-made rows, and what is said of them."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from atrous.bench.plots import write_plots
from atrous.bench.race import Measured, Missing, Outcome, Settings
from atrous.bench.results import Run, document, write_json
from atrous.bench.rows import Row, means, notes
from atrous.bench.statistics import Times
from atrous.cli.bench_table import machine_line, mean_table, row_table
from tests.bench.fakes import fake, right


def took(seconds: float, error: float = 1e-7) -> Measured:
    return Measured(Times(seconds, seconds * 0.9, seconds * 1.1, seconds * 0.8, 10), error, memory=50_000_000)


def row(name: str = "one", family: str = "dense", **seconds: float) -> Row:
    outcomes: dict[str, Outcome] = {peer.replace("_", "."): took(each) for peer, each in seconds.items()}
    return Row(name, family, "conv:f32:c1:i9:k1:w3", 1000, 500, 100, outcomes, peak=2e6, bandwidth=1e5, level="L1")


ONE = row(atrous=0.001, atrous_conv=0.004, torch=0.003, torch_cl=0.002)
TWO = row("two", "1-d", atrous=0.002, torch=0.001)


def run_of(*rows: Row) -> Run:
    machine = {"cpu": "A CPU", "llvm_name": "generic"}
    return Run(
        "mine", "float32", 2, Settings(), machine, {"torch": "2"}, ["jax"], {"L1": 1e11, "memory": 1e10}, rows, ["a note"]
    )


def test_ratios_are_their_time_over_ours() -> None:
    assert ONE.best_peer() == "torch.cl"
    assert ONE.to_best() == 2
    assert ONE.to_default() == 3
    assert ONE.to_default("atrous.conv") == 0.75
    assert TWO.to_best() == 0.5


def test_our_own_calls_are_never_the_best_peer() -> None:
    assert row(atrous=0.002, atrous_conv=0.001).best_peer() is None
    assert row(atrous=0.002).to_best() is None
    assert row(torch=0.002).to_best() is None


def test_shares_of_the_peak_and_of_the_roof() -> None:
    assert ONE.rate("atrous") == 1e6
    assert ONE.of_peak() == 0.5
    # 100 bytes at 1e5 a second take as long as 1000 nominal FLOP at 1e6: less than the work on real elements needs
    assert ONE.roof() == 1e6
    assert ONE.of_roof() == 1.0
    assert replace(ONE, bandwidth=None).roof() == 4e6
    assert replace(ONE, peak=None).of_peak() is None
    assert replace(ONE, peak=None).of_roof() is None


def test_means_by_family_and_over_all() -> None:
    dense, short, everything = means([ONE, TWO])
    assert (dense.family, short.family, everything.family) == ("dense", "1-d", "all")
    assert dense.to_best == 2
    assert everything.to_best is not None
    assert math.isclose(everything.to_best, 1.0)
    assert everything.least_to_best == 0.5
    assert everything.rows == 2
    assert [line.family for line in means([ONE])] == ["dense"]


def test_notes_name_what_is_missing_wrong_or_unquiet() -> None:
    bad: dict[str, Outcome] = {
        "atrous": took(1),
        "torch": Missing("failed", "its process ended with SIGSEGV"),
        "jax": took(1, error=0.5),
        "scipy": took(1, error=math.nan),
    }
    told = list(notes([replace(ONE, outcomes=bad, restless=True)], [fake("openvino", right, "openvino")]))
    assert told == [
        "openvino: absent; pip install openvino",
        "torch on one: failed: its process ended with SIGSEGV",
        "jax on one: its result is wrong by 5e-01",
        "scipy on one: its result is wrong by nan",
        "the machine was busy during one: its own peak varied by more than 15%",
    ]


def printed(*rows: Row, width: int = 240) -> str:
    console = Console(width=width, force_terminal=False)
    with console.capture() as capture:
        console.print(row_table(rows, width))
        console.print(mean_table(rows))
    return capture.get()


def test_the_table_shows_every_peer_where_there_is_room() -> None:
    wide = printed(ONE, TWO)
    assert "torch.cl" in wide.splitlines()[2]
    (line,) = (line for line in wide.splitlines() if line.startswith(" one"))
    assert line.split() == [
        *("one", "dense", "0", "1.000", "0.001", "0.00025", "0.00033", "0.0005", "torch.cl", "2.00", "3.00", "0.75"),
        *("1e-07", "50%", "100%"),
    ]
    narrow = printed(ONE, TWO, width=120)
    assert "conv × torch" in narrow.splitlines()[2]
    assert max(map(len, narrow.splitlines())) <= 120


def test_networks_are_told_in_milliseconds_and_megabytes() -> None:
    (line,) = (line for line in printed(replace(ONE, family="network")).splitlines() if line.startswith(" one"))
    assert line.split()[3:11] == ["1.000", "4.000", "3.000", "2.000", "50", "50", "50", "50"]


def test_the_machine_stands_above_the_table() -> None:
    assert machine_line(run_of(ONE)) == (
        "A CPU (generic), 2 threads, float32\nat most: multiply-adds 0 GFLOP/s; copies in GB/s: L1 100, memory 10\ntorch 2"
    )


def test_json_holds_every_number_with_its_unit(tmp_path: Path) -> None:
    run = run_of(ONE, replace(TWO, outcomes={**TWO.outcomes, "jax": Missing("unsupported", "no"), "x": took(1, math.inf)}))
    write_json(run, tmp_path / "new" / "run.json")
    read = json.loads((tmp_path / "new" / "run.json").read_text())
    assert read == json.loads(json.dumps(document(run)))
    first, second = read["rows"]
    assert first["pass"] == "forward"
    assert first["ratio_to_best"] == 2
    assert first["peers"]["torch"]["median_seconds"] == 0.003
    assert first["peers"]["torch"]["memory_bytes"] == 50_000_000
    assert second["peers"]["jax"] == {"unsupported": "no"}
    assert second["peers"]["x"]["error"] == "inf"
    assert read["absent"] == ["jax"]
    assert {line["family"] for line in read["means"]} == {"dense", "1-d", "all"}


def test_plots_show_every_row(tmp_path: Path) -> None:
    made = write_plots(run_of(ONE, TWO), tmp_path / "plots")
    assert [path.name for path in made] == ["ratio.svg", "roofline.svg"]
    for path in made:
        text = path.read_text()
        assert ">one</text>" in text
        assert ">two</text>" in text


@pytest.mark.parametrize("rows", [[], [row(atrous=0.001)]])
def test_plots_without_numbers_are_left_out(rows: list[Row], tmp_path: Path) -> None:
    assert [path.name for path in write_plots(run_of(*rows), tmp_path)] == (["roofline.svg"] if rows else [])
