"""Runs tile by tile of networks whose layers are computed by tiles themselves, on grids of the whole."""

from __future__ import annotations

import numpy as np
import pytest

import atrous
from atrous.graph.network import Network
from atrous.graph.networks import context_module, dncnn, unet3d

CASES = [
    (dncnn(depth=4, width=32), (1, 1, 97, 83), (17, 30)),
    (context_module(24), (1, 24, 150, 141), (37, 50)),
    (unet3d(width=8), (1, 3, 92, 92, 92), (1, 2, 3)),
]


@pytest.mark.parametrize("accuracy", ["default", "fast"])
@pytest.mark.parametrize(("network", "shape", "tile"), CASES, ids=[network.name for network, *_ in CASES])
def test_tiles_give_the_bits_of_the_whole(
    network: Network, shape: tuple[int, ...], tile: tuple[int, ...], accuracy: str
) -> None:
    x = np.random.default_rng(0).standard_normal(shape).astype("float32")
    whole = network.compile(accuracy=accuracy)
    y = whole(x)
    assert any(plan.codelet.GRID > 1 for plan in whole.planner.chosen.values())
    assert np.array_equal(atrous.run(network, x, tile=tile, accuracy=accuracy), y)
    plain = network.compile(accuracy="strict")(x)
    assert np.abs(y - plain).max() <= 2e-5 * np.abs(plain).max()
