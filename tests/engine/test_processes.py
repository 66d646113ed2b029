"""Processes around runs: Ctrl-C, fork, crowds on few cores, the end of the interpreter."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest

LONG_CONVOLUTION = """
import sys, time
import numpy as np, atrous
f = atrous.Conv(np.ones((64, 64, 7, 7), "float32"), padding=3, threads=int(sys.argv[1]))
x = np.ones((8, 64, 500, 500), "float32")  # 0.8 T multiply-adds: many seconds
small = np.ones((1, 64, 9, 9), "float32")
f(x[:1, :, :60, :60])
"""
LONG_NETWORK = """
import sys, time
import numpy as np, atrous
from atrous.engine.program import Program
f = Program(atrous.networks.dncnn(), threads=int(sys.argv[1]))
x = np.ones((1, 1, 1600, 1600), "float32")  # 1.4 T multiply-adds, band by band
small = np.ones((1, 1, 9, 9), "float32")
bound = f.bind({name: x.shape for name in f.network.inputs})
assert bound.arena_bytes(bound.whole()) < 64 * 1600 * 1600  # a quarter of one map
f(small)
"""
INTERRUPTED_RUN = """
before = f(small)
print("running", flush=True)
try:
    f(x)
except KeyboardInterrupt:
    print("stopped", flush=True)
assert f(small).tobytes() == before.tobytes()
"""


@pytest.mark.parametrize("threads", ["1", "2", "4"])
@pytest.mark.parametrize("script", [LONG_CONVOLUTION, LONG_NETWORK], ids=["convolution", "network"])
def test_ctrl_c_is_heard_within_a_second_in_a_long_run(script: str, threads: str) -> None:
    """One run that takes many seconds stops between two chunks, and the program is as good as before."""
    command = [sys.executable, "-c", script + INTERRUPTED_RUN, threads]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            assert process.stdout.readline() == "running\n"
            time.sleep(1.5)  # the input is made before that, and pages of the output take their time
            process.send_signal(signal.SIGINT)
            started = time.perf_counter()
            assert process.stdout.readline() == "stopped\n"
            assert time.perf_counter() - started < 1
            assert process.wait(timeout=30) == 0
        finally:
            process.kill()


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
large = g(big).tobytes()
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
        same = same and g(big).tobytes() == large  # which the parent's other thread may have been running
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


CROWD = """
import time
import numpy as np, atrous
f = atrous.Conv(np.ones((32, 32, 3, 3), "float32"), padding=1, threads=4)
x = np.ones((1, 32, 56, 56), "float32")
f(x)
started = time.perf_counter()
for _ in range(400):
    f(x)
print(time.perf_counter() - started)
"""


def crowd(processes: int, cores: set[int]) -> float:
    """The longest time that one of so many processes takes on these cores."""
    command = [sys.executable, "-c", f"import os; os.sched_setaffinity(0, {cores})\n{CROWD}"]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(processes)]
    return max(float(process.communicate(timeout=120)[0]) for process in running)


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="needs a system that can say which process runs where")
def test_more_threads_than_cores_take_their_fair_share() -> None:
    """4 processes of 4 threads each on 2 cores, and on one: no livelock; within 3 times what they would take in turn."""
    cores = sorted(os.sched_getaffinity(0))
    for some in (set(cores[:2]), set(cores[:1])):
        alone = crowd(1, some)
        assert crowd(4, some) < 3 * 4 * alone + 1


PINNED = """
import os, time
import numpy as np, atrous
x = np.ones((1, 32, 56, 56), "float32")
one, four = (atrous.Conv(np.ones((32, 32, 3, 3), "float32"), padding=1, threads=threads) for threads in (1, 4))
expected = one(x).tobytes()
assert four(x).tobytes() == expected  # its workers start while they may run anywhere
os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
times = {one: [], four: []}
for _ in range(15):
    for f, taken in times.items():
        started = time.perf_counter()
        for _ in range(10):
            same = f(x).tobytes() == expected
            assert same
        taken.append(time.perf_counter() - started)
print(*(sorted(taken)[7] for taken in times.values()))
"""


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="needs a system that can say which process runs where")
def test_four_threads_on_one_core_take_the_time_of_one() -> None:
    """A process that is pinned to a core after its workers started: the same bits, and who waits lets others work."""
    done = subprocess.run([sys.executable, "-c", PINNED], timeout=120, check=True, capture_output=True, text=True)
    one, four = map(float, done.stdout.split())
    assert four < 3 * one, f"one thread {one:.4f} s, four {four:.4f} s"


# -- the end of the interpreter -----------------------------------------------------------------------------------------

ENDING = """
import sys, threading
import numpy as np, atrous
f = atrous.Conv(np.ones((16, 16, 3, 3), "float32"), padding=1, threads=4)
x = np.ones((1, 16, 64, 64), "float32")
y = f(x)
how = sys.argv[1]
if how == "thread":
    threading.Thread(target=lambda: [f(x) for _ in range(50)]).start()
if how == "exception":
    raise SystemExit(7)
"""


@pytest.mark.parametrize(("how", "code"), [("plain", 0), ("thread", 0), ("exception", 7)])
def test_the_interpreter_ends(how: str, code: int) -> None:
    for _ in range(5):
        done = subprocess.run([sys.executable, "-c", ENDING, how], timeout=60, capture_output=True, check=False)
        assert (done.returncode, done.stderr) == (code, b"")


# -- floating-point state -----------------------------------------------------------------------------------------------
