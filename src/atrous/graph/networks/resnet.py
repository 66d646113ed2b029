"""Residual networks: the basic block of ResNet-18 and 34, and the bottleneck of ResNet-50 and 101."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial

from atrous.graph.builder import Builder, Value
from atrous.graph.network import Network

#: Writes one block: (builder, x, width, stride) to its output.
Block = Callable[[Builder, Value, int, int], Value]


def resnet18(seed: int = 0) -> Network:
    """ResNet-18 of He, Zhang, Ren and Sun (2015), "Deep residual learning", arXiv 1512.03385, table 1.

    ``image (N, 3, H, W)`` to ``logits (N, 1000)``; 11,689,512 parameters, 1,814,073,344 multiply-adds at 224×224.
    """
    return _resnet("resnet18", _basic, (2, 2, 2, 2), seed)


def resnet34(seed: int = 0) -> Network:
    """ResNet-34 of He, Zhang, Ren and Sun (2015), "Deep residual learning", arXiv 1512.03385, table 1.

    ``image (N, 3, H, W)`` to ``logits (N, 1000)``; 21,797,672 parameters, 3,663,761,408 multiply-adds at 224×224.
    """
    return _resnet("resnet34", _basic, (3, 4, 6, 3), seed)


def resnet50(seed: int = 0) -> Network:
    """ResNet-50 of He, Zhang, Ren and Sun (2015), arXiv 1512.03385, table 1, in the form known as v1.5.

    ``image (N, 3, H, W)`` to ``logits (N, 1000)``; 25,557,032 parameters, 4,089,184,256 multiply-adds at 224×224. As in
    torchvision, the stride of a bottleneck is on its 3×3 convolution; the paper has it on the first 1×1.
    """
    return _resnet("resnet50", _bottleneck, (3, 4, 6, 3), seed)


def resnet101(seed: int = 0) -> Network:
    """ResNet-101 of He, Zhang, Ren and Sun (2015), arXiv 1512.03385, table 1, with the strides of ``resnet50``.

    ``image (N, 3, H, W)`` to ``logits (N, 1000)``; 44,549,160 parameters, 7,801,405,440 multiply-adds at 224×224.
    """
    return _resnet("resnet101", _bottleneck, (3, 4, 23, 3), seed)


def torch_name(weight: str) -> str:
    """What torchvision calls a weight of a residual network.

    >>> torch_name("layer2.0.downsample.bn.weight"), torch_name("layer2.0.3.conv.weight"), torch_name("stem.bn.bias")
    ('layer2.0.downsample.1.weight', 'layer2.0.conv3.weight', 'bn1.bias')
    """
    weight = weight.replace("downsample.conv", "downsample.0").replace("downsample.bn", "downsample.1")
    weight = re.sub(r"^stem\.(conv|bn)", r"\g<1>1", weight)
    weight = re.sub(r"(\d)\.(conv|bn)\.", r"\2\1.", weight)
    return re.sub(r"^logits", "fc", weight)


def _resnet(name: str, block: Block, depths: tuple[int, ...], seed: int) -> Network:
    b = Builder(name, seed=seed)
    x = b.input("image", ("N", 3, "H", "W"))
    x = b.relu(_conv_bn(b, x, 64, 7, 2, "stem"))
    x = b.max_pool(x, 3, stride=2, padding=1)
    for stage, depth in enumerate(depths, 1):
        for index in range(depth):
            stride = 2 if stage > 1 and index == 0 else 1
            with b.scope(f"layer{stage}.{index}"):
                x = block(b, x, 64 * 2 ** (stage - 1), stride)
    return b.build(b.linear(b.global_avg_pool(x), 1000, gain=1.0, name="logits"))


def _conv_bn(b: Builder, x: Value, channels: int, kernel: int, stride: int, name: str) -> Value:
    x = b.conv(x, channels, kernel, stride=stride, padding=kernel // 2, bias=False, name=f"{name}.conv")
    return b.batch_norm(x, name=f"{name}.bn")


def _shortcut(b: Builder, x: Value, channels: int, stride: int) -> Value:
    """The input itself, or its projection where the block changes the shape (option B of the paper)."""
    if stride == 1 and x.channels == channels:
        return x
    return _conv_bn(b, x, channels, 1, stride, "downsample")


def _basic(b: Builder, x: Value, width: int, stride: int) -> Value:
    y = b.relu(_conv_bn(b, x, width, 3, stride, "1"))
    y = _conv_bn(b, y, width, 3, 1, "2")
    return b.relu(b.plus(y, _shortcut(b, x, width, stride)))


def _bottleneck(b: Builder, x: Value, width: int, stride: int) -> Value:
    unit = partial(_conv_bn, b)
    y = b.relu(unit(x, width, 1, 1, "1"))
    y = b.relu(unit(y, width, 3, stride, "2"))
    y = unit(y, 4 * width, 1, 1, "3")
    return b.relu(b.plus(y, _shortcut(b, x, 4 * width, stride)))
