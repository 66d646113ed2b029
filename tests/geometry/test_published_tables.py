"""Receptive fields, coverage and costs against numbers that others published (or that follow from their definitions)."""

from __future__ import annotations

from fractions import Fraction

import pytest

from atrous.geometry import (
    ReceptiveField,
    Same,
    TransposedWindow,
    Window,
    convolution_cost,
    coverage,
    fully_connected_cost,
)

Row = tuple[int, int, int]


def conv(kernel: int, stride: int = 1, dilation: int = 1) -> Window:
    """Odd kernels padded to keep the grid's centre, as the tables' SAME layers are at odd sizes."""
    pad = (kernel - 1) * dilation // 2
    return Window(kernel, stride, dilation, pad, pad)


def row(field: ReceptiveField) -> Row:
    """(receptive field, effective stride, effective padding)."""
    assert field.size is not None
    assert field.jump is not None
    return (field.size, int(field.jump), int(-field.starts[0]))


def rows(stack: list[Window]) -> list[Row]:
    """One row behind each layer."""
    field, found = ReceptiveField.of_input(), []
    for window in stack:
        field = field.behind(window)
        found.append(row(field))
    return found


def test_alexnet_v2() -> None:
    """google-research/receptive_field, README table and tf.slim's alexnet_v2."""
    stack = [Window(11, 4), Window(3, 2), conv(5), Window(3, 2), conv(3), conv(3), conv(3), Window(3, 2)]
    assert rows(stack) == [
        (11, 4, 0),
        (19, 8, 0),
        (51, 8, 16),
        (67, 16, 16),
        (99, 16, 32),
        (131, 16, 48),
        (163, 16, 64),
        (195, 32, 64),
    ]


def test_vgg16() -> None:
    """google-research/receptive_field, the end points of VGG-16; also Distill 2019."""
    stack = [w for convs in (2, 2, 3, 3, 3) for w in (*(conv(3),) * convs, Window(2, 2))]
    names = [f"conv{i}_{j}" if j <= n else f"pool{i}" for i, n in enumerate((2, 2, 3, 3, 3), 1) for j in range(1, n + 2)]
    found = dict(zip(names, rows(stack), strict=True))
    published = {
        "conv1_1": (3, 1, 1),
        "pool1": (6, 2, 2),
        "conv2_1": (10, 2, 4),
        "pool2": (16, 4, 6),
        "conv3_1": (24, 4, 10),
        "conv3_2": (32, 4, 14),
        "pool3": (44, 8, 18),
        "conv4_1": (60, 8, 26),
        "conv4_2": (76, 8, 34),
        "pool4": (100, 16, 42),
        "conv5_1": (132, 16, 58),
        "conv5_2": (164, 16, 74),
        "pool5": (212, 32, 90),
    }
    assert {name: found[name] for name in published} == published


def along(field: ReceptiveField, *kernels: int) -> ReceptiveField:
    """Same-padded layers of stride 1."""
    for kernel in kernels:
        field = field.behind(conv(kernel))
    return field


