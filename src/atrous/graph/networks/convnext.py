"""ConvNeXt: 7×7 depthwise convolutions in the frame of a vision transformer."""

from __future__ import annotations

import numpy as np

from atrous.graph.builder import Builder, Value
from atrous.graph.network import Network

#: Channels and blocks of each stage of the tiny form.
STAGES = ((96, 3), (192, 3), (384, 9), (768, 3))


def convnext_tiny(layer_scale: float = 1e-6, seed: int = 0) -> Network:
    """ConvNeXt-T of Liu et al. (2022), "A ConvNet for the 2020s", arXiv 2201.03545, table 9.

    ``image (N, 3, H, W)`` to ``logits (N, 1000)``; 28,589,128 parameters, 4,455,531,264 multiply-adds at 224×224.
    ``layer_scale`` is what each block's result is multiplied with before training. Weights have torchvision's names; its
    linear layers over channels are 1×1 convolutions here.
    """
    b = Builder("convnext_tiny", seed=seed)
    x = b.input("image", ("N", 3, "H", "W"))
    x = b.layer_norm(b.conv(x, STAGES[0][0], 4, stride=4, gain=1.0, name="features.0.0"), name="features.0.1")
    for stage, (channels, depth) in enumerate(STAGES):
        if stage > 0:
            with b.scope(f"features.{2 * stage}"):
                x = b.conv(b.layer_norm(x, name="0"), channels, 2, stride=2, gain=1.0, name="1")
        for block in range(depth):
            with b.scope(f"features.{2 * stage + 1}.{block}"):
                x = _block(b, x, layer_scale)
    x = b.layer_norm(b.global_avg_pool(x), name="classifier.0")
    return b.build(b.linear(x, 1000, gain=1.0, name="classifier.2"))


def _block(b: Builder, x: Value, layer_scale: float) -> Value:
    width = x.channels
    y = b.conv(x, width, 7, padding=3, groups=width, gain=1.0, name="block.0")
    y = b.conv(b.layer_norm(y, name="block.2"), 4 * width, 1, name="block.3")
    y = b.conv(b.gelu(y), width, 1, gain=1.0, name="block.5")
    scale = b.constant("layer_scale", np.full((width, 1, 1), layer_scale, np.float32))
    return b.plus(x, b.times(y, scale, name="scaled"))
