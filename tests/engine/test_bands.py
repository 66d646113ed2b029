"""Runs in bands: the same bits as at once, in less memory, and nothing computed twice."""

from __future__ import annotations

import numpy as np
import pytest

from atrous.engine import bands, program
from atrous.engine.program import Program
from atrous.geometry import Box
from atrous.graph.builder import Builder, Value
from atrous.graph.layers.reduction import ReduceMean
from atrous.graph.network import Network
from atrous.graph.networks import context_module, dncnn, lenet, unet, wavenet
from tests.engine.running import same_bits

CASES = (
    (dncnn(depth=5, width=8), (2, 1, 61, 40)),
    (dncnn(depth=5, width=32), (1, 1, 61, 40)),
    (context_module(3), (1, 3, 150, 33)),
    (wavenet(blocks=1, depth=4, width=8, skip=8, levels=16), (1, 16, 700)),
    (unet(width=4), (1, 1, 508, 204)),
)


def everywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes every run one of bands."""
    monkeypatch.setattr(program, "bands", lambda boxes, arena, room, *rest: bands.bands(boxes, arena, 1, *rest))
    monkeypatch.setattr(bands, "MOST_EXTRA", 1e9)
    monkeypatch.setattr(bands, "MOST", 11)


@pytest.mark.parametrize("accuracy", ["strict", "default"])
@pytest.mark.parametrize(("network", "shape"), CASES, ids=lambda value: getattr(value, "name", ""))
def test_bands_give_the_same_bits_in_less_memory(
    network: Network, shape: tuple[int, ...], accuracy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    x = np.random.default_rng(0).standard_normal(shape).astype(np.float32)
    at_once = Program(network, accuracy=accuracy)
    expected = at_once(x)
    if network is CASES[1][0] and accuracy == "default":
        assert any(plan.codelet.GRID > 1 for plan in at_once.planner.chosen.values())
    everywhere(monkeypatch)
    banded = Program(network, accuracy=accuracy)
    for threads in (1, 3):
        banded.threads = threads
        assert same_bits(banded(x), expected)
    name = next(iter(network.inputs))
    few, whole = (each.bind({name: shape}) for each in (banded, at_once))
    if accuracy == "strict":  # the scratch memory of tiles, the same for any band, may be most of it
        assert few.arena_bytes(few.whole()) < whole.arena_bytes(whole.whole())


def _mean(b: Builder, x: Value) -> Value:
    """One number for each channel, spread over all of space."""
    return b.add(ReduceMean(axes=tuple(range(2, x.fact.rank))), x, name=None, kind="mean")


SCENES = {
    "a pool, its inverse and a sum of both": lambda b, x: b.concat(b.conv_transpose(b.max_pool(x, 2), 3, 2, stride=2), x),
    "a mean of everything": lambda b, x: b.times(b.conv(x, 3, 3, padding=1), b.sigmoid(_mean(b, x))),
    "two windows of one value": lambda b, x: b.plus(b.conv(x, 3, 7, padding=3), b.conv(x, 3, 1)),
    "dilated rows": lambda b, x: b.conv(b.relu(b.conv(x, 5, 3, dilation=9, padding=9)), 3, 3, dilation=2, padding=2),
    "strides": lambda b, x: b.conv(b.conv(x, 5, 3, stride=2, padding=1), 3, 5, stride=3, padding=2),
    "softmax over the channels": lambda b, x: b.softmax(b.conv(x, 5, 3)),
}


@pytest.mark.parametrize("scene", SCENES)
@pytest.mark.parametrize("shape", [(1, 3, 48, 20), (3, 3, 24, 22), (2, 3, 18, 6, 8)], ids=str)
def test_any_network_gives_the_same_bits(scene: str, shape: tuple[int, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    b = Builder("scene")
    x = b.input("x", ("N", 3, *"DHW"[5 - len(shape) :]))
    network = b.build(SCENES[scene](b, x))
    data = np.random.default_rng(1).standard_normal(shape).astype(np.float32)
    expected = Program(network)(data)
    everywhere(monkeypatch)
    assert same_bits(Program(network)(data), expected)


def test_no_element_is_computed_twice_where_windows_only_move_on() -> None:
    network = dncnn(depth=6, width=8)
    bound = Program(network).bind({"noisy": (1, 1, 64, 32)})
    found = bands.follow("clean", bands.cut(Box.full((1, 1, 64, 32)), 7), bound._demands)
    made = sum(band.fresh[node.output].size for band in found for node in bound.network.nodes)
    assert made == sum(bound.facts[node.output].count for node in bound.network.nodes)


def test_rows_of_a_later_band_are_kept_and_nothing_else() -> None:
    network = dncnn(depth=3, width=8)
    bound = Program(network).bind({"noisy": (1, 1, 64, 32)})
    first, second = bands.follow("clean", bands.cut(Box.full((1, 1, 64, 32)), 2), bound._demands)
    name = bound.network.nodes[0].output
    assert first.held[name].hi[2] == 34, "two layers of 3x3 read two rows beyond the band"
    assert (second.held[name].lo[2], second.held[name].hi[2]) == (32, 64)
    kept = second.kept(name, first)
    assert kept is not None
    assert (kept.lo[2], kept.hi[2]) == (32, 34)


def test_there_are_none_where_memory_is_small_or_keeping_costs() -> None:
    bound = Program(dncnn(depth=4, width=32)).bind({"noisy": (1, 1, 256, 128)})
    boxes, arena = bound.whole(), bound.arena_bytes(bound.whole())
    assert bands.bands(boxes, arena, arena, bound._demands, bound.work) == []
    assert len(bands.bands(boxes, arena, arena - 1, bound._demands, bound.work)) == 3
    wide = Program(context_module(3)).bind({"maps": (1, 3, 40, 128)})
    assert bands.bands(wide.whole(), 10**9, 10**6, wide._demands, wide.work) == [], "dilated kernels reach over all rows"


def test_networks_that_need_all_of_the_signal_run_image_by_image(monkeypatch: pytest.MonkeyPatch) -> None:
    x = np.random.default_rng(0).standard_normal((7, 1, 32, 32)).astype(np.float32)
    expected = Program(lenet())(x)
    everywhere(monkeypatch)
    assert same_bits(Program(lenet())(x), expected)
