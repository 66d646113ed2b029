"""The built-in networks against published numbers."""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import numpy as np
import pytest

from atrous.errors import ArgumentError
from atrous.graph.evaluate import evaluate
from atrous.graph.networks import NETWORKS, by_name, context_module, context_module_large, dncnn, lenet, unet, wavenet
from atrous.report import inspect


class Published(NamedTuple):
    """What a paper or torchvision says of a network; ``macs`` of convolutions and linear layers on ``shape``."""

    shape: tuple[int, ...]
    parameters: int
    macs: int
    output: tuple[int, ...]


def wavenet_layer(width: int, skip: int) -> int:
    """Weights of one gated layer: filter and gate of kernel 2, a 1×1 to the residual and one to the skip."""
    return 2 * 2 * width * width + width * width + width * skip


#: U-Nets by level: (maps in, maps out, output size) of every 3×3 convolution, then of every up-convolution.
UNET = [(1, 64, 570), (64, 64, 568), (64, 128, 282), (128, 128, 280), (128, 256, 138), (256, 256, 136), (256, 512, 66)]
UNET += [(512, 512, 64), (512, 1024, 30), (1024, 1024, 28), (1024, 512, 54), (512, 512, 52), (512, 256, 102)]
UNET += [(256, 256, 100), (256, 128, 198), (128, 128, 196), (128, 64, 390), (64, 64, 388)]
UNET_UP = [(1024, 512, 28), (512, 256, 52), (256, 128, 100), (128, 64, 196)]
UNET_MACS = sum(9 * a * b * n * n for a, b, n in UNET) + sum(4 * a * b * n * n for a, b, n in UNET_UP) + 64 * 2 * 388**2

#: Widths of the large context module with C = 21, from the input to the output.
LARGE = [21 * width for width in (1, 2, 2, 4, 8, 16, 32, 32, 1)]
LARGE_WEIGHTS = sum(9 * a * b for a, b in pairwise(LARGE[:8])) + LARGE[7] * LARGE[8]

PUBLISHED = {
    "lenet": Published((1, 1, 32, 32), 61_706, 416_520, (1, 10)),
    "alexnet": Published((1, 3, 224, 224), 61_100_840, 714_188_480, (1, 1000)),
    "vgg16": Published((1, 3, 224, 224), 138_357_544, 15_470_264_320, (1, 1000)),
    "resnet18": Published((1, 3, 224, 224), 11_689_512, 1_814_073_344, (1, 1000)),
    "resnet50": Published((1, 3, 224, 224), 25_557_032, 4_089_184_256, (1, 1000)),
    "mobilenet_v2": Published((1, 3, 224, 224), 3_504_872, 300_774_272, (1, 1000)),
    "unet": Published((1, 1, 572, 572), 31_030_658, UNET_MACS, (1, 2, 388, 388)),
    # The paper's 19,069,955; its table of sizes is 132×132×116 to 44×44×28.
    "unet3d": Published((1, 3, 116, 132, 132), 19_069_955, 266_731_018_496, (1, 3, 28, 44, 44)),
    "context_module": Published((1, 21, 64, 64), 64 * 21**2 + 8 * 21, 64 * 21**2 * 64**2, (1, 21, 64, 64)),
    "context_module_large": Published((1, 21, 64, 64), LARGE_WEIGHTS + sum(LARGE[1:]), LARGE_WEIGHTS * 64**2, (1, 21, 64, 64)),
    "dncnn": Published((1, 1, 64, 64), 556_032, 554_112 * 64**2, (1, 1, 64, 64)),
    "wavenet": Published(
        (1, 256, 4000),
        256 * 64 + 64 + 30 * (wavenet_layer(64, 256) + 3 * 64 + 256) + 2 * (256 * 256 + 256),
        (256 * 64 + 30 * wavenet_layer(64, 256) + 2 * 256 * 256) * 4000,
        (1, 256, 4000),
    ),
}


def test_every_network_has_its_numbers() -> None:
    assert set(PUBLISHED) == set(NETWORKS)


@pytest.mark.parametrize("name", PUBLISHED)
def test_parameters_and_multiply_adds(name: str) -> None:
    report = inspect(by_name(name), PUBLISHED[name].shape)
    seen = Published(PUBLISHED[name].shape, report.parameters, report.macs, report.outputs[0][2])
    assert seen == PUBLISHED[name]
    assert report.parameters == sum(row.parameters for row in report.rows)


