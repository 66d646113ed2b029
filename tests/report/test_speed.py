"""How long a report takes, import of the model included: best of five, as other work on the machine only adds to it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from time import perf_counter

import onnx
import pytest

from atrous.graph.networks import resnet50
from atrous.importers import load, save
from atrous.report import Report, inspect

DENSENET = Path(onnx.__file__).parent / "backend/test/data/light/light_densenet121.onnx"


def best(look: Callable[[], Report]) -> tuple[float, Report]:
    times = []
    for _ in range(5):
        begin = perf_counter()
        report = look()
        times.append(perf_counter() - begin)
    return min(times), report


@pytest.mark.slow
def test_resnet_50_takes_less_than_half_a_second(tmp_path: Path) -> None:
    file = tmp_path / "resnet50.onnx"
    save(resnet50(), file)
    seconds, report = best(lambda: inspect(load(file), (1, 3, 224, 224)))
    assert report.macs == 4_089_184_256
    assert seconds < 0.5


@pytest.mark.slow
def test_densenet_121_takes_less_than_a_second() -> None:
    seconds, report = best(lambda: inspect(load(DENSENET)))
    assert len(report.rows) > 400
    assert seconds < 1
