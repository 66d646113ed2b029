"""Peers that behave as libraries may: right, wrong, slow, crashing, refusing."""

from __future__ import annotations

import os
import signal
import time

import numpy as np

from atrous import reference
from atrous.bench.peers.peer import Peer
from atrous.bench.tasks import LayerTask, Ready
from atrous.errors import UnsupportedError


def right(task: LayerTask) -> Ready:
    problem, given = task.problem, task.operands()
    y = reference.conv(given.x, given.w, given.bias, problem.windows, problem.groups).astype(np.float32)
    return Ready(lambda: time.sleep(0.001), lambda: (y,))


def wrong(task: LayerTask) -> Ready:
    (y,) = right(task).results()
    return Ready(lambda: time.sleep(0.002), lambda: (y + np.abs(y).max(),))


def misshapen(task: LayerTask) -> Ready:
    return Ready(lambda: None, lambda: (np.zeros((1, 1), np.float32),))


def crash(task: LayerTask) -> Ready:
    print("about to fall", flush=True)
    os.kill(os.getpid(), signal.SIGSEGV)
    raise AssertionError


def crash_later(task: LayerTask) -> Ready:
    calls: list[int] = []

    def call() -> None:
        calls.append(1)
        if len(calls) > 3:
            os._exit(3)

    return Ready(call, right(task).results)


def sleepy(task: LayerTask) -> Ready:
    time.sleep(600)
    raise AssertionError


def refuse(task: LayerTask) -> Ready:
    raise UnsupportedError("this library has no such layer")


def raising(task: LayerTask) -> Ready:
    raise ValueError("a long story:\nthe cause\nand more")


def fake(name: str, layer: object, distribution: str = "numpy") -> Peer:
    return Peer(name, "a fake", distribution, layer)  # type: ignore[arg-type]
