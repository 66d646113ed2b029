"""C3D: VGG in three dimensions, for video."""

from __future__ import annotations

from atrous.graph.builder import Builder
from atrous.graph.network import Network

#: Channels of the convolutions before each of the five pools.
STAGES = ((64,), (128,), (256, 256), (512, 512), (512, 512))


def c3d(classes: int = 487, seed: int = 0) -> Network:
    """C3D of Tran, Bourdev, Fergus, Torresani and Paluri (2015), arXiv 1412.0767, figure 3; classes are those of Sports-1M.

    ``clip (N, 3, 16, 112, 112)`` to ``logits (N, classes)``. 3×3×3 convolutions; the first pool leaves time alone, and the
    last takes in what is left over at the border, as Caffe does, so that 8,192 numbers reach fc6. 79,991,015 parameters
    (78,409,573 with the 101 classes of UCF101), 38,548,959,232 multiply-adds a clip.
    """
    b = Builder("c3d", seed=seed)
    x = b.input("clip", ("N", 3, 16, 112, 112))
    for stage, widths in enumerate(STAGES, 1):
        for letter, channels in zip("ab", widths, strict=False):
            x = b.relu(b.conv(x, channels, 3, padding=1, name=f"conv{stage}{letter}"))
        x = b.max_pool(x, (1, 2, 2) if stage == 1 else 2, ceil=True, name=f"pool{stage}")
    x = b.flatten(x)
    x = b.relu(b.linear(x, 4096, name="fc6"))
    x = b.relu(b.linear(x, 4096, name="fc7"))
    return b.build(b.linear(x, classes, gain=1.0, name="logits"))
