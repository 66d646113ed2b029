"""Tuning: the best few plans of each distinct convolution are measured within a time limit, and the fastest kept as wisdom."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from atrous.engine.compiler import Compiler, default_compiler
from atrous.engine.epilogue import Epilogue
from atrous.engine.lowering.requests import requests
from atrous.engine.measure import Measure
from atrous.engine.plan import Plan, Request, name
from atrous.engine.planner import Candidate, family, ranked
from atrous.engine.program import Program
from atrous.engine.wisdom import Entry, Machine, Wisdom, default_wisdom
from atrous.errors import ArgumentError
from atrous.graph.network import Network, Shapes
from atrous.problem import Problem
from atrous.target import Target

#: Plans of one convolution that are measured, at the most, and how often the best of them are measured again.
TRIED, AGAIN = 8, 3

#: Told how many measurements of how many are done.
Progress = Callable[[int, int], None]
#: Gives, for a request, a function from a plan to the seconds that it takes.
Measuring = Callable[[Request], Callable[[Plan], float]]


@dataclass(frozen=True, slots=True)
class Trial:
    """What tuning saw of one convolution: the model's choice first, with the seconds of each plan that was measured."""

    request: Request
    seconds: Mapping[Plan, float]

    @property
    def predicted(self) -> Plan:
        """The model's choice."""
        return next(iter(self.seconds))

    @property
    def best(self) -> Plan:
        """The fastest plan."""
        return min(self.seconds, key=lambda plan: self.seconds[plan])

    @property
    def gain(self) -> float:
        """How many times faster the fastest plan is than the model's choice."""
        return self.seconds[self.predicted] / self.seconds[self.best]


@dataclass(frozen=True)
class Tuned:
    """What a tuning found, convolution by convolution, and how many were left when the time was over."""

    trials: Sequence[Trial]
    left: int
    seconds: float

    @property
    def summary(self) -> str:
        """How many convolutions were tuned in what time, and how many were not."""
        count = "1 convolution" if len(self.trials) == 1 else f"{len(self.trials)} convolutions"
        left = f"; {self.left} left: give more seconds" if self.left else ""
        return f"{count} tuned in {self.seconds:.1f} s{left}"

    def __str__(self) -> str:
        lines = [self.summary]
        for trial in self.trials:
            best = trial.seconds[trial.best] * 1e6
            lines.append(f"  {trial.request}: {trial.best}, {best:.1f} us ({trial.gain:.2f}x the model's {trial.predicted})")
        return "\n".join(lines)


def tune(
    what: Network | Problem | str,
    x: object = None,
    *,
    seconds: float = 30.0,
    progress: Progress | None = None,
    wisdom: Wisdom | None = None,
) -> Tuned:
    """Measure the best few plans of a network's convolutions, or of one problem, on this machine, and keep the fastest.

    ``what`` is a ``Network``, a ``Problem`` or its text. ``x`` says for which inputs a network is tuned: an array, a shape
    ``(N, C, *space)``, or a mapping from names to shapes; it may be left out where the network's own sizes are known.
    ``seconds`` limits the time; the convolutions with most work come first. The results do not change by a bit, only the
    speed of what is compiled from now on. ``wisdom`` is where it is kept (default: the user's).
    """
    if not isinstance(seconds, int | float) or not seconds > 0:
        raise ArgumentError(f"seconds: got {seconds!r}; it must be a number above 0")
    begin, compiler = time.monotonic(), default_compiler()
    kept = default_wisdom() if wisdom is None else wisdom
    target = compiler.target
    asked = _asked(what, x, kept)
    chosen = {request: _few(request, target) for request in asked}
    measuring = partial(_measure, compiler)
    left = seconds - (time.monotonic() - begin)
    trials = search(chosen, measuring, left, progress)
    here = Machine.of(target)
    kept.learn(Entry(here, str(trial.request), trial.best, trial.seconds[trial.best]) for trial in trials)
    return Tuned(trials, len(asked) - len(trials), time.monotonic() - begin)


def search(
    chosen: Mapping[Request, Sequence[Plan]],
    measuring: Measuring,
    seconds: float,
    progress: Progress | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> list[Trial]:
    """Measure the plans of each request, the model's choice first, until the time is over.

    A request has an equal part of the time that is left. One of which fewer than two plans were measured is not tuned: it
    has nothing to be compared with. A measurement is not begun where one as long as the longest would end too late.
    """
    end, longest, done, trials = clock() + seconds, 0.0, 0, []
    total = sum(len(plans) for plans in chosen.values())
    for number, (request, plans) in enumerate(chosen.items()):
        measure: Callable[[Plan], float] | None = None
        seen: dict[Plan, float] = {}
        until = clock() + (end - clock()) / (len(chosen) - number)
        for turn, plan in enumerate(_rounds(plans, seen)):
            begin = clock()
            if begin + longest > (end if turn < 2 else until):
                break
            measure = measure or measuring(request)
            seen[plan] = min(measure(plan), seen.get(plan, float("inf")))
            longest = max(longest, clock() - begin)
            if progress is not None:
                progress(min(total, done + len(seen)), total)
        done += len(plans)
        if len(seen) > 1 or len(plans) == 1 == len(seen):
            trials.append(Trial(request, seen))
    return trials


def _rounds(plans: Sequence[Plan], seen: Mapping[Plan, float]) -> Iterable[Plan]:
    """All plans once, then the best ones again and again: the machine is never quite still."""
    yield from plans
    for _ in range(AGAIN if len(plans) > 1 else 0):
        yield from sorted(seen, key=lambda plan: seen[plan])[:AGAIN]


def _asked(what: Network | Problem | str, x: object, wisdom: Wisdom) -> list[Request]:
    """The distinct requests, those with most work first."""
    if isinstance(what, Network):
        program = Program(what, wisdom=wisdom)
        bound = program.bind(_shapes(what, x))
        bound.schedule(bound.whole())
        found = list(program.planner.chosen)
    elif isinstance(what, Problem | str):
        if x is not None:
            raise ArgumentError("x: a problem says its sizes itself; leave x out")
        found = requests(what if isinstance(what, Problem) else Problem.parse(what))
    else:
        raise ArgumentError(f"what: got {type(what).__name__}; tune a Network, a Problem or the text of a problem")
    plain = (replace(request, c=replace(request.c, epilogue=Epilogue())) for request in found if request.named)
    distinct = {str(request): request for request in plain}
    return sorted(distinct.values(), key=lambda request: -request.problem.macs)


def _shapes(network: Network, x: object) -> Shapes | None:
    if x is None:
        return None
    if isinstance(x, Mapping):
        return x
    if isinstance(x, Sequence) and not isinstance(x, str):
        return tuple(x)
    shape = getattr(x, "shape", None)
    if shape is None:
        raise ArgumentError(f"x: got {type(x).__name__}; give an array, a shape such as (1, 3, 224, 224), or names with shapes")
    return tuple(shape)


def _few(request: Request, target: Target) -> list[Plan]:
    """The plans to measure: those that the model likes best, and the best one of every other algorithm."""
    table = family(request.c, request.signal, target, "default")  # another one would round otherwise
    every: list[Candidate] = ranked(request.c, request.signal, target, table)
    few = [candidate.plan for candidate in every[: TRIED - 2]]
    for candidate in every:
        if len(few) < TRIED and name(candidate.plan.codelet) not in {name(plan.codelet) for plan in few}:
            few.append(candidate.plan)
    return few


def _measure(compiler: Compiler, request: Request) -> Callable[[Plan], float]:
    return Measure(request, compiler, compiler.target.cores)
