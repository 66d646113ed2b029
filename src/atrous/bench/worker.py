"""The process of one peer: ``python -m atrous.bench.worker PIPE``. It answers one message at a time until the pipe closes."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from multiprocessing.connection import Connection
from typing import Any

from atrous.bench.messages import Failure, Message, State
from atrous.errors import UnsupportedError

_DIE_WITH_PARENT = 1  # PR_SET_PDEATHSIG: a stopped process would never see its pipe close


def answer(state: State, message: Message) -> Any:
    """The reply to one message; every exception becomes a ``Failure``."""
    try:
        return message.do(state)
    except (UnsupportedError, NotImplementedError) as error:
        state.ready = None
        return Failure(_brief(error), unsupported=isinstance(error, UnsupportedError))
    except Exception as error:
        state.ready = None
        return Failure(f"{type(error).__name__}: {_brief(error)}")


def _brief(error: BaseException) -> str:
    """The first line of a message, which libraries may follow with pages."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    told = (lines or [type(error).__name__])[0]
    return (f"{told} {lines[1]}" if told.endswith(":") and len(lines) > 1 else told)[:300]


def main() -> None:
    """Serve the pipe whose number is the only argument: first the peer, then messages."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent ends its processes itself
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_DIE_WITH_PARENT, signal.SIGKILL)
    os.dup2(2, 1)  # what libraries print is not part of the table
    pipe = Connection(int(sys.argv[1]))
    try:
        state = State(pipe.recv())
        while True:
            pipe.send(answer(state, pipe.recv()))
    except EOFError:
        pass


if __name__ == "__main__":
    main()
