"""3-D U-Net: the same shape for volumes."""

from __future__ import annotations

import numpy as np

from atrous.graph.builder import Builder, Value
from atrous.graph.network import Network


def unet3d(channels: int = 3, classes: int = 3, width: int = 32, seed: int = 0) -> Network:
    """3D U-Net of Çiçek, Abdulkadir, Lienkamp, Brox and Ronneberger (2016), arXiv 1606.06650, figure 2.

    ``volume (N, channels, D, H, W)`` to ``scores (N, classes, D-88, H-88, W-88)``; 132×132×116 gives 44×44×28. The paper's
    19,069,955 parameters. Sizes are 8 n + 92 with n ≥ 0, so that every pooled map has an even size.

    The paper's count has biases on the convolutions, none on the up-convolutions, and nothing for batch normalisation: that
    layer of Caffe has a mean and a variance but no learned scale and shift. It stands here as what it is, a subtraction and
    a division by constants.
    """
    b = Builder("unet3d", seed=seed, sample={"D": 116, "H": 132, "W": 132})
    x = b.input("volume", ("N", channels, "D", "H", "W"))
    skips = []
    for level in range(3):
        with b.scope(f"down{level}"):
            x = _double(b, x, width << level, 2 * width << level)
            skips.append(x)
            x = b.max_pool(x, 2)
    with b.scope("bottom"):
        x = _double(b, x, 8 * width, 16 * width)
    for level in reversed(range(3)):
        with b.scope(f"up{level}"):
            x = b.conv_transpose(x, x.channels, 2, stride=2, bias=False, gain=1.0, name="up")
            skip = skips[level]
            margin = (skip.fact.sizes[2] - x.fact.sizes[2]) // 2
            x = _double(b, b.concat(b.crop(skip, margin), x), 2 * width << level, 2 * width << level)
    return b.build(b.conv(x, classes, 1, gain=1.0, name="scores"))


def _double(b: Builder, x: Value, first: int, second: int) -> Value:
    """Two valid 3×3×3 convolutions, each normalised before its ReLU."""
    for number, channels in enumerate((first, second), 1):
        x = b.conv(x, channels, 3, name=f"conv{number}")
        shape = (1, channels, 1, 1, 1)
        x = b.minus(x, b.constant(f"norm{number}.mean", np.zeros(shape, np.float32)))
        x = b.relu(b.over(x, b.constant(f"norm{number}.deviation", np.ones(shape, np.float32))))
    return x
