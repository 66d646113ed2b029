"""A plan's numbers against brute force over all of its tiles, and the memory that real runs take against the plan."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from atrous.errors import ArgumentError
from atrous.geometry import Box
from atrous.tiled import TilePlan, plan
from atrous.tiled.footprint import Job, middle
from atrous.tiled.formats.array import ArraySink, ArraySource
from atrous.tiled.layout import Layout
from atrous.tiled.memory import megabytes, parse_memory, peak_resident, resident
from atrous.tiled.plan import MemoryLine
from atrous.tiled.search import choose, grid_need, tile_counts
from tests.tiled import networks
from tests.tiled.oracle_bound import OracleBound, OracleProgram


def job_of(name: str, shape: tuple[int, ...]) -> Job:
    bound = OracleProgram(networks.LOCAL[name]()).bind({"x": shape})
    identity = Layout((0, 1, 2, 3))
    out = bound.facts[bound.network.outputs[0]].sizes
    return Job(bound, ArraySource(np.zeros(shape, np.float32)), identity, ArraySink(out, np.dtype("float32")), identity)


def all_tiles(job: Job, tile: tuple[int, ...]) -> list[Box]:
    sizes = job.output_fact.sizes
    return list(TilePlan("n", "x", (), "y", sizes, tile, (), 0.0, (), 0).tiles())


@settings(max_examples=30, deadline=None)
@given(st.sampled_from(sorted(networks.LOCAL)), st.integers(10, 80), st.integers(10, 80), st.data())
def test_sums_over_kinds_are_sums_over_tiles(name: str, height: int, width: int, data: st.DataObject) -> None:
    job = job_of(name, (1 if name == "super_resolution" else 2, 1, 2 * height + 1, 2 * width + 1))
    sizes = job.output_fact.sizes
    tile = (1, 1, *(data.draw(st.integers(1 + n // 9, n)) for n in sizes[2:]))
    tiles = all_tiles(job, tile)
    kinds = job.kinds(tile)
    assert sum(kind.count for kind in kinds) == len(tiles)
    assert sum(job.work(kind.box) * kind.count for kind in kinds) == pytest.approx(sum(map(job.work, tiles)))
    need = grid_need(job, tile)
    assert need.total >= max(job.need(box).total for box in tiles)
    assert need.arena == max(job.need(box).arena for box in tiles)
    assert need.tile_in == max(job.need(box).tile_in for box in tiles)


@settings(max_examples=30, deadline=None)
@given(st.sampled_from(sorted(networks.LOCAL)), st.integers(1, 50), st.integers(1, 50), st.integers(1, 50), st.integers(1, 50))
def test_tiles_cover_the_output_once(name: str, height: int, width: int, rows: int, columns: int) -> None:
    sizes = (2, 3, height, width)
    made = TilePlan("n", "x", (), "y", sizes, (1, 3, min(rows, height), min(columns, width)), (), 0.0, (), 0)
    seen = np.zeros(sizes, int)
    boxes = list(made.tiles())
    for box in boxes:
        seen[box.slices()] += 1
    assert (seen == 1).all()
    assert len(boxes) == made.count
    centre = middle(sizes, made.tile)
    assert centre.clip(sizes) == centre
    assert centre.shape == made.tile


def test_the_halo_of_a_stack_of_3x3_layers_is_its_receptive_field() -> None:
    made = plan(OracleProgram(networks.plain()), networks.odd((1, 1, 60, 70)), tile=20)
    assert made.halo == ((0, 0), (0, 0), (4, 4), (4, 4))  # 1 + 2 (dilated) + 1


def test_the_overhead_of_two_halves() -> None:
    """One 3x3 layer computes nothing twice; of two, the first computes one row more for each inner border."""
    s = networks.Sketch("one")
    one = s.done(s.conv("x", 1, 1))
    s = networks.Sketch("two")
    two = s.done(s.conv(s.conv("x", 1, 1), 1, 1))
    x = networks.odd((1, 1, 40, 40))
    assert plan(OracleProgram(one), x, tile=(20, 40)).overhead == 0
    assert plan(OracleProgram(two), x, tile=(20, 40)).overhead == pytest.approx(2 / 80)


@pytest.mark.parametrize("budget", [2_000_000, 500_000, 200_000])
def test_the_chosen_tile_fits_and_a_larger_one_of_its_kind_does_not(budget: int) -> None:
    job = job_of("plain", (1, 1, 900, 1100))
    found = choose(job, budget)
    assert found is not None
    tile, need = found
    assert need.total <= budget
    assert need.total > budget / 4
    assert need == grid_need(job, tile)
    squares = [(1, 1, n, n) for n in range(16, 900, 4)]
    fitting = [square for square in squares if job.need(middle(job.output_fact.sizes, square)).total <= budget]
    best = max(fitting)

    def total(tile: tuple[int, ...]) -> float:
        return sum(job.work(kind.box) * kind.count for kind in job.kinds(tile))

    assert total(tile) <= 1.1 * total(best)


def test_kinds_of_very_many_tiles_are_a_sample() -> None:
    job = job_of("plain", (1, 1, 20, 9000))
    kinds = job.kinds((1, 1, 20, 3))
    assert sum(kind.count for kind in kinds) == pytest.approx(3000)
    exact = sum(map(job.work, all_tiles(job, (1, 1, 20, 3))))
    assert sum(job.work(kind.box) * kind.count for kind in kinds) == pytest.approx(exact, rel=1e-3)


def test_counts_grow_by_steps() -> None:
    assert tile_counts(5) == [1]
    assert tile_counts(1000) == [1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48]


def test_a_plan_explains_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("atrous.tiled.prepare.resident", lambda: 40_000_000)
    text = str(plan(OracleProgram(networks.plain()), networks.odd((1, 1, 600, 600)), memory="80MB", tile=300))
    assert text.splitlines() == [
        "plain: x 1×1×600×600 to v5 1×1×600×600",
        "  tiles      4 tiles of 1×1×300×300 (1×1×2×2)",
        "  halo       4+4, 4+4 along the spatial axes of the input",
        "  overhead   0.8% more work than the whole run",
        "  memory     55.3 MB at the peak, of a budget of 80.0 MB",
        "           40.0 MB  this process now: Python, libraries, the compiled network",
        "            8.0 MB  margin for what is not counted",
        "            1.4 MB  sink: the result, as far as it stays in memory",
        "            5.1 MB  arena of a tile: activation maps between layers",
        "            0.4 MB  input of a tile, with halo",
        "            0.4 MB  output of a tile",
    ]


def test_peak_is_the_sum_of_the_lines() -> None:
    made = TilePlan("n", "x", (1,), "y", (8,), (3,), ((0, 0),), 0.0, (MemoryLine("a", 3), MemoryLine("b", 4)), 9)
    assert (made.peak, made.count, made.grid) == (7, 3, (3,))


@pytest.mark.parametrize(
    ("text", "size"),
    [("300MB", 300_000_000), ("1.5 GB", 1_500_000_000), ("2GiB", 2**31), ("64kb", 64_000), ("12K", 12_000), ("7", 7), (9, 9)],
)
def test_budgets_are_read(text: str | int, size: int) -> None:
    assert parse_memory(text) == size


@pytest.mark.parametrize("text", ["", "MB", "-3MB", "0", 0, -5, "3 XB", "1e9", True, 2.5])
def test_budgets_that_make_no_sense(text: object) -> None:
    with pytest.raises(
        ArgumentError, match=r"memory: got .*; it must be a positive number of bytes, or a text such as '300MB'"
    ):
        parse_memory(text)  # type: ignore[arg-type]


def test_the_default_budget_is_what_is_used_and_a_share_of_what_is_free() -> None:
    assert resident() < parse_memory(None) < 2**50
    assert 0 < resident() <= peak_resident() + 2**20
    assert megabytes(1_234_567_890) == "1,234.6 MB"


def test_oracle_counts_what_it_says() -> None:
    bound = OracleProgram(networks.plain()).bind({"x": (1, 1, 10, 10)})
    assert isinstance(bound, OracleBound)
    assert bound.arena_bytes(bound.demand({"v5": Box.full((1, 1, 10, 10))})) == 4 * 100 * (3 + 3 + 3 + 3 + 1 + 1)
