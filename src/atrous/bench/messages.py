"""What the process of a peer can be told to do, and what it replies."""

from __future__ import annotations

from dataclasses import dataclass
from time import perf_counter
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from atrous.bench import memory
from atrous.graph.fact import Array

if TYPE_CHECKING:
    from atrous.bench.peers.peer import Peer
    from atrous.bench.tasks import Ready, Task

#: Fewer calls than this say little, unless they are long.
LEAST_CALLS, LONG = 3, 2.0
#: Elements that are compared at a time.
_PART = 1 << 20


@dataclass(slots=True)
class State:
    """What a process holds between messages."""

    peer: Peer
    ready: Ready | None = None

    def call(self) -> Ready:
        """What was prepared last."""
        assert self.ready is not None, "a message came before Prepare"
        return self.ready


class Message(Protocol):
    """What a process can be told to do."""

    def do(self, state: State) -> Any:
        """The reply."""


@dataclass(frozen=True, slots=True)
class Failure:
    """The reply when something went wrong: ``unsupported`` is the peer's own word that it cannot do this."""

    reason: str
    unsupported: bool = False


@dataclass(frozen=True, slots=True)
class Prepared:
    """The reply to ``Prepare``: work of one call if only the process knows it, and bytes of memory that the call took."""

    work: float
    memory: int | None


@dataclass(frozen=True, slots=True)
class Prepare:
    """Make a task ready and call it once; what was ready before is let go."""

    task: Task

    def do(self, state: State) -> Prepared:
        state.ready = None
        before = memory.reset_peak()
        state.ready = self.task.prepare(state.peer)
        state.ready.call()
        state.ready.call()
        peak = memory.peak()
        return Prepared(state.ready.work, None if before is None or peak is None else peak - before)


@dataclass(frozen=True, slots=True)
class Round:
    """Call again and again for so many seconds, after one call that warms the caches up: the seconds of each call."""

    seconds: float

    def do(self, state: State) -> list[float]:
        call, times = state.call().call, list[float]()
        call()
        begin = last = perf_counter()
        while last - begin < self.seconds or (len(times) < LEAST_CALLS and last - begin < LONG):
            start = perf_counter()
            call()
            last = perf_counter()
            times.append(last - start)
        return times


@dataclass(frozen=True, slots=True)
class Save:
    """Write the results as float64 arrays, for others to be compared with."""

    path: str

    def do(self, state: State) -> None:
        for number, array in enumerate(state.call().results()):
            np.save(f"{self.path}.{number}.npy", np.asarray(array, np.float64))


@dataclass(frozen=True, slots=True)
class Check:
    """The largest error against saved results, relative to the largest of them."""

    path: str

    def do(self, state: State) -> float:
        results, worst = state.call().results(), 0.0
        for number, made in enumerate(results):
            exact = np.load(f"{self.path}.{number}.npy", mmap_mode="r")
            if exact.shape != made.shape:
                raise ValueError(f"the result has shape {made.shape}, the exact one {exact.shape}")
            worst = max(worst, relative_error(made, exact))
        return worst


def relative_error(made: Array, exact: Array) -> float:
    """The largest difference over the largest exact element; infinite where the difference is not a finite number."""
    ours, theirs = np.ascontiguousarray(made).reshape(-1), exact.reshape(-1)
    largest = difference = 0.0
    for at in range(0, ours.size, _PART):
        part = np.asarray(theirs[at : at + _PART])
        largest = max(largest, float(np.abs(part).max()))
        each = float(np.abs(ours[at : at + _PART] - part).max())
        if not np.isfinite(each):
            return float("inf")
        difference = max(difference, each)
    return difference / largest if largest else difference


@dataclass(frozen=True, slots=True)
class Release:
    """Let go of what was prepared."""

    def do(self, state: State) -> None:
        state.ready = None
