"""How long planning one convolution takes: ``python bench/planning_speed.py`` prints medians for the problems of the tour."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from time import perf_counter

import atrous.bench
from atrous.engine.compiler import default_compiler
from atrous.engine.lowering.requests import requests
from atrous.engine.planner import ranked
from atrous.problem import Problem

TOUR = Path(atrous.bench.__file__).parent / "suites" / "tour.txt"


def main(arguments: Sequence[str] | None = None) -> None:
    """One line a problem, and the largest."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=50)
    rounds = parser.parse_args(arguments).rounds
    target, worst = default_compiler().target, 0.0
    for line in TOUR.read_text(encoding="utf-8").splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        name, text = line.split()
        request, times = requests(Problem.parse(text))[0], []
        for _ in range(rounds):
            begin = perf_counter()
            found = ranked(request.c, request.signal, target)
            times.append(perf_counter() - begin)
        worst = max(worst, median(times))
        print(f"{name:16s} {median(times) * 1e3:6.2f} ms for {len(found):3d} plans: {found[0].plan}")
    print(f"the largest of the medians: {worst * 1e3:.2f} ms")


if __name__ == "__main__":
    main()
