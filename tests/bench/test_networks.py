"""Networks of the suite: where they come from, and PyTorch's walk over them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from atrous.bench.networks import EXTRA, find_network, shaped, write_model
from atrous.bench.peers import PEERS
from atrous.bench.peers.torch_walk import walk
from atrous.bench.race import Measured, Settings
from atrous.bench.session import session
from atrous.bench.suites import NetworkCase, read_suite
from atrous.bench.tasks import NetworkTask
from atrous.errors import ArgumentError


@pytest.mark.slow
def test_the_suite_holds_networks_whose_shapes_fit() -> None:
    for case in read_suite("networks"):
        assert isinstance(case, NetworkCase)
        network = find_network(case.source)
        facts = shaped(network, case.shapes)
        assert all(facts[name].concrete for name in network.outputs), case.name


def test_an_unknown_network_is_refused_with_the_known_ones() -> None:
    with pytest.raises(
        ArgumentError, match=r"network: got 'resnet'; it must be an ONNX file or one of lenet, .*light_squeezenet"
    ):
        find_network("resnet")


def test_shapes_are_as_many_as_inputs() -> None:
    with pytest.raises(ArgumentError, match="network: got 2 shapes; lenet has 1 inputs"):
        shaped(find_network("lenet"), ((1, 1, 32, 32), (1,)))


SIZES = {
    "lenet": (1, 1, 32, 32),
    "mobilenet_v2": (1, 3, 64, 64),
    "wavenet": (1, 256, 100),
    "dncnn": (1, 1, 20, 24),
    "context_module": (1, 21, 40, 33),
    "subpixel": (2, 1, 9, 11),
    "unet_same": (1, 1, 32, 48),
    "unet3d_same": (1, 1, 8, 16, 8),
}


def walked(name: str, folder: Path, dtype: str, near: bool) -> tuple[np.ndarray, np.ndarray]:
    """PyTorch's result and ours, on the same input."""
    path = folder / f"{name}.onnx"
    network = write_model(name, path)
    shapes = tuple(
        (key, SIZES.get(name, fact.sizes))
        for key, fact in shaped(network, tuple(filter(None, [SIZES.get(name)]))).items()
        if key in network.inputs
    )
    function, inputs = walk(NetworkTask(str(path), shapes, 3, 1), dtype, near)
    (made,) = function(*inputs)
    return made.contiguous().numpy(), np.asarray(network.compile()(*(each.float().contiguous().numpy() for each in inputs)))


@pytest.mark.parametrize("near", [False, True])
@pytest.mark.parametrize("name", ["lenet", "dncnn", "wavenet", "subpixel"])
def test_the_walk_gives_our_result(name: str, near: bool, tmp_path: Path) -> None:
    theirs, ours = walked(name, tmp_path, "float32", near)
    assert np.abs(theirs - ours).max() <= 1e-5 * np.abs(ours).max()


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    ["mobilenet_v2", "context_module", "unet_same", "unet3d_same"]
    + [f"light_{name}" for name in ("squeezenet", "densenet121", "inception_v1", "inception_v2", "shufflenet", "zfnet512")],
)
def test_the_walk_follows_every_network_of_the_suite(name: str, tmp_path: Path) -> None:
    theirs, ours = walked(name, tmp_path, "float64", near=False)
    assert theirs.dtype == np.float64
    assert np.abs(theirs - ours).max() <= 1e-5 * np.abs(theirs).max()


def test_a_network_is_measured_with_the_memory_that_it_takes() -> None:
    case = NetworkCase("mine", "dncnn", ((1, 1, 20, 24),))
    with session(
        [peer for peer in PEERS if peer.name in ("atrous", "torch", "onnxruntime")], 1, Settings(1, 0.0, 60.0)
    ) as running:
        row = running.measure(case)
    assert list(row.outcomes) == ["atrous", "torch", "onnxruntime"]
    for outcome in row.outcomes.values():
        assert isinstance(outcome, Measured)
        assert outcome.error is not None
        assert outcome.error < 1e-5
        assert outcome.memory is not None
        assert 2**20 < outcome.memory < 2**30
    assert row.flop == 2 * 554_112 * 480
    assert row.family == "network"


def test_extra_networks_are_no_built_in_ones() -> None:
    from atrous.graph.networks import NETWORKS

    assert not EXTRA.keys() & NETWORKS.keys()
