"""Programs under threads: the same bits and no deadlock, no matter who calls, or which worker never comes."""

from __future__ import annotations

import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import atrous
from atrous.engine import memory, runtime
from atrous.engine import team as team_module
from atrous.engine.compiler import default_compiler
from atrous.engine.program import Program
from atrous.engine.team import Team, native_region
from atrous.problem import Problem
from atrous.target import available_cores
from tests.engine.running import program_of, same_bits
from tests.strategies import operands

PROBLEM = Problem.parse("conv:f32:n2:c9:i30x41:k21:w3x3:p1:b")
X, W, BIAS = operands(PROBLEM)
EXPECTED = program_of(PROBLEM, W, BIAS, threads=1)(X)


@pytest.mark.parametrize("threads", [2, 3, 4, 7, 32])
def test_any_number_of_threads_gives_the_same_bits(threads: int) -> None:
    """More threads than cores, or than units of work, finish too: who waits yields the core."""
    program = program_of(PROBLEM, W, BIAS, threads=threads)
    for _ in range(5):
        assert same_bits(program(X), EXPECTED)


def test_networks_give_the_same_bits_on_any_number_of_threads() -> None:
    network = atrous.networks.dncnn()
    x = np.random.default_rng(0).standard_normal((1, 1, 33, 47)).astype("float32")
    one, *others = (Program(network, threads=n)(x) for n in (1, 2, available_cores() + 2))
    assert all(same_bits(one, other) for other in others)


@pytest.mark.parametrize("threads", [1, 2])
def test_one_program_for_many_callers(threads: int) -> None:
    """Python threads share a program, with other sizes each, so that each call may put another's sizes away."""
    program = program_of(PROBLEM, W, BIAS, threads=threads)
    images = [X[:, :, : 10 + rows].copy() for rows in range(8)]
    expected = [program(image) for image in images]

    def call(number: int) -> bool:
        return same_bits(program(images[number % 8]), expected[number % 8])

    with ThreadPoolExecutor(6) as pool:
        assert all(pool.map(call, range(120), timeout=120))


def test_callers_on_one_thread_each_need_not_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    """While somebody has the first seat, others use the next one, with the same bits; for both the long way and the short."""
    monkeypatch.setattr(memory, "available_cores", lambda: 2)
    program = program_of(PROBLEM, W, BIAS, threads=1)
    with ThreadPoolExecutor(1) as pool, program._arena.seat(1).lock:
        assert all(same_bits(pool.submit(program, X).result(60), EXPECTED) for _ in range(3))
        assert program._arena.seat(2).lock.locked(), "a run on several threads waits"
    assert same_bits(program(X), EXPECTED)


def test_many_programs_at_once() -> None:
    """Compiling and running from several Python threads at the same time."""
    texts = [f"conv:f32:c{channels}:i9x20:k{channels + 1}:w3x3:p1" for channels in range(3, 11)]

    def call(text: str) -> bool:
        problem = Problem.parse(text)
        x, w, bias = operands(problem)
        return same_bits(program_of(problem, w, bias, threads=2)(x), program_of(problem, w, bias, threads=1)(x))

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(call, texts * 3, timeout=120))


def test_set_num_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtime, "_default_threads", None)
    assert runtime.check_threads(None) == available_cores()
    atrous.set_num_threads(3)
    assert runtime.check_threads(None) == 3
    assert same_bits(program_of(PROBLEM, W, BIAS)(X), EXPECTED)


def test_the_interpreter_runs_on_while_native_code_does() -> None:
    """The call holds no lock of Python's: another thread counts meanwhile."""
    x, w, _ = operands(Problem.parse("conv:f32:c64:i300x300:k64:w3x3:p1"))
    f = atrous.Conv(w, padding=1, threads=1)
    f(x)
    ticks, done = 0, threading.Event()

    def count() -> None:
        nonlocal ticks
        while not done.wait(0.001):
            ticks += 1

    counter = threading.Thread(target=count)
    counter.start()
    started = time.perf_counter()
    while time.perf_counter() - started < 0.3:
        f(x)
    done.set()
    counter.join()
    assert ticks >= 10


# -- interrupted starts -------------------------------------------------------------------------------------------------


