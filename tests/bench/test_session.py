"""Races between processes: right results, and peers that crash, are late, refuse or are wrong, each reported by name."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from atrous.bench.machine import PeakTask, copy_sizes, level_of
from atrous.bench.messages import Failure, Prepare, Prepared, Round
from atrous.bench.peers import PEERS
from atrous.bench.peers.peer import Peer
from atrous.bench.race import Measured, Missing, Settings
from atrous.bench.rows import Row
from atrous.bench.runner import Runner
from atrous.bench.session import session
from atrous.bench.suites import Case, parse_suite
from atrous.bench.tasks import LayerTask
from atrous.target import Caches
from tests.bench import fakes
from tests.bench.fakes import fake

QUICK = Settings(rounds=2, slice=0.0, limit=20.0)
CASE = "mine conv:f32:c2:i7x9:k3:w3x3:p1:b"


def measure(peers: list[Peer], text: str = CASE, settings: Settings = QUICK) -> Row:
    (case,) = parse_suite(text, "here")
    with session(peers, 2, settings) as running:
        return running.measure(case)


def test_two_peers_in_turn() -> None:
    row = measure([peer for peer in PEERS if peer.name in ("atrous", "torch")])
    assert list(row.outcomes) == ["atrous", "torch"]
    for outcome in row.outcomes.values():
        assert isinstance(outcome, Measured)
        assert outcome.error is not None
        assert outcome.error < 1e-6
        assert outcome.times.calls == 6
        assert 0 < outcome.times.lower <= outcome.times.median <= outcome.times.upper
    assert row.to_best() == row.to_default()
    assert row.peak is not None
    assert row.peak > 1e9
    assert (row.flop, row.bytes) == (2 * 63 * 3 * 18, 4 * (126 + 54 + 189))
    assert row.real_flop < row.flop


def test_each_way_to_fail_is_told_by_name_and_the_others_are_measured() -> None:
    peers = [
        fake("crash", fakes.crash),
        fake("later", fakes.crash_later),
        fake("refuse", fakes.refuse),
        fake("raising", fakes.raising),
        fake("misshapen", fakes.misshapen),
        fake("wrong", fakes.wrong),
        fake("right", fakes.right),
    ]
    outcomes = measure(peers).outcomes
    assert outcomes["crash"] == Missing("failed", "its process ended with SIGSEGV: about to fall")
    assert outcomes["later"] == Missing("failed", "its process ended with exit code 3")
    assert outcomes["refuse"] == Missing("unsupported", "this library has no such layer")
    assert outcomes["raising"] == Missing("failed", "ValueError: a long story: the cause")
    expected = "ValueError: the result has shape (1, 1), the exact one (1, 3, 7, 9)"
    assert outcomes["misshapen"] == Missing("failed", expected)
    wrong, right = outcomes["wrong"], outcomes["right"]
    assert isinstance(wrong, Measured)
    assert isinstance(right, Measured)
    assert wrong.error == pytest.approx(1.0, rel=1e-3)
    assert right.error is not None
    assert right.error < 1e-7
    assert wrong.times.median > right.times.median


def test_a_peer_that_takes_too_long_is_ended() -> None:
    outcomes = measure([fake("sleepy", fakes.sleepy), fake("right", fakes.right)], settings=Settings(1, 0.0, 2.0)).outcomes
    assert outcomes["sleepy"] == Missing("failed", "took longer than 8 s")
    assert isinstance(outcomes["right"], Measured)


def test_a_process_stands_still_between_questions_and_ends_with_its_owner() -> None:
    with Runner(fake("right", fakes.right), 1) as runner:
        assert isinstance(runner.ask(Prepare(LayerTask(CASE.split()[1], 1, 1)), 30), Prepared)
        process = runner._process
        assert process is not None
        assert _state(process.pid) == "T"
        assert len(runner.ask(Round(0.0), 30)) == 3
        assert _state(process.pid) == "T"
    assert process.returncode is not None


def _state(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]


def test_a_message_before_prepare_is_a_failure() -> None:
    with Runner(fake("right", fakes.right), 1) as runner:
        assert runner.ask(Round(0.0), 30) == Failure("AssertionError: a message came before Prepare")


def test_a_crashed_process_is_followed_by_a_new_one() -> None:
    with Runner(fake("later", fakes.crash_later), 1) as runner:
        task = LayerTask(CASE.split()[1], 1, 1)
        assert isinstance(runner.ask(Prepare(task), 30), Prepared)
        assert isinstance(runner.ask(Round(0.0), 30), Failure)
        assert isinstance(runner.ask(Prepare(task), 30), Prepared)


@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="one core alone cannot be left out")
def test_fewer_threads_get_fewer_cores() -> None:
    with Runner(fake("right", fakes.right), 1) as runner:
        runner.ask(Prepare(LayerTask(CASE.split()[1], 1, 1)), 30)
        assert runner._process is not None
        assert len(os.sched_getaffinity(runner._process.pid)) == 1


def test_the_loop_of_multiply_adds_counts_its_work() -> None:
    ready = PeakTask("float64", 1).prepare(fake("machine", None))
    ready.call()
    begin = time.perf_counter()
    ready.call()
    assert 1e9 < ready.work / (time.perf_counter() - begin) < 1e13


def test_copies_stay_within_their_level() -> None:
    caches = Caches(32 * 2**10, 2**20, 32 * 2**20)
    sizes = copy_sizes(caches, 2)
    assert list(sizes) == ["L1", "L2", "L3", "memory"]
    assert [level_of(2 * size, caches, 2) for size in sizes.values()] == ["L1", "L2", "L3", "memory"]
    assert list(copy_sizes(Caches(), 2)) == ["L1", "L2", "memory"]


SHAPES = """
few conv:f32:c1:i30x20:k3:w5x4:p2:b
stride conv:f32:c8:i15x12:k16:w3x3:p1:s2:d2:b
uneven conv:f32:c8:i15x12:k16:w3x3:p1+2:g4
crop conv:f32:c8:i15x12:k16:w3x3:p-1+2
up convt:f32:c8:i15x12:k16:w4x4:s2:p1:g4:b
odd convt:f32:c8:i15x12:k16:w4x3:s2:p1+2x1+0:o1
line convt:f32:c8:i30:k16:w4:s2:p1
volume conv:f32:c8:i9x10x7:k8:w3x3x1:p1:g8
long conv:f32:c8:i30:k16:w4:s2:p1:d2
"""


@pytest.mark.slow
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_all_peers_compute_the_same(dtype: str) -> None:
    cases: tuple[Case, ...] = parse_suite(SHAPES, "here")
    with session(PEERS, 2, Settings(1, 0.0, 60.0)) as running:
        rows = [running.measure(case.typed(dtype)) for case in cases]
    assert running.notes == []
    measured = {name for row in rows for name in row.outcomes if row.measured(name)}
    assert measured >= {"atrous", "atrous.conv", "torch", "torch.cl", "jax", "jax.cl", "scipy"}
    if dtype == "float32":
        assert measured == {peer.name for peer in PEERS}
    for row in rows:
        for name in row.outcomes:
            found = row.measured(name)
            assert found is None or (found.error or 0) < (1e-5 if dtype == "float32" else 1e-13), (row.name, name)
