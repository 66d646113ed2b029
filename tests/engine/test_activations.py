"""Activation maps of chosen layers: against the oracle that evaluates every node, for any choice of layers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import atrous
from atrous.errors import ArgumentError, NetworkError
from atrous.graph.builder import Builder
from atrous.graph.evaluate import evaluate
from atrous.graph.fact import Array
from atrous.graph.network import Network
from atrous.graph.networks import dncnn, lenet, resnet18, unet


def oracle(network: Network, x: Array, layers: list[str]) -> dict[str, Array]:
    values = {node.name: node.output for node in network.nodes}
    wanted = tuple(dict.fromkeys(values[name] for name in layers))
    made = evaluate(replace(network, outputs=wanted), {next(iter(network.inputs)): x})
    return {name: made[values[name]] for name in layers}


def close(ours: Array, theirs: Array) -> None:
    assert (ours.shape, ours.dtype) == (theirs.shape, theirs.dtype)
    assert np.abs(ours - theirs).max() <= 1e-5 * max(np.abs(theirs).max(), 1e-30)


CASES = {
    "lenet": (lenet(), (1, 1, 32, 32)),
    "dncnn": (dncnn(depth=4, width=8), (2, 1, 15, 17)),
    "resnet18": (resnet18(), (1, 3, 40, 33)),
    "unet": (unet(width=2), (1, 1, 188, 188)),
}


@pytest.mark.parametrize("name", CASES)
def test_every_layer_is_as_the_oracle_has_it(name: str) -> None:
    network, shape = CASES[name]
    x = np.random.default_rng(0).standard_normal(shape, dtype=np.float32)
    layers = [node.name for node in network.nodes]
    expected = oracle(network, x, layers)
    made = atrous.activations(network, x, layers)
    assert list(made) == layers
    for layer in layers:
        close(made[layer], expected[layer])


def test_a_single_layer_does_not_depend_on_the_others_that_are_asked_for() -> None:
    network, shape = CASES["resnet18"]
    x = np.random.default_rng(1).standard_normal(shape, dtype=np.float32)
    layer = network.nodes[5].name
    close(atrous.activations(network, x, [layer])[layer], oracle(network, x, [layer])[layer])


def test_layers_behind_the_chosen_ones_need_not_fit() -> None:
    b = Builder("classifier", sample={"H": 8, "W": 8})
    x = b.input("x", ("N", 1, "H", "W"))
    network = b.build(b.linear(b.flatten(b.relu(b.conv(x, 2, 3))), 5))
    array = np.ones((1, 1, 20, 30), np.float32)
    assert atrous.activations(network, array, ["relu"])["relu"].shape == (1, 2, 18, 28)
    with pytest.raises(NetworkError, match="node 'linear'"):
        network.compile()(array)


def test_values_inputs_and_constants_have_names_too() -> None:
    b = Builder("small")
    x = b.input("x", ("N", 1, "H", "W"))
    network = b.build(b.relu(b.conv(x, 2, 3)))
    array = np.arange(36, dtype=np.float32).reshape(1, 1, 6, 6)
    weight = network.nodes[0].inputs[1]
    maps = atrous.activations(network, array, ["x", weight, network.outputs[0]])
    np.testing.assert_array_equal(maps["x"], array)
    np.testing.assert_array_equal(maps[weight], network.constants[weight])
    assert maps[network.outputs[0]].min() >= 0


def test_several_inputs_come_by_name() -> None:
    b = Builder("two")
    left, right = b.input("left", ("N", 1, "H", "W")), b.input("right", ("N", 1, "H", "W"))
    network = b.build(b.plus(b.relu(left), right))
    ones = np.ones((1, 1, 3, 4), np.float32)
    made = atrous.activations(network, {"right": 2 * ones, "left": ones}, ["relu", network.nodes[-1].name])
    np.testing.assert_array_equal(made[network.nodes[-1].name], 3 * ones)
    with pytest.raises(ArgumentError, match="x: got one array; the network takes 2: give a mapping with left, right"):
        atrous.activations(network, ones, ["relu"])
    with pytest.raises(ArgumentError, match=r"x: \['right'\] are missing or unknown; the network takes left, right"):
        atrous.activations(network, {"left": ones}, ["relu"])


def test_unknown_names_are_refused_with_those_that_exist() -> None:
    x = np.ones((1, 1, 32, 32), np.float32)
    with pytest.raises(ArgumentError, match=r"names: 'conv9' is no layer of lenet; it has c1, tanh, s2"):
        atrous.activations(lenet(), x, ["c1", "conv9"])
    with pytest.raises(ArgumentError, match=r"names: got 'c1'; give a list of layers, such as \['c1'\]"):
        atrous.activations(lenet(), x, "c1")
    with pytest.raises(ArgumentError, match=r"names: got \[\]; give a list of layers"):
        atrous.activations(lenet(), x, [])
