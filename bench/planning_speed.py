"""How long planning one convolution takes: ``python bench/planning_speed.py`` prints it for the problems of a suite."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from time import perf_counter

import atrous.bench
from atrous.engine.compiler import default_compiler
from atrous.engine.lowering.requests import requests
from atrous.engine.planner import plan
from atrous.problem import Problem

SUITES = Path(atrous.bench.__file__).parent / "suites"


def main(arguments: Sequence[str] | None = None) -> None:
    """One line a problem, then the median of all and the largest."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("suite", nargs="?", default="full")
    parser.add_argument("--rounds", type=int, default=20)
    given = parser.parse_args(arguments)
    target, medians = default_compiler().target, []
    for line in (SUITES / f"{given.suite}.txt").read_text(encoding="utf-8").splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        name, text = line.split()
        request, times = requests(Problem.parse(text))[0], []
        for _ in range(given.rounds):
            begin = perf_counter()
            found = plan(request.c, request.signal, target)
            times.append(perf_counter() - begin)
        medians.append(median(times))
        print(f"{name:16s} {medians[-1] * 1e3:6.2f} ms: {found}")
    print(f"{len(medians)} problems: median {median(medians) * 1e3:.2f} ms, the largest {max(medians) * 1e3:.2f} ms")


if __name__ == "__main__":
    main()
