"""How long `inspect` takes, the import of the ONNX file included: ``python bench/inspect_speed.py`` prints medians of five."""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from time import perf_counter

import onnx

from atrous.graph.network import Shapes
from atrous.graph.networks import resnet50
from atrous.importers import load, save
from atrous.report import inspect

DENSENET = Path(onnx.__file__).parent / "backend/test/data/light/light_densenet121.onnx"


def seconds(file: Path, shapes: Shapes | None, rounds: int) -> list[float]:
    """The times of so many rounds, the shortest first."""
    times = []
    for _ in range(rounds):
        begin = perf_counter()
        inspect(load(file), shapes)
        times.append(perf_counter() - begin)
    return sorted(times)


def main(arguments: Sequence[str] | None = None) -> None:
    """One line a network."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args(arguments).rounds
    with tempfile.TemporaryDirectory() as folder:
        resnet = Path(folder) / "resnet50.onnx"
        save(resnet50(), resnet)
        for name, file, shapes in (("resnet50", resnet, (1, 3, 224, 224)), ("light_densenet121", DENSENET, None)):
            times = seconds(file, shapes, rounds)
            print(f"{name}: median {median(times):.2f} s, from {times[0]:.2f} to {times[-1]:.2f} s")


if __name__ == "__main__":
    main()
