"""The built-in networks against published numbers, ONNX Runtime and the oracle."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from atrous.errors import ArgumentError
from atrous.graph import Network
from atrous.graph.evaluate import evaluate
from atrous.graph.networks import (
    NETWORKS,
    by_name,
    context_module,
    context_module_large,
    dncnn,
    unet,
    unet3d,
    wavenet,
)
from atrous.importers import to_onnx
from atrous.report import inspect


class Published(NamedTuple):
    """What the paper or torchvision says of a network; ``macs`` on ``shape``, convolutions and linear layers, no biases."""

    shape: tuple[int, ...]
    parameters: int
    macs: int
    output: tuple[int, ...]


PUBLISHED = {
    "lenet": Published((1, 1, 32, 32), 61_706, 416_520, (1, 10)),
    "alexnet": Published((1, 3, 224, 224), 61_100_840, 714_188_480, (1, 1000)),
    "vgg16": Published((1, 3, 224, 224), 138_357_544, 15_470_264_320, (1, 1000)),
    "resnet18": Published((1, 3, 224, 224), 11_689_512, 1_814_073_344, (1, 1000)),
    "resnet50": Published((1, 3, 224, 224), 25_557_032, 4_089_184_256, (1, 1000)),
    "mobilenet_v2": Published((1, 3, 224, 224), 3_504_872, 300_774_272, (1, 1000)),
    # 7 layers of 9 C² weights and one of C², with C = 21, and biases; nothing but convolutions of a fixed map size.
    "context_module": Published((1, 21, 64, 64), 64 * 21**2 + 8 * 21, 64 * 21**2 * 64 * 64, (1, 21, 64, 64)),
    "dncnn": Published((1, 1, 64, 64), 556_032, 554_112 * 64 * 64, (1, 1, 64, 64)),
    "unet": Published((1, 1, 572, 572), 31_030_658, 0, (1, 2, 388, 388)),
    "unet3d": Published((1, 3, 116, 132, 132), 19_069_955, 0, (1, 3, 28, 44, 44)),
}
