"""U-Net: an encoder, a decoder, and skips that carry detail across."""

from __future__ import annotations

from atrous.graph.builder import Builder, Value
from atrous.graph.network import Network


def unet(channels: int = 1, classes: int = 2, width: int = 64, seed: int = 0) -> Network:
    """U-Net of Ronneberger, Fischer and Brox (2015), arXiv 1505.04597, figure 1: valid convolutions, cropped skips.

    ``image (N, channels, H, W)`` to ``scores (N, classes, H-184, W-184)``; 572×572 gives 388×388. 23 convolutional layers,
    31,030,658 parameters. H and W are 16 n + 188 with n ≥ 0, so that every pooled map has an even size.
    """
    return _unet("unet", 0, 572, channels, classes, width, seed)


def unet_padded(channels: int = 1, classes: int = 2, width: int = 64, seed: int = 0) -> Network:
    """The U-Net of the same paper with padded convolutions, as most are built today: scores have the size of the image.

    ``image (N, channels, H, W)`` to ``scores (N, classes, H, W)``; the 31,030,658 parameters of ``unet``. H and W are
    multiples of 16.
    """
    return _unet("unet_padded", 1, 256, channels, classes, width, seed)


def _unet(name: str, padding: int, sample: int, channels: int, classes: int, width: int, seed: int) -> Network:
    b = Builder(name, seed=seed, sample={"H": sample, "W": sample})
    x = b.input("image", ("N", channels, "H", "W"))
    skips = []
    for level in range(4):
        with b.scope(f"down{level}"):
            x = _double(b, x, width << level, padding)
            skips.append(x)
            x = b.max_pool(x, 2)
    with b.scope("bottom"):
        x = _double(b, x, width << 4, padding)
    for level in reversed(range(4)):
        with b.scope(f"up{level}"):
            x = b.conv_transpose(x, width << level, 2, stride=2, gain=1.0, name="up")
            skip = skips[level]
            margin = (skip.fact.sizes[2] - x.fact.sizes[2]) // 2
            x = _double(b, b.concat(b.crop(skip, margin) if margin else skip, x), width << level, padding)
    return b.build(b.conv(x, classes, 1, gain=1.0, name="scores"))


def _double(b: Builder, x: Value, channels: int, padding: int) -> Value:
    x = b.relu(b.conv(x, channels, 3, padding=padding, name="conv1"))
    return b.relu(b.conv(x, channels, 3, padding=padding, name="conv2"))
