"""Running a table of steps: one native call, on the calling thread and those of the team that come to help.

A run that takes long is waited for in Python, so that Ctrl-C is heard: it sets a word that threads look at between two chunks
of work.
"""

from __future__ import annotations

import ctypes
import threading
import time
from collections.abc import Callable

import numpy as np

from atrous.engine.compiler import Compiler
from atrous.engine.region import JOB, RUN
from atrous.engine.team import native_region, team_of
from atrous.errors import ArgumentError
from atrous.graph.fact import Array
from atrous.target import available_cores

#: A run that takes longer, in seconds, is waited for in Python, and cut into so many chunks a step at least.
LONG, CHUNKS = 0.2, 256
_ANY = 2**62
#: Waking a thread takes its caller some 50 microseconds in a virtual machine. So those that sleep are woken for a run that
#: takes longer than ``WORTH_WAKING`` seconds, or that follows another within ``SOON`` seconds: more may come.
WORTH_WAKING, SOON = 200e-6, 500e-6
_PLACE = {name: place for place, name in enumerate(JOB)}
_LARGEST, _STOPPED = _PLACE["largest"], _PLACE["stopped"]
_default_threads: int | None = None


def set_num_threads(count: int) -> None:
    """How many threads a program uses unless told otherwise; the default is one for each available core."""
    global _default_threads
    _default_threads = check_threads(count)


def check_threads(count: int | None) -> int:
    """A number of threads as given by a caller; ``None`` is the default."""
    if count is None:
        return _default_threads or available_cores()
    if not isinstance(count, int) or isinstance(count, bool) or not 1 <= count <= 1024:
        raise ArgumentError(f"threads: got {count!r}; it must be an integer from 1 to 1024 (leave it out for one a core)")
    return count


class Job:
    """A table of steps (kernel, words, units) made ready to be run again and again, by one caller at a time.

    ``patches`` lists (place, base, offset): before the first step, ``words[place]`` becomes ``bases[base] + offset``. So a
    caller sets the addresses of its arrays in ``bases`` and runs. ``seconds`` is how long a run takes: an estimate at first.
    """

    def __init__(
        self, compiler: Compiler, steps: Array, words: Array, patches: Array, bases: int, seconds: float = 0.0
    ) -> None:
        self._compiler, self._native = compiler, native_region(compiler)
        self.steps = steps
        self._words, self._patches = words, patches
        self.bases = (ctypes.c_int64 * max(1, bases))()
        self.seconds = seconds
        self._most = int(steps[:, 2].max(initial=1))
        self._job = (ctypes.c_int64 * len(JOB))()
        addresses = (steps.ctypes.data, patches.ctypes.data, words.ctypes.data, ctypes.addressof(self.bases))
        for name, value in zip(("steps", "patches", "words", "bases"), addresses, strict=True):
            self._job[_PLACE[name]] = value
        self._job[_PLACE["count"]], self._job[_PLACE["patch_count"]] = len(steps), len(patches)
        self._job[_PLACE["threads"]], self._job[_PLACE["largest"]] = 1, _ANY
        self._address = ctypes.addressof(self._job)

    def copy(self) -> Job:
        """The same steps with words and bases of their own, for another caller at the same time."""
        words, steps = self._words.copy(), self.steps.copy()
        steps[:, 1] += words.ctypes.data - self._words.ctypes.data
        return Job(self._compiler, steps, words, self._patches, len(self.bases), self.seconds)

    def run(self, threads: int) -> None:
        """All steps, on at most so many threads."""
        threads = min(threads, self._most)
        if threads == 1:
            self._job[2] = 1
            self._go()
            return
        team = team_of(self._native)
        with team.lock:
            team.hire(threads - 1)
            rouse = self.seconds > WORTH_WAKING
            if rouse:
                team.keep_off()
            else:
                rouse = time.perf_counter() - team.last < SOON
            self._job[2], self._job[9], self._job[10] = threads, team.address, rouse
            team.last = self._go()

    def _go(self) -> float:
        """Run and measure; when it ended."""
        begin = time.perf_counter()
        if self.seconds > LONG and threading.current_thread() is threading.main_thread():
            self._wait_in_python()
        else:
            # A child forked while another thread ran this job finds it as it was then.
            self._job[_STOPPED], self._job[_LARGEST] = 0, _ANY
            self._native(self._address, RUN, 0)
        end = time.perf_counter()
        self.seconds = end - begin
        return end

    def _wait_in_python(self) -> None:
        """Run on a thread of its own, and wait where signals are heard."""
        self._job[_STOPPED], self._job[_LARGEST] = 0, max(1, self._most // CHUNKS)
        run = _Aside(lambda: self._native(self._address, RUN, 0))
        try:
            run.wait()
        finally:
            self._job[_STOPPED] = 1  # changes nothing unless an interrupt came
            run.settle()
            self._job[_STOPPED], self._job[_LARGEST] = 0, _ANY


class _Aside:
    """A piece of work on a thread of its own, that is begun at most once however its start is interrupted."""

    def __init__(self, work: Callable[[], None]) -> None:
        self._work, self._ticket, self._done = work, threading.Lock(), threading.Event()

    def _begin(self) -> None:
        if self._ticket.acquire(blocking=False):
            self._work()
            self._done.set()

    def wait(self) -> None:
        """Start it, and wait until it is done; Ctrl-C is heard meanwhile."""
        try:
            threading.Thread(target=self._begin, name="atrous-run", daemon=True).start()
        except RuntimeError:  # the system refuses threads
            self._begin()
        self._done.wait()

    def settle(self) -> None:
        """Until it is done or will never begin, however often somebody interrupts: it writes to the caller's memory."""
        if self._ticket.acquire(blocking=False):
            return
        interrupt: KeyboardInterrupt | None = None
        while not self._done.is_set():
            try:
                self._done.wait()
            except KeyboardInterrupt as error:
                interrupt = error
        if interrupt is not None:
            raise interrupt


def execute(compiler: Compiler, steps: Array, threads: int) -> None:
    """Run a table of steps whose words hold all addresses."""
    nothing = np.zeros(0, np.int64)
    Job(compiler, np.ascontiguousarray(steps, np.int64).reshape(-1, 3), nothing, nothing.reshape(0, 3), 0).run(threads)