def test_lecture_row_16_receptive_fields_of_the_context_module() -> None:
    rows = inspect(context_module(channels=2), (1, 2, 64, 64)).rows
    fields = [tuple(field.size for field in row.fields) for row in rows if row.operator == "Conv"]
    assert fields == [(n, n) for n in (3, 5, 9, 17, 33, 65, 67, 67)]
    assert sum(weights.size for name, weights in context_module(10).constants.items() if name.endswith("weight")) == 64 * 10**2


def test_the_context_module_starts_as_the_identity() -> None:
    maps = np.random.default_rng(1).random((1, 5, 20, 20), dtype=np.float32)
    (output,) = evaluate(context_module(5), {"maps": maps}).values()
    np.testing.assert_array_equal(output, maps)


def test_the_large_context_module_starts_near_the_identity() -> None:
    maps = np.random.default_rng(1).random((1, 2, 12, 12), dtype=np.float32) + np.float32(1)
    (output,) = evaluate(context_module_large(2), {"maps": maps}).values()
    assert np.abs(output - maps).max() < 0.2
    weights = context_module_large(2).constants["conv1.weight"]
    assert weights.shape == (4, 2, 3, 3)
    # Equation 5: maps 0 and 1 of four continue map 0 of two, each with the weight C / c = 1/2.
    np.testing.assert_array_equal(weights[:, :, 1, 1] == np.float32(0.5), [[1, 0], [1, 0], [0, 1], [0, 1]])


@pytest.mark.parametrize(("blocks", "depth", "field"), [(1, 10, 1024), (1, 4, 16), (3, 10, 3070)])
def test_published_receptive_fields_of_wavenet(blocks: int, depth: int, field: int) -> None:
    network = wavenet(blocks=blocks, depth=depth, width=2, skip=2, levels=4)
    assert inspect(network, (1, 4, 5000)).fields[0].size == field


@pytest.mark.parametrize(
    ("name", "last", "size", "jump"),
    [("vgg16", "pool5", 212, 32), ("resnet18", "layer4.1.relu_2", 435, 32), ("resnet50", "layer4.2.relu_3", 427, 32)],
)
def test_published_receptive_fields_of_classifiers(name: str, last: str, size: int, jump: int) -> None:
    (row,) = [row for row in inspect(by_name(name)).rows if row.name == last]
    assert [(field.size, field.jump) for field in row.fields] == [(size, jump)] * 2


def test_alexnet_receptive_fields() -> None:
    convolutions = [row for row in inspect(by_name("alexnet")).rows if row.operator == "Conv"]
    assert [(row.fields[0].size, row.fields[0].jump) for row in convolutions] == [
        (11, 4),
        (51, 8),
        (99, 16),
        (131, 16),
        (163, 16),
    ]


def test_dncnn_has_the_field_of_its_depth() -> None:
    assert [field.size for field in inspect(dncnn(), (1, 1, 40, 50)).fields] == [35, 35]


@pytest.mark.parametrize("size", [188, 204])
def test_legal_sizes_of_unet(size: int) -> None:
    assert inspect(unet(width=2), (1, 1, size, size)).outputs[0][2] == (1, 2, size - 184, size - 184)


def test_illegal_size_of_unet_names_the_node() -> None:
    with pytest.raises(ValueError, match=r"node 'up\d.concat'.*do not join"):
        inspect(unet(width=2), (1, 1, 200, 200))


def test_wavenet_is_causal() -> None:
    network = wavenet(blocks=1, depth=3, width=4, skip=4, levels=4)
    signal = np.random.default_rng(0).random((1, 4, 20), dtype=np.float32)
    later = signal.copy()
    later[..., 12:] = 0
    (full,) = evaluate(network, {"signal": signal}).values()
    (cut,) = evaluate(network, {"signal": later}).values()
    np.testing.assert_array_equal(full[..., :12], cut[..., :12])
    np.testing.assert_allclose(full.sum(axis=1), 1, rtol=1e-6)


def test_weights_follow_the_seed_and_the_rule() -> None:
    once, again, other = lenet(), lenet(), lenet(seed=1)
    np.testing.assert_array_equal(once.constants["c3.weight"], again.constants["c3.weight"])
    assert not np.array_equal(once.constants["c3.weight"], other.constants["c3.weight"])
    weights = by_name("resnet18").constants["layer4.0.2.conv.weight"]
    assert weights.dtype == np.float32
    assert weights.var() == pytest.approx(2 / (512 * 9), rel=0.01)


def test_an_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(ArgumentError, match=r"network: 'resnet' is none of the built-in ones: lenet, alexnet, .*wavenet"):
        by_name("resnet")
