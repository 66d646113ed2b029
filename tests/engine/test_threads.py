"""Programs under threads: the same bits, no deadlock, no matter who calls, forks, or presses Ctrl-C."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

import atrous
from atrous.engine import runtime
from atrous.engine.compiler import default_compiler
from atrous.engine.program import Program
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


class Interrupted:
    """A pool that is interrupted while the second of its workers is started."""

    def __init__(self, error: BaseException, after: bool) -> None:
        self.pool, self.error, self.after, self.started = ThreadPoolExecutor(4), error, after, 0

    def keep_off(self) -> None:
        pass

    def submit(self, *work: Any) -> Any:
        self.started += 1
        if self.started == 2 and not self.after:
            raise self.error
        future = self.pool.submit(*work)
        if self.started == 2:
            raise self.error
        return future


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("error", [KeyboardInterrupt(), RuntimeError("can't start new thread")])
def test_a_start_that_fails_sends_the_started_threads_home(
    monkeypatch: pytest.MonkeyPatch, error: BaseException, after: bool
) -> None:
    """Ctrl-C between two starts, or a system without threads: nobody waits for those that never come."""
    program = program_of(PROBLEM, W, BIAS, threads=4)
    with monkeypatch.context() as patch:
        broken = Interrupted(error, after)
        patch.setattr(runtime, "_pool", lambda workers: broken)
        with pytest.raises(type(error)):
            program(X)
        broken.pool.shutdown(wait=True)
    assert same_bits(program(X), EXPECTED), "the program is as good as before"


def test_who_is_interrupted_while_waiting_waits_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """Workers write to the caller's arrays, so Ctrl-C is passed on only when they are done."""
    release, seen = threading.Event(), []

    def late() -> None:
        release.wait(30)
        seen.append("done")

    def interrupted(others: Any) -> None:
        monkeypatch.undo()
        release.set()
        raise KeyboardInterrupt

    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(late)
        monkeypatch.setattr(runtime, "wait", interrupted)
        with pytest.raises(KeyboardInterrupt):
            runtime._wait_for([future])
        assert seen == ["done"]


INTERRUPTED = """
import sys, time
import numpy as np, atrous
f = atrous.Conv(np.ones((32, 32, 3, 3), "float32"), padding=1, threads=int(sys.argv[1]))
x = np.ones((1, 32, 400, 400), "float32")
f(x)
print("running", flush=True)
try:
    while True:
        f(x)
except KeyboardInterrupt:
    assert f(x).shape == x.shape
    print("stopped", flush=True)
"""


@pytest.mark.parametrize("threads", ["1", "2", "4"])
def test_ctrl_c_stops_soon_and_leaves_nothing_hanging(threads: str) -> None:
    """The signal arrives when the native call returns; the program still works, and the process ends."""
    command = [sys.executable, "-c", INTERRUPTED, threads]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            assert process.stdout.readline() == "running\n"
            time.sleep(0.3)
            process.send_signal(signal.SIGINT)
            started = time.perf_counter()
            assert process.stdout.readline() == "stopped\n"
            assert process.wait(timeout=30) == 0
            assert time.perf_counter() - started < 20
        finally:
            process.kill()


# -- fork ---------------------------------------------------------------------------------------------------------------

FORKED = """
import os, sys, threading, time, warnings
import numpy as np, atrous
warnings.simplefilter("ignore")  # Python warns of any fork beside threads
rng = np.random.default_rng(0)
x, w = rng.standard_normal((1, 8, 64, 64)).astype("float32"), rng.standard_normal((8, 8, 3, 3)).astype("float32")
f = atrous.Conv(w, padding=1, threads=2)
expected = f(x).tobytes()
big = np.ones((1, 8, 700, 700), "float32")
g = atrous.Conv(w, padding=1, threads=2)
g(big)
stop = threading.Event()

def busy():
    while not stop.is_set():
        g(big)

other = threading.Thread(target=busy)
if sys.argv[1] == "busy":
    other.start()
    time.sleep(0.05)
for _ in range(5):
    child = os.fork()
    if child == 0:
        same = f(x).tobytes() == expected and atrous.Conv(w, padding=1, threads=3)(x).tobytes() == expected
        os._exit(0 if same else 1)
    assert os.waitpid(child, 0)[1] == 0
stop.set()
if other.is_alive():
    other.join()
assert f(x).tobytes() == expected
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.parametrize("parent", ["idle", "busy"])
def test_a_forked_child_runs_programs_of_its_parent(parent: str) -> None:
    """After use, and even while another thread of the parent is inside a run."""
    subprocess.run([sys.executable, "-c", FORKED, parent], timeout=120, check=True)


def test_the_native_region_is_compiled_once() -> None:
    compiler = default_compiler()
    assert runtime.native_region(compiler) is runtime.native_region(compiler)


def test_workers_keep_off_the_callers_core(monkeypatch: pytest.MonkeyPatch) -> None:
    if not hasattr(os, "sched_setaffinity") or len(os.sched_getaffinity(0)) < 2:
        pytest.skip("needs two cores and a system that can say which thread runs where")
    workers = runtime.Workers(1)
    allowed = os.sched_getaffinity(0)
    workers.submit(int).result()
    monkeypatch.setattr(runtime, "_current_core", lambda: min(allowed))
    workers.keep_off()
    assert workers.submit(os.sched_getaffinity, 0).result() == allowed - {min(allowed)}
    assert os.sched_getaffinity(0) == allowed


def test_a_system_that_places_no_threads_runs_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError("not in this sandbox")

    monkeypatch.setattr(os, "sched_setaffinity", refuse, raising=False)
    workers = runtime.Workers(1)
    workers.submit(int).result()
    workers.keep_off()
    assert workers.submit(int).result() == 0
