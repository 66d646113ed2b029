"""The front end of Yu and Koltun: VGG-16 made dense by dilation, for their context module."""

from __future__ import annotations

from atrous.graph.builder import Builder
from atrous.graph.network import Network
from atrous.graph.networks.vgg16 import STAGES


def front_end(classes: int = 21, seed: int = 0) -> Network:
    """The front end of Yu and Koltun (2015), "Multi-scale context aggregation", arXiv 1511.07122, section 4.

    ``image (N, 3, H, W)`` to ``maps (N, classes, H/8 - 46.5, W/8 - 46.5)``: 900×900 gives 66×66. VGG-16 without its last two
    pools, each of which doubles the dilation after it: 2 for conv5, 4 for fc6, which is a 7×7 convolution here. No layer is
    padded (the paper reflects the image at its borders before). 134,346,581 parameters at 21 classes.
    """
    b = Builder("front_end", seed=seed, sample={"H": 900, "W": 900})
    x = b.input("image", ("N", 3, "H", "W"))
    for stage, (depth, channels) in enumerate(STAGES, 1):
        for layer in range(1, depth + 1):
            x = b.relu(b.conv(x, channels, 3, dilation=2 if stage == 5 else 1, name=f"conv{stage}_{layer}"))
        if stage <= 3:
            x = b.max_pool(x, 2, name=f"pool{stage}")
    x = b.relu(b.conv(x, 4096, 7, dilation=4, name="fc6"))
    x = b.relu(b.conv(x, 4096, 1, name="fc7"))
    return b.build(b.conv(x, classes, 1, gain=1.0, name="maps"))
