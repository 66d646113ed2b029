"""The cost model against measurements: kernels alone, one thread, each algorithm in the layout that it likes.

``python bench/model_check.py --suite src/atrous/bench/suites/full.txt --seconds 600`` prints, for every problem, the plan
that is predicted to be the fastest beside the one that is, and for how many problems the two are within 5 %.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from math import exp, log
from pathlib import Path

import atrous.bench
from atrous.engine.compiler import default_compiler
from atrous.engine.lowering.requests import requests
from atrous.engine.measure import Measure
from atrous.engine.plan import Plan, Request
from atrous.engine.planner import ranked
from atrous.engine.tune import search
from atrous.problem import Problem
from atrous.target import Target

SUITES = Path(atrous.bench.__file__).parent / "suites"
#: Multiply-adds of the largest problem that is measured, and plans of each algorithm.
LARGEST, PLANS = 3_000_000_000, 6


def considered(request: Request, target: Target) -> list[Plan]:
    """The best predicted plans of every algorithm, the best of all first."""
    found: list[Plan] = []
    for each in ranked(request.c, request.signal, target, tiles=8):
        if sum(plan.codelet is each.plan.codelet for plan in found) < PLANS:
            found.append(each.plan)
    return found


def problems(suite: Path) -> dict[Request, str]:
    """The problems of a suite, each once, as requests without layouts around them."""
    found: dict[Request, str] = {}
    for line in suite.read_text(encoding="utf-8").splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        name, text = line.split()
        problem = Problem.parse(text)
        if problem.transposed or problem.macs > LARGEST:
            continue
        request = requests(problem)[0]
        alone = Request(request.c, replace(request.signal, source=None, wanted=None))
        found.setdefault(alone, name)
    return found


def main(arguments: Sequence[str] | None = None) -> None:
    """One line a problem, and the sum."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--suite", type=Path, default=SUITES / "tour.txt")
    parser.add_argument("--seconds", type=float, default=0.0, help="default: two a round")
    parser.add_argument("--rounds", type=int, default=30)
    given = parser.parse_args(arguments)
    compiler = default_compiler()
    target = replace(compiler.target, cores=1)
    named = problems(given.suite)
    chosen = {request: considered(request, target) for request in named}
    trials = search(chosen, lambda request: Measure(request, compiler, 1), given.seconds or 2.0 * given.rounds)
    for trial in sorted(trials, key=lambda trial: -trial.gain):
        micros = trial.seconds[trial.best] * 1e6
        print(f"{named[trial.request]:16s} {trial.gain:5.2f}  {trial.predicted!s:20s} {trial.best!s:20s} {micros:10.1f} us")
    near = sum(trial.gain <= 1.05 for trial in trials)
    mean = exp(sum(log(trial.gain) for trial in trials) / max(1, len(trials)))
    print(f"{near} of {len(trials)} within 5 % of the fastest, on geometric mean {mean:.3f} times its time")


if __name__ == "__main__":
    main()
