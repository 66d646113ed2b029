"""Numbers that others published, through whole networks and their reports."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import numpy as np
import pytest

from atrous.geometry import Explicit
from atrous.graph.builder import Builder, Value
from atrous.graph.layers import ConvTranspose
from atrous.graph.network import Network
from atrous.graph.networks import by_name, context_module, wavenet
from atrous.report import Field, inspect

#: (receptive field, effective stride, effective padding), as google-research/receptive_field prints it.
Row = tuple[int, int, int]


def printed(field: Field) -> Row:
    assert field.size is not None
    assert field.jump is not None
    (start,) = field.starts
    return (field.size, int(field.jump), int(-start))


def found(network: Network, size: int) -> dict[str, Row]:
    """The row of every layer whose field is known; rows and columns alike."""
    rows = inspect(network, (1, 1, size, size)).rows
    return {row.name: printed(row.fields[0]) for row in rows if row.fields and row.fields[0] == row.fields[1]}


def same(b: Builder, x: Value, *kernels: int, stride: int = 1, name: str | None = None) -> Value:
    """Odd kernels padded evenly, as SAME does at the tables' sizes; the last one strides."""
    for i, kernel in enumerate(kernels):
        last = i == len(kernels) - 1
        x = b.conv(x, 1, kernel, stride=stride if last else 1, padding=kernel // 2, name=name if last else None)
    return x


def start(name: str) -> tuple[Builder, Value]:
    b = Builder(name, sample={"H": 1024, "W": 1024})
    return b, b.input("image", ("N", 1, "H", "W"))


def test_alexnet_v2() -> None:
    """google-research/receptive_field, README; tf.slim's alexnet_v2 has no padding at its stem and pools."""
    b, x = start("alexnet_v2")
    x = b.max_pool(b.conv(x, 1, 11, stride=4, name="conv1"), 3, stride=2, name="pool1")
    x = b.max_pool(same(b, x, 5, name="conv2"), 3, stride=2, name="pool2")
    for i in (3, 4, 5):
        x = same(b, x, 3, name=f"conv{i}")
    rows = found(b.build(b.max_pool(x, 3, stride=2, name="pool5")), 231)
    assert rows == {
        "conv1": (11, 4, 0),
        "pool1": (19, 8, 0),
        "conv2": (51, 8, 16),
        "pool2": (67, 16, 16),
        "conv3": (99, 16, 32),
        "conv4": (131, 16, 48),
        "conv5": (163, 16, 64),
        "pool5": (195, 32, 64),
    }


def test_vgg16() -> None:
    """google-research/receptive_field, end points of VGG-16, on the built-in network."""
    rows = inspect(by_name("vgg16"), (1, 3, 224, 224)).rows
    seen = [printed(row.fields[0]) for row in rows if row.operator in ("Conv", "MaxPool")]
    assert seen[:3] == [(3, 1, 1), (5, 1, 2), (6, 2, 2)]
    published = [(10, 2, 4), (16, 4, 6), (24, 4, 10), (32, 4, 14), (44, 8, 18), (60, 8, 26), (76, 8, 34), (100, 16, 42)]
    assert [row for row in seen if row in published] == published
    assert [row for row in seen if row in [(132, 16, 58), (164, 16, 74)]] == [(132, 16, 58), (164, 16, 74)]
    assert seen[-1] == (212, 32, 90)


def cross(b: Builder, x: Value, *kernels: tuple[int, int], stride: int = 1) -> Value:
    """Kernels that are long on one axis only."""
    for i, kernel in enumerate(kernels):
        padding = (kernel[0] // 2, kernel[1] // 2)
        x = b.conv(x, 1, kernel, stride=stride if i == len(kernels) - 1 else 1, padding=padding)
    return x


def averaged(b: Builder, x: Value) -> Value:
    """A padded pool of 3 and a 1x1; its geometry is that of a maximum."""
    return same(b, b.max_pool(x, 3, stride=1, padding=1), 1)


def inception_v3() -> Network:
    b, x = start("inception_v3")
    x = b.conv(x, 1, 3, stride=2, name="1a")
    x = same(b, b.conv(x, 1, 3, name="2a"), 3, name="2b")
    x = b.conv(b.max_pool(x, 3, stride=2, name="3a"), 1, 1, name="3b")
    x = b.max_pool(b.conv(x, 1, 3, name="4a"), 3, stride=2, name="5a")
    for block in ("5b", "5c", "5d"):
        x = b.concat(same(b, x, 1), same(b, x, 1, 5), same(b, x, 1, 3, 3), averaged(b, x), name=block)
    long = b.conv(same(b, x, 1, 3), 1, 3, stride=2)
    x = b.concat(b.conv(x, 1, 3, stride=2), long, b.max_pool(x, 3, stride=2), name="6a")
    for block in ("6b", "6c", "6d", "6e"):
        short = cross(b, same(b, x, 1), (1, 7), (7, 1))
        long = cross(b, same(b, x, 1), (7, 1), (1, 7), (7, 1), (1, 7))
        x = b.concat(same(b, x, 1), short, long, averaged(b, x), name=block)
    short, long = same(b, x, 1), cross(b, same(b, x, 1), (1, 7), (7, 1))
    x = b.concat(b.conv(short, 1, 3, stride=2), b.conv(long, 1, 3, stride=2), b.max_pool(x, 3, stride=2), name="7a")
    for block in ("7b", "7c"):
        first, second = same(b, x, 1), same(b, x, 1, 3)
        wide = [cross(b, branch, kernel) for branch in (first, second) for kernel in ((1, 3), (3, 1))]
        x = b.concat(same(b, x, 1), *wide, averaged(b, x), name=block)
    return b.build(x)


def test_inception_v3() -> None:
    """google-research/receptive_field; every mixed block is aligned at 299."""
    report = inspect(inception_v3(), (1, 1, 299, 299))
    assert all(field.aligned for row in report.rows for field in row.fields)
    rows = {row.name: [printed(field) for field in row.fields] for row in report.rows}
    published = {
        "1a": (3, 2, 0),
        "2a": (7, 2, 0),
        "2b": (11, 2, 2),
        "3a": (15, 4, 2),
        "3b": (15, 4, 2),
        "4a": (23, 4, 2),
        "5a": (31, 8, 2),
        "5b": (63, 8, 18),
        "5c": (95, 8, 34),
        "5d": (127, 8, 50),
        "6a": (159, 16, 58),
        "6b": (351, 16, 154),
        "6c": (543, 16, 250),
        "6d": (735, 16, 346),
        "6e": (927, 16, 442),
        "7a": (1055, 32, 490),
        "7b": (1183, 32, 554),
        "7c": (1311, 32, 618),
    }
    assert {name: rows[name] for name in published} == {name: [row] * 2 for name, row in published.items()}


def repeated(b: Builder, x: Value, times: int, *branches: Sequence[tuple[int, int]]) -> Value:
    """Residual blocks: branches joined, brought back by a 1x1, added."""
    for _ in range(times):
        joined = b.concat(*(cross(b, x, *branch) for branch in branches))
        x = b.plus(x, same(b, joined, 1))
    return x


def inception_resnet_v2() -> Network:
    b, x = start("inception_resnet_v2")
    x = same(b, b.conv(b.conv(x, 1, 3, stride=2), 1, 3), 3)
    x = b.max_pool(b.conv(b.conv(b.max_pool(x, 3, stride=2), 1, 1), 1, 3), 3, stride=2)
    x = same(b, b.concat(same(b, x, 1), same(b, x, 1, 5), same(b, x, 1, 3, 3), averaged(b, x)), 1)
    x = repeated(b, x, 10, [(1, 1)], [(1, 1), (3, 3)], [(1, 1), (3, 3), (3, 3)])
    long = b.conv(same(b, x, 1, 3), 1, 3, stride=2)
    x = same(b, b.concat(b.conv(x, 1, 3, stride=2), long, b.max_pool(x, 3, stride=2)), 1)
    x = repeated(b, x, 20, [(1, 1)], [(1, 1), (1, 7), (7, 1)])
    short, long = same(b, x, 1), same(b, x, 1, 3)
    x = b.concat(*(b.conv(each, 1, 3, stride=2) for each in (short, short, long)), b.max_pool(x, 3, stride=2))
    x = repeated(b, same(b, x, 1), 10, [(1, 1)], [(1, 1), (1, 3), (3, 1)])
    return b.build(x)


def test_inception_resnet_v2() -> None:
    """google-research/receptive_field, README: 3039, 32, 1482; the feature [0, 2] is centred at [37, 101]."""
    fields = inspect(inception_resnet_v2(), (1, 1, 299, 299)).fields
    assert [printed(field) for field in fields] == [(3039, 32, 1482)] * 2
    lo, hi = fields[0].sets[0].span
    assert ((lo + hi - 1) / 2, (lo + hi - 1) / 2 + 2 * 32) == (37, 101)
    assert all(field.aligned for field in fields)


def resnet_v1(blocks: Sequence[int], pool: int = 0) -> Network:
    """tf.slim's: the last unit of a stage strides, and the shortcut subsamples; the pool is padded at its high end alone."""
    b, x = start("resnet_v1")
    x = b.max_pool(b.conv(x, 1, 7, stride=2, padding=3), 3, stride=2, padding=((pool, 1), (pool, 1)))
    for stage, count in enumerate(blocks):
        for unit in range(count):
            stride = 2 if stage < 3 and unit == count - 1 else 1
            body = same(b, same(b, same(b, x, 1), 3, stride=stride), 1)
            x = b.plus(body, x if stride == 1 else b.max_pool(x, 1, stride=stride))
    return b.build(x)


@pytest.mark.parametrize(
    ("blocks", "published"),
    [((3, 4, 6, 3), (483, 239)), ((3, 4, 23, 3), (1027, 511)), ((3, 8, 36, 3), (1507, 751)), ((3, 24, 36, 3), (1763, 879))],
    ids=["50", "101", "152", "200"],
)
def test_resnet_v1(blocks: Sequence[int], published: tuple[int, int]) -> None:
    """google-research/receptive_field: ResNet-50, 101, 152, 200."""
    fields = inspect(resnet_v1(blocks), (1, 1, 224, 224)).fields
    assert [printed(field) for field in fields] == [(published[0], 32, published[1])] * 2


@pytest.mark.parametrize(("layers", "size"), [(1, 16), (2, 34), (3, 70), (4, 142), (5, 286)])
def test_patchgan(layers: int, size: int) -> None:
    """pix2pix, scripts/receptive_field_sizes.m."""
    b, x = start("patchgan")
    for stride in (2,) * layers + (1, 1):
        x = b.conv(x, 1, 4, stride=stride, padding=1)
    assert [field.size for field in inspect(b.build(x), (1, 1, 256, 256)).fields] == [size, size]


@pytest.mark.parametrize(
    ("dilations", "read", "extent"), [((1, 2, 5), 17, 17), ((1, 2, 9), 21, 25), ((2, 2, 2), 7, 13), ((2, 4, 8), 15, 29)]
)
def test_hybrid_dilated_convolution(dilations: Sequence[int], read: int, extent: int) -> None:
    """Wang et al. 2018: what a stack of dilations leaves out of its field, and, computed once, of the whole input."""
    b, x = start("hdc")
    for dilation in dilations:
        x = b.conv(x, 1, 3, dilation=dilation)
    report = inspect(b.build(x), (1, 1, extent, extent))
    assert [(len(field.sets[0]), field.size, field.holes) for field in report.fields] == [(read, extent, extent - read)] * 2
    rows, columns = (len(axis.read) for axis in report.reach.value)
    assert (rows * columns, report.outputs[0][2]) == (read**2, (1, 1, 1, 1))


def test_the_context_module_has_no_holes() -> None:
    """Yu and Koltun 2015: all of 67x67 is read."""
    (rows, columns) = inspect(context_module(2), (1, 2, 80, 80)).fields
    assert (rows.size, rows.holes, columns.size, columns.holes) == (67, 0, 67, 0)


def test_activations_of_vgg16() -> None:
    """cs231n's table of VGG-16: numbers in each map (224*224*64 = 3.2M, ...) and in each layer's weights; 30.693 GFLOP."""
    report = inspect(by_name("vgg16"), (1, 3, 224, 224))
    maps = [prod(row.output) for row in report.rows if row.operator in ("Conv", "MaxPool")]
    sides = [(224, 64, 2), (112, 128, 2), (56, 256, 3), (28, 512, 3), (14, 512, 3)]
    expected = [n * n * c for n, c, convs in sides for n in (*(n,) * convs, n // 2)]
    assert maps == expected
    assert maps[0] == 3_211_264
    held = [row.parameters - row.output[1] for row in report.rows if row.operator in ("Conv", "Linear")]
    assert held[:7] == [1_728, 36_864, 73_728, 147_456, 294_912, 589_824, 589_824]
    assert held[7:14] == [1_179_648, *[2_359_296] * 5, 102_760_448]
    convolutions = sum(row.macs for row in report.rows if row.operator == "Conv")
    assert (convolutions, round(2 * convolutions / 1e9, 3)) == (15_346_630_656, 30.693)
    # google's table adds one addition for the bias of each output, and four operations for each output of a 2x2 pool
    biases = sum(prod(row.output) for row in report.rows if row.operator == "Conv")
    pools = sum(4 * prod(row.output) for row in report.rows if row.operator == "MaxPool")
    assert round((2 * convolutions + biases + pools) / 1e9, 3) == 30.713


@pytest.mark.parametrize(
    ("name", "size"), [("resnet18", 435), ("resnet34", 899), ("resnet50", 427), ("resnet101", 971), ("resnet152", 1451)]
)
def test_resnets_of_torchvision(name: str, size: int) -> None:
    """torchvision strides on the 3x3; 427 is documented by rfa_toolbox for its ResNet-50."""
    blocks = {"18": (2, 2, 2, 2), "101": (3, 4, 23, 3), "152": (3, 8, 36, 3)}.get(name[6:], (3, 4, 6, 3))
    b, x = start(name)
    x = b.max_pool(b.conv(x, 1, 7, stride=2, padding=3), 3, stride=2, padding=1)
    for stage, count in enumerate(blocks):
        for unit in range(count):
            stride = 2 if stage and not unit else 1
            basic = name in ("resnet18", "resnet34")
            body = same(b, x if basic else same(b, x, 1), 3, stride=stride)
            body = same(b, body, 3 if basic else 1)
            x = b.plus(body, x if stride == 1 else b.conv(x, 1, 1, stride=2))
    (field, _) = inspect(b.build(x), (1, 1, 224, 224)).fields
    assert (field.size, field.jump) == (size, 32)


@pytest.mark.parametrize(("blocks", "padding"), [((3, 4, 6, 3), 241), ((3, 4, 23, 3), 513), ((3, 8, 36, 3), 753)])
def test_resnet_v1_with_a_padded_pool(blocks: Sequence[int], padding: int) -> None:
    """With the pool padded at both ends, as PyTorch does, the effective padding is 2 more than published for SAME."""
    fields = inspect(resnet_v1(blocks, pool=1), (1, 1, 224, 224)).fields
    assert [printed(field)[2] for field in fields] == [padding] * 2


@pytest.mark.parametrize(("blocks", "depth", "size"), [(1, 4, 16), (1, 10, 1024), (3, 10, 3070)])
def test_wavenet(blocks: int, depth: int, size: int) -> None:
    """van den Oord et al. 2016: 1024 samples a block; three blocks see 3070, not 3 * 1024; all of them, none in the future."""
    (field,) = inspect(wavenet(blocks, depth, width=2, skip=2, levels=2), (1, 2, 4000)).fields
    assert (field.size, field.holes, field.sets[0].span) == (size, 0, (1 - size, 1))


@pytest.mark.parametrize(
    ("shape", "filters", "groups", "window", "macs", "real"),
    [
        ((1, 3, 2, 2), 1, 1, (2, 2, 0, 0), 48, 48),
        ((1, 4, 8, 8), 6, 1, (4, 2, 1, 0), 24_576, 21_600),
        ((1, 4, 8, 8), 4, 4, (3, 2, 1, 1), 2_304, 2_116),
        ((2, 4, 8, 8), 6, 1, (4, 2, 1, 0), 49_152, 43_200),
        ((2, 4, 8, 8), 4, 4, (3, 2, 1, 1), 4_608, 4_232),
        ((2, 6, 8, 8), 6, 3, (2, 2, 0, 0), 6_144, 6_144),
    ],
)
def test_macs_of_transposed_convolutions(
    shape: tuple[int, ...], filters: int, groups: int, window: tuple[int, int, int, int], macs: int, real: int
) -> None:
    """The true counts: thop issue 92 (48), DeepSpeed pull request 8323 (49,152, 4,608 and 6,144 for two images)."""
    kernel, stride, pad, extra = window
    b = Builder("up", sample={"H": shape[2], "W": shape[3]})
    x = b.input("x", ("N", shape[1], "H", "W"))
    layer = ConvTranspose((kernel,) * 2, (stride,) * 2, (1, 1), Explicit(((pad, pad),) * 2), (extra,) * 2, groups)

    weights = b.constant("w", np.ones((shape[1], filters // groups, kernel, kernel), np.float32))
    network = b.build(b.add(layer, x, weights, name="up", kind="up"))
    costs = inspect(network, shape).costs
    assert (costs.macs.value, costs.real_macs.value, costs.flops.value) == (macs, real, 2 * macs)


@pytest.mark.parametrize(("size", "share"), [(7, 81.9), (14, 90.7), (56, 97.6), (224, 99.4)])
def test_share_of_taps_on_the_signal(size: int, share: float) -> None:
    """A padded 3x3: how many of its taps see the signal."""
    b, x = start("padded")
    costs = inspect(b.build(same(b, x, 3)), (1, 1, size, size)).costs
    assert round(100 * costs.real_macs.value / costs.macs.value, 1) == share


def test_the_first_row_of_the_lecture() -> None:
    """A linear layer from a 256x256 colour image to one of the same size: (256*256*3)**2 parameters."""
    b = Builder("row")
    x = b.input("image", ("N", 3, "H", "W"))
    network = b.build(b.conv(x, 3, 3, padding=1, bias=False))
    assert inspect(network, (1, 3, 256, 256)).costs.fully_connected.value == 38_654_705_664
