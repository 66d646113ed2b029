"""DenseNet: every layer of a block reads the maps of all layers before it."""

from __future__ import annotations

from atrous.graph.builder import Builder, Value
from atrous.graph.network import Network

#: How many layers each block of DenseNet-121 has.
DEPTHS = (6, 12, 24, 16)


def densenet121(growth: int = 32, seed: int = 0) -> Network:
    """DenseNet-121 of Huang, Liu, van der Maaten and Weinberger (2016), arXiv 1608.06993, table 1.

    ``image (N, 3, H, W)`` to ``logits (N, 1000)``; 7,978,856 parameters, 2,834,161,664 multiply-adds at 224×224. Each layer
    adds ``growth`` channels; weights have torchvision's names.
    """
    b = Builder("densenet121", seed=seed)
    x = b.input("image", ("N", 3, "H", "W"))
    with b.scope("features"):
        x = b.conv(x, 2 * growth, 7, stride=2, padding=3, bias=False, name="conv0")
        x = b.max_pool(b.relu(b.batch_norm(x, name="norm0"), name="relu0"), 3, stride=2, padding=1, name="pool0")
        for block, depth in enumerate(DEPTHS, 1):
            for layer in range(1, depth + 1):
                with b.scope(f"denseblock{block}.denselayer{layer}"):
                    x = b.concat(x, _layer(b, x, growth))
            if block < len(DEPTHS):
                with b.scope(f"transition{block}"):
                    x = b.avg_pool(_unit(b, x, x.channels // 2, 1, ""), 2, name="pool")
        x = b.relu(b.batch_norm(x, name="norm5"), name="relu5")
    return b.build(b.linear(b.global_avg_pool(x), 1000, gain=1.0, name="classifier"))


def _unit(b: Builder, x: Value, channels: int, kernel: int, number: str) -> Value:
    """Normalised, rectified, and only then convolved."""
    x = b.relu(b.batch_norm(x, name=f"norm{number}"), name=f"relu{number}")
    return b.conv(x, channels, kernel, padding=kernel // 2, bias=False, name=f"conv{number}")


def _layer(b: Builder, x: Value, growth: int) -> Value:
    return _unit(b, _unit(b, x, 4 * growth, 1, "1"), growth, 3, "2")
