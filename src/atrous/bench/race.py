"""One task measured by all peers in turn, A B C A B C ..., each result compared with float64."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic

from atrous.bench.messages import Check, Failure, Message, Prepare, Prepared, Release, Round
from atrous.bench.runner import Runner
from atrous.bench.statistics import Times
from atrous.bench.tasks import Task

#: Loading a library and compiling may take so many times as long as a peer's turns together.
STARTING = 4.0


@dataclass(frozen=True, slots=True)
class Settings:
    """How long to measure: rounds, seconds of each peer's turn, and the most seconds of all turns of a peer for one task."""

    rounds: int = 5
    slice: float = 0.05
    limit: float = 20.0


@dataclass(frozen=True, slots=True)
class Measured:
    """What a peer needed, the error of its result (``None`` without exact results), and bytes of memory that it took."""

    times: Times
    error: float | None
    memory: int | None = None
    work: float = 0.0


@dataclass(frozen=True, slots=True)
class Missing:
    """Why there is no number: ``kind`` is "unsupported" (the peer's own word) or "failed"."""

    kind: str
    reason: str


Outcome = Measured | Missing


@dataclass(slots=True)
class _Lane:
    """One peer during a race."""

    runner: Runner
    limit: float
    seconds: list[float] = field(default_factory=list)
    used: float = 0.0
    turns: int = 0
    prepared: Prepared | None = None
    error: float | None = None
    failure: Failure | None = None

    def ask(self, message: Message, limit: float) -> object:
        """Ask, and wait no longer than the limit; a failure is kept, and the peer is out."""
        reply = self.runner.ask(message, limit)
        if isinstance(reply, Failure):
            self.failure = reply
        return reply

    def prepare(self, task: Task, exact: Path | None) -> None:
        reply = self.ask(Prepare(task), STARTING * self.limit)
        if isinstance(reply, Prepared):
            self.prepared = reply
            self.check(exact)

    def check(self, exact: Path | None) -> None:
        if exact is not None:
            error = self.ask(Check(str(exact)), STARTING * self.limit)
            self.error = error if isinstance(error, float) else None

    def round(self, seconds: float) -> None:
        """A turn, unless the peer is out or another turn like those before would pass the limit."""
        turns = max(self.turns, 1)
        if self.failure is None and self.used * (turns + 1) / turns <= self.limit:
            begin = monotonic()
            times = self.ask(Round(seconds), self.limit - self.used)
            self.used += monotonic() - begin
            self.turns += 1
            if isinstance(times, list):
                self.seconds += times

    def outcome(self) -> Outcome:
        if self.failure is not None or self.prepared is None:
            failure = self.failure or Failure("it was not prepared")
            return Missing("unsupported" if failure.unsupported else "failed", failure.reason)
        return Measured(Times.of(self.seconds), self.error, self.prepared.memory, self.prepared.work)


def race(
    runners: Sequence[Runner],
    task: Task,
    settings: Settings,
    exact: Path | None = None,
    extra: Mapping[Runner, Task] | None = None,
    tick: Callable[[], None] = lambda: None,
) -> dict[str, Outcome]:
    """The outcome of every peer by name. ``extra`` are processes that measure a task of their own in the same rounds."""
    tasks = {**dict.fromkeys(runners, task), **(extra or {})}
    lanes = [_Lane(runner, settings.limit) for runner in tasks]
    for lane in lanes:
        lane.prepare(tasks[lane.runner], None if lane.runner in (extra or {}) else exact)
        tick()
    for _ in range(settings.rounds):
        for lane in lanes:
            lane.round(settings.slice)
        tick()
    for lane in lanes:
        if lane.failure is None:
            lane.runner.ask(Release(), settings.limit)
    return {lane.runner.peer.name: lane.outcome() for lane in lanes}
