"""Worker threads that live as long as the process: each is a Python thread inside one native call, without Python's lock.

Between runs they spin for a moment, then sleep. A run needs none of them to come: what a worker does not do, others do. So a
system that refuses threads, a worker that is scheduled late and an interrupted start cost only speed. One run at a time uses
the team; a forked child makes its own.
"""

from __future__ import annotations

import atexit
import contextlib
import ctypes
import os
import threading
import warnings
from collections.abc import Callable
from functools import cache

import numpy as np

from atrous.engine.compiler import Compiler
from atrous.engine.region import DISMISS, LINE, SERVE, emit_region, team_words

Native = Callable[[int, int, int], None]

#: More workers than this are never started.
MOST = 1023
_SECONDS_TO_LEAVE = 2.0


@cache
def native_region(compiler: Compiler) -> Native:
    """The native function of ``region``: what a thread calls once for a whole program."""
    signature = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64)
    return signature(compiler.kernel("region", emit_region))


#: Which core the calling thread is on, where the system tells.
_current_core = getattr(ctypes.CDLL(None), "sched_getcpu", None) if hasattr(os, "sched_setaffinity") else None


class Team:
    """The workers of one process, and the memory through which they meet."""

    def __init__(self, native: Native) -> None:
        self.lock = threading.Lock()
        #: When the last run ended, by ``time.perf_counter``.
        self.last = 0.0
        self._native = native
        self._memory = np.zeros(team_words(MOST + 1) + LINE, np.int64)  # the system gives only what is touched
        start = int(self._memory.ctypes.data)
        self.address = start + -start % (8 * LINE)
        self._threads: list[threading.Thread] = []
        self._refused = False
        self._placed: tuple[int, frozenset[int], int] | None = None

    def hire(self, helpers: int) -> None:
        """See that there are so many workers, as far as the system starts threads."""
        while len(self._threads) < min(helpers, MOST) and not self._refused:
            number = len(self._threads) + 1
            arguments = (self.address, SERVE, number)
            thread = threading.Thread(target=self._native, args=arguments, name=f"atrous-{number}", daemon=True)
            self._threads.append(thread)  # first: interrupted from here on, its number is not given again
            try:
                thread.start()
            except RuntimeError as error:
                self._threads.pop()
                self._refused = True
                warnings.warn(
                    f"threads: the system refused worker {number} ({error}); runs use {number} threads, with the same results",
                    RuntimeWarning,
                    stacklevel=2,
                )

    def keep_off(self) -> None:
        """Leave the caller's core to the caller, if the process may use others.

        A system may wake a thread on the very core of the caller that has just woken it, and leave both there for longer than
        a program takes.
        """
        if _current_core is None:
            return
        here, allowed = _current_core(), frozenset(os.sched_getaffinity(0))
        if self._placed == (here, allowed, len(self._threads)):
            return
        self._placed = (here, allowed, len(self._threads))
        for worker in self._threads:
            if worker.native_id is not None:
                with contextlib.suppress(OSError):  # a sandbox may forbid it, and the run does not depend on it
                    os.sched_setaffinity(worker.native_id, allowed - {here} or allowed)

    def dismiss(self) -> None:
        """Send all workers home, and wait until they have left native code."""
        if not self.lock.acquire(timeout=_SECONDS_TO_LEAVE):
            return  # a thread that is still running a program at the end of the process
        with contextlib.ExitStack() as held:
            held.callback(self.lock.release)
            self._native(self.address, DISMISS, len(self._threads))
            for thread in self._threads:
                if thread.ident is not None:
                    thread.join(_SECONDS_TO_LEAVE)
            self._refused = True


# By process: a forked child has no threads of its parent's team, and no business with what the parent's threads hold.
_teams: dict[int, Team] = {}


def team_of(native: Native) -> Team:
    """The team of this process."""
    process = os.getpid()
    return _teams.get(process) or _teams.setdefault(process, Team(native))


@atexit.register
def _leave() -> None:
    """Before the interpreter ends: generated code goes with it, so nobody may be in it."""
    team = _teams.get(os.getpid())
    if team is not None:
        team.dismiss()
