"""A peer's process as its owner sees it: started, told what to do, held still while others are measured, ended."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
from multiprocessing import Pipe
from time import monotonic
from types import TracebackType
from typing import Any

from atrous.bench.messages import Failure, Message
from atrous.bench.peers.peer import Peer
from atrous.target import available_cores

#: How each library is told its number of threads before it is loaded; all are also given as many cores.
_THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NPROC", "PJRT_NPROC")
_GRACE = 5.0


class Runner:
    """The process of one peer. It runs only while it is asked something: between questions even its spinning threads stand.

    Use it as a context manager. A process that crashed or was too slow is ended; the next question starts a new one.
    """

    def __init__(self, peer: Peer, threads: int) -> None:
        self.peer = peer
        self.threads = threads
        self._process: subprocess.Popen[bytes] | None = None
        self._log: Any = None

    def __enter__(self) -> Runner:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.end()

    def ask(self, message: Message, limit: float) -> Any:
        """The reply, or a ``Failure`` when the process died or took longer than ``limit`` seconds."""
        try:
            self._wake()
            self._pipe.send(message)
            if not self._pipe.poll(limit):
                self.end()
                return Failure(f"took longer than {limit:.0f} s")
            reply = self._pipe.recv()
        except (EOFError, OSError):
            return Failure(self._obituary())
        self._hold()
        return reply

    def end(self) -> None:
        """End the process, however it fares."""
        if self._process is not None:
            self._signal(signal.SIGKILL)
            self._process.wait()
            self._pipe.close()
            self._log.close()
            self._process = None

    def _wake(self) -> None:
        if self._process is None:
            self._start()
        else:
            self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        """To the process and those that it started, such as compilers."""
        assert self._process is not None
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, number)

    def _hold(self) -> None:
        """Stop the process, and wait until it stands."""
        assert self._process is not None
        self._signal(signal.SIGSTOP)
        with contextlib.suppress(ChildProcessError):
            os.waitid(os.P_PID, self._process.pid, os.WSTOPPED | os.WEXITED)

    def _start(self) -> None:
        self._pipe, theirs = Pipe()
        self._log = tempfile.TemporaryFile()  # noqa: SIM115  it lives as long as the process
        environment = {**os.environ, **dict.fromkeys(_THREADS, str(self.threads))}
        environment["PYTHONPATH"] = os.pathsep.join(path for path in sys.path if path)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "atrous.bench.worker", str(theirs.fileno())],
            env=environment,
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=self._log,
            start_new_session=True,
        )
        theirs.close()
        self._pin()
        self._pipe.send(self.peer)

    def _pin(self) -> None:
        """As many cores as threads, so that no library can take more."""
        if hasattr(os, "sched_setaffinity") and self.threads < available_cores():
            assert self._process is not None
            os.sched_setaffinity(self._process.pid, sorted(os.sched_getaffinity(0))[: self.threads])

    def _obituary(self) -> str:
        """What is known of a process that died."""
        assert self._process is not None
        begin = monotonic()
        while self._process.poll() is None and monotonic() - begin < _GRACE:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(0.1)
        code = self._process.returncode
        self._log.seek(0)
        lines = [line for line in self._log.read().decode(errors="replace").splitlines() if line.strip()]
        self.end()
        how = signal.Signals(-code).name if code is not None and code < 0 else f"exit code {code}"
        return f"its process ended with {how}" + (f": {lines[-1].strip()[:200]}" if lines else "")