def fresh_team(monkeypatch: pytest.MonkeyPatch) -> Team:
    """A team of this test's own, without workers."""
    made = Team(native_region(default_compiler()))
    monkeypatch.setattr(runtime, "team_of", lambda native: made)
    return made


@pytest.mark.parametrize("after", [False, True])
def test_a_start_that_is_interrupted_leaves_nobody_waiting(monkeypatch: pytest.MonkeyPatch, after: bool) -> None:
    """Ctrl-C while the second of three workers starts, before or after it lives."""
    program = program_of(PROBLEM, W, BIAS, threads=4)
    program(X)
    team = fresh_team(monkeypatch)
    start, started = threading.Thread.start, []

    def interrupted(thread: threading.Thread) -> None:
        started.append(thread)
        if len(started) != 2 or after:
            start(thread)
        if len(started) == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(threading.Thread, "start", interrupted)
    with pytest.raises(KeyboardInterrupt):
        program(X)
    for _ in range(20):
        assert same_bits(program(X), EXPECTED), "the program is as good as before"
    team.dismiss()
    assert not any(thread.is_alive() for thread in started)


def test_a_system_that_refuses_threads_gets_the_same_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    program = program_of(PROBLEM, W, BIAS, threads=4)
    program(X)
    team = fresh_team(monkeypatch)

    def refused(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refused)
    rule = r"the system refused worker 1 \(can't start new thread\); runs use 1 threads, with the same results"
    with pytest.warns(RuntimeWarning, match=rule):
        assert same_bits(program(X), EXPECTED)
    assert same_bits(program(X), EXPECTED), "and it is said once"
    team.dismiss()


def test_a_worker_that_never_comes_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    program = program_of(PROBLEM, W, BIAS, threads=3)
    program(X)
    team = fresh_team(monkeypatch)
    monkeypatch.setattr(threading.Thread, "start", lambda thread: None)
    for _ in range(20):
        assert same_bits(program(X), EXPECTED)
    team.dismiss()


def test_dismissed_workers_leave_and_runs_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    program = program_of(PROBLEM, W, BIAS, threads=3)
    program(X)
    team = fresh_team(monkeypatch)
    for _ in range(3):
        assert same_bits(program(X), EXPECTED)
    workers = list(team._threads)
    assert len(workers) == 2
    team.dismiss()
    assert not any(worker.is_alive() for worker in workers)
    assert same_bits(program(X), EXPECTED)


def test_the_native_region_is_compiled_once() -> None:
    compiler = default_compiler()
    assert native_region(compiler) is native_region(compiler)


# -- many processes -----------------------------------------------------------------------------------------------------


def test_denormals_are_flushed_in_every_thread_and_the_callers_state_is_left_alone() -> None:
    tiny = np.full((1, 2, 200, 200), 1e-39, "float32")
    ones = np.ones((2, 2, 1, 1), "float32")
    for threads in (1, 4):
        f = atrous.Conv(ones, threads=threads)
        assert not f(tiny).any()
        assert np.float32(1e-39) * np.float32(0.5) > 0


# -- which core ---------------------------------------------------------------------------------------------------------


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="needs a system that can say which thread runs where")
def test_workers_keep_off_the_callers_core(monkeypatch: pytest.MonkeyPatch) -> None:
    allowed = os.sched_getaffinity(0)
    if len(allowed) < 2:
        pytest.skip("needs two cores")
    team = fresh_team(monkeypatch)
    team.hire(1)
    monkeypatch.setattr(team_module, "_current_core", lambda: min(allowed))
    team.keep_off()
    assert os.sched_getaffinity(team._threads[0].native_id or 0) == allowed - {min(allowed)}
    assert os.sched_getaffinity(0) == allowed
    team.dismiss()


def test_a_system_that_places_no_threads_runs_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError("not in this sandbox")

    monkeypatch.setattr(os, "sched_setaffinity", refuse, raising=False)
    team = fresh_team(monkeypatch)
    team.hire(1)
    team.keep_off()
    assert same_bits(program_of(PROBLEM, W, BIAS, threads=2)(X), EXPECTED)
    team.dismiss()
