"""SqueezeNet: fire modules, which squeeze the channels before they expand them."""

from __future__ import annotations

from atrous.graph.builder import Builder, Value
from atrous.graph.network import Network

#: Channels squeezed and expanded (to each kernel) of the eight fire modules, table 1 of the paper.
FIRES = ((16, 64), (16, 64), (32, 128), (32, 128), (48, 192), (48, 192), (64, 256), (64, 256))


def squeezenet1_0(seed: int = 0) -> Network:
    """SqueezeNet 1.0 of Iandola et al. (2016), arXiv 1602.07360, table 1; weights have torchvision's names.

    ``image (N, 3, H, W)`` to ``logits (N, 1000)``; 1,248,424 parameters, 818,924,576 multiply-adds at 224×224, where
    torchvision's first layer has no padding.
    """
    return _squeezenet("squeezenet1_0", 96, 7, (3, 7), seed)


def squeezenet1_1(seed: int = 0) -> Network:
    """SqueezeNet 1.1, which its authors released after the paper: a smaller first layer, and earlier pools.

    ``image (N, 3, H, W)`` to ``logits (N, 1000)``; 1,235,496 parameters, 349,151,936 multiply-adds at 224×224.
    """
    return _squeezenet("squeezenet1_1", 64, 3, (2, 4), seed)


def _squeezenet(name: str, width: int, kernel: int, pools: tuple[int, int], seed: int) -> Network:
    """``pools`` says after how many fire modules the second and third pool stand."""
    b = Builder(name, seed=seed)
    x = b.input("image", ("N", 3, "H", "W"))
    x = b.relu(b.conv(x, width, kernel, stride=2, name="features.0"), name="features.1")
    x = b.max_pool(x, 3, stride=2, ceil=True, name="features.2")
    place = 3
    for count, (narrow, wide) in enumerate(FIRES, 1):
        with b.scope(f"features.{place}"):
            x = _fire(b, x, narrow, wide)
        place += 1
        if count in pools:
            x = b.max_pool(x, 3, stride=2, ceil=True, name=f"features.{place}")
            place += 1
    return b.build(b.global_avg_pool(b.relu(b.conv(x, 1000, 1, name="classifier.1")), name="logits"))


def _fire(b: Builder, x: Value, narrow: int, wide: int) -> Value:
    x = b.relu(b.conv(x, narrow, 1, name="squeeze"))
    return b.concat(
        b.relu(b.conv(x, wide, 1, name="expand1x1")),
        b.relu(b.conv(x, wide, 3, padding=1, name="expand3x3")),
    )