def test_inception_v3() -> None:
    """google-research/receptive_field; each mixed block joins its branches, by the largest one along one axis."""
    stem = [Window(3, 2), Window(3), conv(3), Window(3, 2), Window(1), Window(3), Window(3, 2)]
    assert rows(stem) == [(3, 2, 0), (7, 2, 0), (11, 2, 2), (15, 4, 2), (15, 4, 2), (23, 4, 2), (31, 8, 2)]
    field = ReceptiveField.through(stem)
    found: dict[str, Row] = {}

    def joined(name: str, *branches: ReceptiveField) -> ReceptiveField:
        field = ReceptiveField.join(branches)
        assert field.aligned
        found[name] = row(field)
        return field

    for name in ("5b", "5c", "5d"):
        field = joined(name, along(field, 1), along(field, 1, 5), along(field, 1, 3, 3), along(field, 3, 1))
    down = Window(3, 2)
    field = joined("6a", field.behind(down), along(field, 1, 3).behind(down))
    for name in ("6b", "6c", "6d", "6e"):
        # along one axis: 1, 1x7, then in the long branch 1, 7, 1, 7, 1 (the 1x7 kernels act on the other axis)
        field = joined(name, along(field, 1), along(field, 1, 7), along(field, 1, 7, 7), along(field, 3, 1))
    field = joined("7a", field.behind(down), along(field, 1).behind(down), along(field, 1, 7).behind(down))
    for name in ("7b", "7c"):
        field = joined(name, along(field, 1), along(field, 1, 3), along(field, 1, 3, 3), along(field, 3, 1))
    assert found == {
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


def residual(field: ReceptiveField, stride: int, kernels: list[tuple[int, int]]) -> ReceptiveField:
    """A residual block: a chain of (kernel, stride) beside a 1x1 shortcut of the block's stride."""
    body = field
    for kernel, step in kernels:
        body = body.behind(conv(kernel, step))
    return ReceptiveField.join([body, field.behind(Window(1, stride))])


def resnet(blocks: tuple[int, ...], bottleneck: bool, stride_last: bool, pool: Window) -> ReceptiveField:
    """A ResNet's features: bottlenecks stride on their 3x3; ``stride_last`` puts it in a stage's last unit (slim's v1)."""
    field = ReceptiveField.through([Window(7, 2, pad_lo=3, pad_hi=3), pool])
    for stage, count in enumerate(blocks):
        for unit in range(count):
            last = stage < len(blocks) - 1 and unit == count - 1
            stride = 2 if (last if stride_last else stage > 0 and unit == 0) else 1
            kernels = [(1, 1), (3, stride), (1, 1)] if bottleneck else [(3, stride), (3, 1)]
            field = residual(field, stride, kernels)
    return field


@pytest.mark.parametrize(
    ("blocks", "published"),
    [((3, 4, 6, 3), (483, 239)), ((3, 4, 23, 3), (1027, 511)), ((3, 8, 36, 3), (1507, 751)), ((3, 24, 36, 3), (1763, 879))],
)
def test_resnet_v1_of_slim(blocks: tuple[int, ...], published: tuple[int, int]) -> None:
    """google-research/receptive_field: ResNet-50, 101, 152 and 200; SAME max-pool, which pads nothing at the low end."""
    field = resnet(blocks, bottleneck=True, stride_last=True, pool=Window(3, 2, pad_hi=1))
    assert row(field) == (published[0], 32, published[1])
    padded = resnet(blocks, bottleneck=True, stride_last=True, pool=conv(3, 2))
    assert row(padded) == (published[0], 32, published[1] + 2)


@pytest.mark.parametrize(
    ("blocks", "bottleneck", "size"),
    [
        ((2, 2, 2, 2), False, 435),
        ((3, 4, 6, 3), False, 899),
        ((3, 4, 6, 3), True, 427),
        ((3, 4, 23, 3), True, 971),
        ((3, 8, 36, 3), True, 1451),
    ],
)
def test_resnets_of_torchvision(blocks: tuple[int, ...], bottleneck: bool, size: int) -> None:
    """torchvision strides on the first unit's 3x3; 427 is documented by rfa_toolbox for its ResNet-50."""
    assert resnet(blocks, bottleneck, stride_last=False, pool=conv(3, 2)).size == size


@pytest.mark.parametrize(("layers", "size"), [(1, 16), (2, 34), (3, 70), (4, 142), (5, 286)])
def test_patchgan(layers: int, size: int) -> None:
    """pix2pix, scripts/receptive_field_sizes.m: 4x4 kernels, ``layers`` of stride 2 and two of stride 1."""
    assert (
        ReceptiveField.through([Window(4, 2, pad_lo=1, pad_hi=1)] * layers + [Window(4, pad_lo=1, pad_hi=1)] * 2).size == size
    )


def test_wavenet() -> None:
    """van den Oord et al. 2016: a block of dilations 1, 2, ..., 512 sees 1024 samples; three blocks see 3070."""
    block = [Window(2, dilation=2**i, pad_lo=2**i) for i in range(10)]
    assert ReceptiveField.through(block[:4]).size == 16
    assert ReceptiveField.through(block).size == 1024
    field = ReceptiveField.through(block * 3)
    assert (field.size, len(field.inputs(0)), field.span(0)) == (3070, 3070, (-3069, 1))


@pytest.mark.parametrize(
    ("dilations", "read", "extent"),
    [
        ([1, 2, 5], 17, 17),
        ([1, 2, 9], 21, 25),
        ([2, 2, 2], 7, 13),
        ([2, 4, 8], 15, 29),
        ([1, 1, 2, 4, 8, 16, 1], 67, 67),
    ],
)
def test_hybrid_dilated_convolution(dilations: list[int], read: int, extent: int) -> None:
    """Wang et al. 2018, "Understanding convolution for semantic segmentation": which inputs a stack of dilations leaves out."""
    stack = [Window(3, dilation=d) for d in dilations]
    field = ReceptiveField.through(stack).inputs(0)
    assert (len(field), field.extent) == (read, extent)
    sizes = [extent - 2 * sum(dilations[:i]) for i in range(len(dilations) + 1)]
    seen = coverage(stack, sizes)
    assert seen.share == Fraction(read, extent)
    assert set(seen.unread) == set(field.holes)


def test_distills_unaligned_branches() -> None:
    """Distill 2019: a 5-kernel of stride 2 padded (2, 1) beside two valid 3-kernels: the second feature sees 6, the third 5."""
    left = ReceptiveField.through([Window(5, 2, pad_lo=2, pad_hi=1)])
    right = ReceptiveField.through([Window(3), Window(3)])
    field = ReceptiveField.join([left, right])
    assert not field.aligned
    assert field.jump is None
    assert [field.inputs(o).clip(0, 8).extent for o in range(4)] == [5, 6, 5, 5]


def google_branches(size: int | None, padded: bool) -> ReceptiveField:
    """google-research's net: 1x1 of stride 4 beside 3x3 of stride 2 (SAME or valid), 1x1 of stride 2."""
    left = ReceptiveField.through([Window(1, 4)])
    first = Same().windows((3,), (2,), (1,), (size,))[0] if padded and size else Window(3, 2)
    return ReceptiveField.join([left, ReceptiveField.through([first, Window(1, 2)])])


def test_googles_alignment_with_same_depends_on_the_size() -> None:
    """google-research/receptive_field's tests: (3, 4, 1) at 9, aligned; at 8 SAME pads on one side only: not aligned."""
    odd, even = google_branches(9, padded=True), google_branches(8, padded=True)
    assert odd.aligned
    assert row(odd) == (3, 4, 1)
    assert not even.aligned


def vnet() -> dict[str, ReceptiveField]:
    """V-Net (Milletari et al. 2016): 5-kernels, down and up by 2-kernels of stride 2, each level added again going up."""
    down, up = Window(2, 2), TransposedWindow(2, 2)
    field = along(ReceptiveField.of_input(), 5)
    found, skips = {"L1": field}, [field]
    for level, convs in enumerate((2, 3, 3, 3), 2):
        field = along(field.behind(down), *(5,) * convs)
        found[f"L{level}"] = field
        skips.append(field)
    for level, convs in ((4, 3), (3, 3), (2, 2), (1, 1)):
        field = along(ReceptiveField.join([field.behind(up), skips[level - 1]]), *(5,) * convs)
        found[f"R{level}"] = field
    return found


def test_vnet() -> None:
    """The encoder is as published (5, 22, 72, 172, 372); of the decoder no single number exists: its phases differ."""
    fields = vnet()
    assert [fields[f"L{level}"].size for level in range(1, 6)] == [5, 22, 72, 172, 372]
    assert fields["R4"].sizes == (468, 468)
    assert set(fields["R3"].sizes) == {516}
    assert set(fields["R2"].sizes) == {532}
    last = fields["R1"]
    assert last.period == 16
    assert sorted(last.sizes) == [532] * 12 + [548] * 4


def test_share_of_taps_on_the_signal() -> None:
    """A padded 3x3 on maps of 7, 14, 56 and 224: 81.9, 90.7, 97.6 and 99.4 per cent of the taps see the signal."""
    found = []
    for size in (7, 14, 56, 224):
        cost = convolution_cost(1, 1, (conv(3), conv(3)), (size, size))
        found.append(round(100 * cost.real_macs / cost.macs, 1))
    assert found == [81.9, 90.7, 97.6, 99.4]


@pytest.mark.parametrize(
    ("channels", "filters", "groups", "window", "size", "macs", "real"),
    [
        (3, 1, 1, TransposedWindow(2, 2), 2, 48, 48),
        (4, 6, 1, TransposedWindow(4, 2, pad_lo=1, pad_hi=1), 8, 24_576, 21_600),
        (4, 4, 4, TransposedWindow(3, 2, pad_lo=1, pad_hi=1, output_padding=1), 8, 2_304, 2_116),
    ],
)
def test_macs_of_transposed_convolutions(
    channels: int, filters: int, groups: int, window: TransposedWindow, size: int, macs: int, real: int
) -> None:
    """One multiply-add for each input and tap; the first is ultralytics/thop issue 92, whose answer is 48."""
    cost = convolution_cost(channels, filters, (window, window), (size, size), groups)
    assert (cost.macs, cost.real_macs) == (macs, real)


def test_vgg16_parameters_and_macs() -> None:
    """cs231n's table of VGG-16's weights, torchvision's 138,357,544 parameters, and 15,470,264,320 multiply-adds at 224."""
    channels, size, weights, parameters, macs = 3, 224, [], 0, 0
    for filters, convs in ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3)):
        for _ in range(convs):
            cost = convolution_cost(channels, filters, (conv(3), conv(3)), (size, size), bias=True)
            weights.append(cost.parameters - filters)
            parameters, macs, channels = parameters + cost.parameters, macs + cost.macs, filters
        size = Window(2, 2).output_size(size)
    assert weights[:6] == [1_728, 36_864, 73_728, 147_456, 294_912, 589_824]
    assert weights[6:] == [589_824, 1_179_648, *[2_359_296] * 5]
    assert macs == 15_346_630_656
    for inputs, outputs in (((512, 7, 7), (4096,)), ((4096,), (4096,)), ((4096,), (1000,))):
        cost = fully_connected_cost(inputs, outputs, bias=True)
        parameters, macs = parameters + cost.parameters, macs + cost.macs
    assert fully_connected_cost((512, 7, 7), (4096,)).parameters == 102_760_448
    assert (parameters, macs) == (138_357_544, 15_470_264_320)
