"""AlexNet, in its one-tower form."""

from __future__ import annotations

from atrous.graph.builder import Builder
from atrous.graph.network import Network

#: torchvision's places of our layers.
TORCH = {
    "conv1": "features.0",
    "conv2": "features.3",
    "conv3": "features.6",
    "conv4": "features.8",
    "conv5": "features.10",
    "fc6": "classifier.1",
    "fc7": "classifier.4",
    "logits": "classifier.6",
}


def alexnet(seed: int = 0) -> Network:
    """The AlexNet of Krizhevsky (2014), "One weird trick for parallelizing convolutional neural networks", arXiv 1404.5997.

    ``image (N, 3, 224, 224)`` to ``logits (N, 1000)``; 61,100,840 parameters, 714,188,480 multiply-adds an image. It is
    torchvision's ``alexnet``: one tower, no local response normalisation. Dropout does nothing at inference and is left out.
    """
    b = Builder("alexnet", seed=seed)
    x = b.input("image", ("N", 3, 224, 224))
    x = b.relu(b.conv(x, 64, 11, stride=4, padding=2, name="conv1"))
    x = b.max_pool(x, 3, stride=2)
    x = b.relu(b.conv(x, 192, 5, padding=2, name="conv2"))
    x = b.max_pool(x, 3, stride=2)
    for number, channels in ((3, 384), (4, 256), (5, 256)):
        x = b.relu(b.conv(x, channels, 3, padding=1, name=f"conv{number}"))
    x = b.flatten(b.max_pool(x, 3, stride=2))
    x = b.relu(b.linear(x, 4096, name="fc6"))
    x = b.relu(b.linear(x, 4096, name="fc7"))
    return b.build(b.linear(x, 1000, gain=1.0, name="logits"))


def torch_name(weight: str) -> str:
    """What torchvision calls a weight.

    >>> torch_name("conv3.bias")
    'features.6.bias'
    """
    layer, part = weight.rsplit(".", 1)
    return f"{TORCH[layer]}.{part}"
