"""The head of DeepLabv3: atrous spatial pyramid pooling."""

from __future__ import annotations

from atrous.graph.builder import Builder, Value
from atrous.graph.layers import ReduceMean, Resize, Shape
from atrous.graph.network import Network

#: Dilations of the three 3×3 branches on maps of an eighth of the image's size.
RATES = (12, 24, 36)


def deeplabv3_head(classes: int = 21, channels: int = 2048, width: int = 256, seed: int = 0) -> Network:
    """The head of DeepLabv3, Chen, Papandreou, Schroff and Adam (2017), arXiv 1706.05587, figure 5, as torchvision has it.

    ``maps (N, channels, H, W)`` of a backbone to ``scores (N, classes, H, W)``; 16,130,837 parameters,
    15,602,944 multiply-adds a place, and 524,288 for the mean. Five branches see each place: 1×1, 3×3 with
    dilations 12, 24 and 36, and the mean of the whole image. Weights are named as torchvision's after ``classifier.``.
    """
    b = Builder("deeplabv3_head", seed=seed, sample={"H": 32, "W": 32})
    maps = b.input("maps", ("N", channels, "H", "W"))
    with b.scope("0"):
        branches = [_conv_bn(b, maps, width, 1, 1, "convs.0.0", "convs.0.1")]
        for number, rate in enumerate(RATES, 1):
            branches.append(_conv_bn(b, maps, width, 3, rate, f"convs.{number}.0", f"convs.{number}.1"))
        branches.append(_image(b, maps, width))
        x = _conv_bn(b, b.concat(*branches), width, 1, 1, "project.0", "project.1")
    return b.build(b.conv(_conv_bn(b, x, width, 3, 1, "1", "2"), classes, 1, gain=1.0, name="4"))


def _conv_bn(b: Builder, x: Value, channels: int, kernel: int, rate: int, conv: str, norm: str) -> Value:
    x = b.conv(x, channels, kernel, padding=rate * (kernel // 2), dilation=rate, bias=False, name=conv)
    return b.relu(b.batch_norm(x, name=norm))


def _image(b: Builder, maps: Value, width: int) -> Value:
    """The mean of the whole image, convolved and given to all places again: any resize of one place is that."""
    mean = b.add(ReduceMean(axes=(2, 3), keepdims=True), maps, name="convs.4.0", kind="mean")
    one = _conv_bn(b, mean, width, 1, 1, "convs.4.1", "convs.4.2")
    places = b.add(Shape(start=2), maps, name="convs.4.places", kind="shape")
    return b.add(Resize(axes=(2, 3)), one, places, name="convs.4.spread", kind="expand")
