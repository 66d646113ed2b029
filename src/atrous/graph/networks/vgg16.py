"""VGG-16: nothing but 3×3 convolutions and 2×2 pools."""

from __future__ import annotations

from atrous.graph.builder import Builder
from atrous.graph.network import Network

#: How many convolutions each stage has, and their channels (configuration D of the paper's table 1).
STAGES = ((2, 64), (2, 128), (3, 256), (3, 512), (3, 512))


def vgg16(seed: int = 0) -> Network:
    """VGG-16 of Simonyan and Zisserman (2014), "Very deep convolutional networks", arXiv 1409.1556, table 1, column D.

    ``image (N, 3, 224, 224)`` to ``logits (N, 1000)``; 138,357,544 parameters, 15,470,264,320 multiply-adds an image.
    """
    b = Builder("vgg16", seed=seed)
    x = b.input("image", ("N", 3, 224, 224))
    for stage, (depth, channels) in enumerate(STAGES, 1):
        for layer in range(1, depth + 1):
            x = b.relu(b.conv(x, channels, 3, padding=1, name=f"conv{stage}_{layer}"))
        x = b.max_pool(x, 2, name=f"pool{stage}")
    x = b.flatten(x)
    x = b.relu(b.linear(x, 4096, name="fc6"))
    x = b.relu(b.linear(x, 4096, name="fc7"))
    return b.build(b.linear(x, 1000, gain=1.0, name="logits"))


def torch_name(weight: str) -> str:
    """What torchvision calls a weight: its layers are counted, convolutions, ReLUs and pools alike.

    >>> torch_name("conv1_1.weight"), torch_name("conv5_3.bias"), torch_name("fc7.weight")
    ('features.0.weight', 'features.28.bias', 'classifier.3.weight')
    """
    layer, part = weight.rsplit(".", 1)
    if not layer.startswith("conv"):
        return f"classifier.{('fc6', 'fc7', 'logits').index(layer) * 3}.{part}"
    stage, number = map(int, layer.removeprefix("conv").split("_"))
    before = sum(2 * depth + 1 for depth, _ in STAGES[: stage - 1])
    return f"features.{before + 2 * (number - 1)}.{part}"
