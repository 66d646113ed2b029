"""The built-in networks run: ONNX Runtime, the oracle and the engine give the same result."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import atrous
from atrous.graph.evaluate import evaluate
from atrous.graph.network import Network
from atrous.graph.networks import (
    context_module,
    context_module_large,
    convnext_tiny,
    deeplabv3_head,
    densenet121,
    dncnn,
    hifigan,
    lenet,
    mobilenet_v2,
    resnet18,
    squeezenet1_0,
    squeezenet1_1,
    tcn,
    unet,
    unet3d,
    unet_padded,
    wavenet,
)
from atrous.graph.passes import optimise
from atrous.importers import to_onnx

ort = pytest.importorskip("onnxruntime", reason="onnxruntime, the peer, is not installed (pip install -e .[dev])")

Make = Callable[[], Network]

#: Thin forms of every family, and the sizes that they take, for the slow oracle.
SMALL: dict[str, tuple[Make, tuple[int, ...]]] = {
    "lenet": (lenet, (2, 1, 32, 32)),
    "context_module": (lambda: context_module(3), (1, 3, 20, 23)),
    "context_module_large": (lambda: context_module_large(2), (1, 2, 17, 9)),
    "dncnn": (lambda: dncnn(depth=4, width=8), (2, 1, 15, 17)),
    "wavenet": (lambda: wavenet(blocks=2, depth=4, width=8, skip=12, levels=16), (1, 16, 70)),
    "unet": (lambda: unet(width=3), (1, 1, 188, 204)),
    "unet3d": (lambda: unet3d(width=1), (1, 3, 92, 92, 100)),
    "mobilenet_v2": (mobilenet_v2, (1, 3, 33, 50)),
    "resnet18": (resnet18, (1, 3, 40, 33)),
    "squeezenet1_0": (squeezenet1_0, (1, 3, 64, 55)),
    "squeezenet1_1": (squeezenet1_1, (2, 3, 33, 50)),
    "densenet121": (lambda: densenet121(growth=4), (1, 3, 64, 70)),
    "convnext_tiny": (lambda: convnext_tiny(layer_scale=0.3), (1, 3, 33, 66)),
    "unet_padded": (lambda: unet_padded(width=3), (1, 1, 48, 32)),
    "deeplabv3_head": (lambda: deeplabv3_head(classes=5, channels=24, width=8), (1, 24, 17, 30)),
    "tcn": (lambda: tcn(width=6, depth=4, kernel=3), (2, 1, 50)),
    "hifigan": (lambda: hifigan(bands=6, width=32), (1, 6, 9)),
}


def peer(network: Network, x: np.ndarray) -> np.ndarray:
    """What ONNX Runtime makes of the exported network."""
    session = ort.InferenceSession(to_onnx(network).SerializeToString(), providers=["CPUExecutionProvider"])
    (name,) = network.inputs
    (result,) = session.run(None, {name: x})
    return np.asarray(result)


def signal(shape: tuple[int, ...]) -> np.ndarray:
    return np.random.default_rng(sum(shape)).random(shape, dtype=np.float32)


def close(result: Any, expected: np.ndarray) -> None:
    """Within 1e-5 of the largest element, the accuracy that atrous promises by default."""
    assert result.shape == expected.shape
    assert result.dtype == expected.dtype
    assert np.abs(result - expected).max() <= 1e-5 * np.abs(expected).max()


@pytest.mark.parametrize("name", SMALL)
def test_export_means_the_same_to_onnx_runtime(name: str) -> None:
    make, shape = SMALL[name]
    network, x = make(), signal(shape)
    (oracle,) = evaluate(network, dict.fromkeys(network.inputs, x)).values()
    close(peer(network, x), oracle)


@pytest.mark.parametrize("name", SMALL)
def test_engine_gives_the_result_of_onnx_runtime(name: str) -> None:
    make, shape = SMALL[name]
    network, x = make(), signal(shape)
    close(atrous.compile(network)(x), peer(network, x))


@pytest.mark.parametrize("name", SMALL)
def test_passes_leave_the_result(name: str) -> None:
    """With norms and biases as after a training: built-in ones are 1 and 0, which would hide what is forgotten."""
    make, shape = SMALL[name]
    network, x = make(), signal(shape)
    random = np.random.default_rng(3)
    trained = {
        name: random.uniform(0.5, 1.5, array.shape).astype(array.dtype)
        for name, array in network.constants.items()
        if array.dtype == np.float32 and sum(size > 1 for size in array.shape) <= 1
    }
    network = replace(network, constants={**network.constants, **trained})
    (before,), (after,) = (evaluate(each, dict.fromkeys(network.inputs, x)).values() for each in (network, optimise(network)))
    close(after, before)
