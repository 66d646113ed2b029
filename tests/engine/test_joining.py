"""Concatenation: branches write into their slices of the result, with the bits that they have alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from atrous.engine.program import Program
from atrous.graph.builder import Builder
from atrous.graph.network import Network, Node
from tests.engine.running import random_box, run_box, same_bits

RNG = np.random.default_rng(21)


def branches(*, inner: bool, outputs: bool, channels: int = 16) -> Network:
    """Convolutions, a pool and a nested concatenation, side by side; one branch is read twice."""
    build = Builder("branches", seed=1)
    x = build.input("x", (1, channels, 19, 33))
    a = build.relu(build.conv(x, 24, 1, name="a"))
    b = build.conv(build.relu(build.conv(x, 8, 1, name="b1")), 40, 3, padding=1, name="b2")
    c = build.max_pool(x, 3, stride=1, padding=1, name="c")
    d = build.concat(build.sigmoid(c), x, b, name="d") if inner else b
    y = build.concat(a, d, c, a, name="joined")
    last = build.relu(y)
    return build.build(last, a) if outputs else build.build(last)


@pytest.mark.parametrize("channels", [3, 16, 17])
@pytest.mark.parametrize("inner", [False, True])
@pytest.mark.parametrize("outputs", [False, True])
def test_the_same_bits_as_branches_alone(inner: bool, outputs: bool, channels: int) -> None:
    network = branches(inner=inner, outputs=outputs, channels=channels)
    x = RNG.standard_normal((1, channels, 19, 33)).astype("float32")
    results = Program(network)(x)
    result = results[0] if outputs else results
    joined = next(node for node in network.nodes if node.name == "joined")
    alone = {"x": x}
    for name in dict.fromkeys(joined.inputs):
        alone[name] = Program(Network("alone", network.inputs, (name,), network.nodes, network.constants))(x)
    expected = np.maximum(np.concatenate([alone[name] for name in joined.inputs], axis=1), 0)
    np.testing.assert_allclose(result, expected, rtol=2e-6, atol=1e-6)
    if not outputs:
        program = Program(Network("one", network.inputs, ("y",), tuple(_renamed(network)), network.constants))
        for _ in range(3):
            box = random_box(RNG, result.shape)
            assert same_bits(run_box(program, x, box, threads=2), result[box.slices()].copy())


def _renamed(network: Network) -> list[Node]:
    return [replace(node, output="y") if node.output == network.outputs[0] else node for node in network.nodes]


def test_nothing_is_copied() -> None:
    """Two convolutions and what joins them are two launches beside the change of layout at the border."""
    build = Builder("two", seed=1)
    x = build.input("x", (1, 32, 12, 40))
    first = build.conv(x, 32, 3, padding=1)
    y = build.concat(build.conv(first, 64, 3, padding=1), build.conv(first, 48, 3, padding=1))
    joined = Program(build.build(build.conv(y, 32, 3, padding=1)), accuracy="strict").bind()
    build = Builder("one", seed=1)
    x = build.input("x", (1, 32, 12, 40))
    y = build.conv(build.conv(x, 32, 3, padding=1), 112, 3, padding=1)
    plain = Program(build.build(build.conv(y, 32, 3, padding=1)), accuracy="strict").bind()
    assert len(joined.schedule(joined.whole()).launches) == len(plain.schedule(plain.whole()).launches) + 1
