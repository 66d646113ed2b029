"""MobileNetV2: inverted residuals around depthwise convolutions."""

from __future__ import annotations

from atrous.graph.builder import Builder, Value
from atrous.graph.network import Network

#: Table 2 of the paper: expansion, channels, repetitions, stride of the first.
STAGES = ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1))


def mobilenet_v2(seed: int = 0) -> Network:
    """MobileNetV2 of Sandler et al. (2018), arXiv 1801.04381, table 2, width 1.

    ``image (N, 3, H, W)`` to ``logits (N, 1000)``; 3,504,872 parameters, 300,774,272 multiply-adds at 224×224.
    """
    b = Builder("mobilenet_v2", seed=seed)
    x = b.input("image", ("N", 3, "H", "W"))
    x = b.relu6(_conv_bn(b, x, 32, 3, "stem", stride=2))
    block = 0
    for expansion, channels, depth, first_stride in STAGES:
        for index in range(depth):
            with b.scope(f"block{block}"):
                x = _inverted_residual(b, x, expansion, channels, first_stride if index == 0 else 1)
            block += 1
    x = b.relu6(_conv_bn(b, x, 1280, 1, "head"))
    return b.build(b.linear(b.global_avg_pool(x), 1000, gain=1.0, name="logits"))


def torch_name(weight: str) -> str:
    """What torchvision calls a weight. Its first block has no expansion, so its places there are one lower.

    >>> torch_name("block0.project.bn.weight"), torch_name("block16.depthwise.conv.weight"), torch_name("head.bn.bias")
    ('features.1.conv.2.weight', 'features.17.conv.1.0.weight', 'features.18.1.bias')
    """
    layer, part = weight.rsplit(".", 1)
    if layer == "logits":
        return f"classifier.1.{part}"
    *place, kind = layer.split(".")
    norm = int(kind == "bn")
    if len(place) == 1:
        return f"features.{0 if place == ['stem'] else 18}.{norm}.{part}"
    block = int(place[0].removeprefix("block"))
    step = ("expand", "depthwise", "project").index(place[1]) - (block == 0)
    inside = step + norm if place[1] == "project" else f"{step}.{norm}"
    return f"features.{block + 1}.conv.{inside}.{part}"


def _conv_bn(b: Builder, x: Value, channels: int, kernel: int, name: str, *, stride: int = 1, groups: int = 1) -> Value:
    x = b.conv(x, channels, kernel, stride=stride, padding=kernel // 2, groups=groups, bias=False, name=f"{name}.conv")
    return b.batch_norm(x, name=f"{name}.bn")


def _inverted_residual(b: Builder, x: Value, expansion: int, channels: int, stride: int) -> Value:
    wide = x.channels * expansion
    y = x if expansion == 1 else b.relu6(_conv_bn(b, x, wide, 1, "expand"))
    y = b.relu6(_conv_bn(b, y, wide, 3, "depthwise", stride=stride, groups=wide))
    y = _conv_bn(b, y, channels, 1, "project")
    return b.plus(x, y) if stride == 1 and x.channels == channels else y
