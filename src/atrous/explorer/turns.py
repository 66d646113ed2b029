"""One piece of work at a time, done beside the thread that answers, so that it can tell how far the work is."""

from __future__ import annotations

import sys
import threading
import time
import traceback
from collections.abc import Callable
from typing import Any

from atrous.errors import AtrousError
from atrous.explorer.guard import Refusal
from atrous.explorer.workbench import Say

Job = Callable[[Say], dict[str, Any]]


class Turn:
    """A job that waits for its turn, runs and ends; ``answer`` is what to send then. ``after`` tidies up in any case."""

    def __init__(self, job: Job, lock: threading.Lock, after: Callable[[], None] = lambda: None) -> None:
        self._job, self._lock, self._after = job, lock, after
        self.phase = "waiting for the work before it"
        self.begin = time.monotonic()
        self.done = threading.Event()
        self.status, self.answer = 200, dict[str, Any]()
        #: Set when nobody waits for the answer any more: a job that has not begun then never does.
        self.left = threading.Event()
        threading.Thread(target=self._run, daemon=True, name="atrous-explore-work").start()

    @property
    def seconds(self) -> float:
        """How long it has been waited for."""
        return time.monotonic() - self.begin

    def _say(self, phase: str) -> None:
        self.phase = phase

    def _run(self) -> None:
        try:
            with self._lock:
                if not self.left.is_set():
                    self.answer = {"result": self._job(self._say)}
        except Refusal as refusal:
            self._fail(refusal.status, str(refusal))
        except AtrousError as error:
            self._fail(422, str(error))
        except MemoryError:
            self._fail(422, "there is not enough memory for this; choose a smaller image or network")
        except Exception as error:
            traceback.print_exc(file=sys.stderr)
            self._fail(500, f"this is a fault of atrous: {type(error).__name__}: {error}")
        finally:
            self._after()
            self.done.set()

    def _fail(self, status: int, text: str) -> None:
        self.status, self.answer = status, {"error": text}
