"""Runs in strips: the same bits as at once, in less memory, and only where that costs little."""

from __future__ import annotations

import numpy as np
import pytest

from atrous.engine import strips
from atrous.engine.program import Program
from atrous.geometry import Box
from atrous.graph.network import Network
from atrous.graph.networks import context_module, dncnn, lenet, unet, wavenet
from tests.engine.running import same_bits

CASES = (
    (dncnn(depth=5, width=8), (2, 1, 61, 40)),
    (context_module(3), (1, 3, 150, 33)),
    (wavenet(blocks=1, depth=4, width=8, skip=8, levels=16), (1, 16, 700)),
    (unet(width=4), (1, 1, 220, 204)),
)


@pytest.mark.parametrize(("network", "shape"), CASES, ids=lambda value: getattr(value, "name", ""))
def test_strips_give_the_same_bits(network: Network, shape: tuple[int, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    x = np.random.default_rng(0).standard_normal(shape).astype(np.float32)
    at_once = Program(network)
    expected = at_once(x)
    monkeypatch.setattr(strips, "ROOMY", 0)
    monkeypatch.setattr(strips, "MOST_EXTRA", 10.0)
    striped = Program(network)
    for threads in (1, 3):
        striped.threads = threads
        assert same_bits(striped(x), expected)
    name = next(iter(network.inputs))
    few, whole = (program.bind({name: shape}) for program in (striped, at_once))
    assert few.arena_bytes(few.whole()) < whole.arena_bytes(whole.whole())


def test_there_are_none_where_memory_is_small_or_work_would_double() -> None:
    box = Box((0, 0, 0), (1, 1, 100))

    def halo(boxes: strips.Boxes) -> dict[str, Box]:
        return {"y": boxes["y"], "x": Box((0, 0, max(0, boxes["y"].lo[2] - 9)), (1, 1, min(100, boxes["y"].hi[2] + 9)))}

    def work(boxes: strips.Boxes) -> float:
        return float(boxes["x"].size)

    assert strips.strips("y", box, strips.ROOMY, halo, work) == []
    assert strips.strips("y", box, 2 * strips.ROOMY, halo, work) == [], "a strip more is 18 % more work"
    free = strips.strips("y", box, 3 * strips.ROOMY, lambda boxes: dict(boxes), lambda boxes: float(boxes["y"].size))
    assert [part["y"].hi[2] for part in free] == [33, 66, 100]


def test_networks_that_need_all_of_the_signal_run_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(strips, "ROOMY", 0)
    x = np.ones((1, 1, 32, 32), np.float32)
    assert Program(lenet())(x).shape == (1, 10)
