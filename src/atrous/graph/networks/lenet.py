"""LeNet-5: the first convolutional classifier in wide use."""

from __future__ import annotations

from atrous.graph.builder import Builder
from atrous.graph.network import Network


def lenet(seed: int = 0) -> Network:
    """LeNet-5 of LeCun, Bottou, Bengio and Haffner (1998), "Gradient-based learning applied to document recognition".

    ``image (N, 1, 32, 32)`` to ``logits (N, 10)``; 61,706 parameters, 416,520 multiply-adds an image. This is the common
    all-dense variant: every map of C3 reads all six maps of S2 (the paper's table I leaves some out), pooling is a plain
    mean, and the last layer is linear (the paper ends in radial basis functions). Activations are tanh, as in the paper.
    """
    b = Builder("lenet", seed=seed)
    x = b.input("image", ("N", 1, 32, 32))
    x = b.avg_pool(b.tanh(b.conv(x, 6, 5, gain=1.0, name="c1")), 2, name="s2")
    x = b.avg_pool(b.tanh(b.conv(x, 16, 5, gain=1.0, name="c3")), 2, name="s4")
    x = b.flatten(x)
    x = b.tanh(b.linear(x, 120, gain=1.0, name="c5"))
    x = b.tanh(b.linear(x, 84, gain=1.0, name="f6"))
    return b.build(b.linear(x, 10, gain=1.0, name="logits"))
