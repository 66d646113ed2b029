"""The temporal convolutional network: causal dilated residual blocks for sequences."""

from __future__ import annotations

from atrous.graph.builder import Builder, Value
from atrous.graph.network import Network


def tcn(channels: int = 1, classes: int = 10, width: int = 25, depth: int = 8, kernel: int = 7, seed: int = 0) -> Network:
    """The TCN of Bai, Kolter and Koltun (2018), arXiv 1803.01271, figure 1; the default is its sequential MNIST network.

    ``signal (N, channels, T)`` to ``logits (N, classes, T)``, at each time from what came until then: the paper reads the
    last one. ``depth`` blocks of dilations 1, 2, 4, ..., two causal convolutions each; a receptive field of
    1 + 2 (kernel - 1) (2^depth - 1) = 3061. 66,510 parameters ("70K" in the paper's table 1), 66,075 multiply-adds a
    sample. Weight normalisation is a way to train; at inference it is part of the weights, and dropout does nothing.
    """
    b = Builder("tcn", seed=seed, sample={"T": 64})
    x = b.input("signal", ("N", channels, "T"))
    for level in range(depth):
        with b.scope(f"network.{level}"):
            x = _block(b, x, width, kernel, 1 << level)
    return b.build(b.conv(x, classes, 1, gain=1.0, name="linear"))


def _block(b: Builder, x: Value, width: int, kernel: int, dilation: int) -> Value:
    y = x
    for number in (1, 2):
        padding = (((kernel - 1) * dilation, 0),)
        y = b.relu(b.conv(y, width, kernel, dilation=dilation, padding=padding, name=f"conv{number}"), name=f"relu{number}")
    shortcut = x if x.channels == width else b.conv(x, width, 1, gain=1.0, name="downsample")
    return b.relu(b.plus(y, shortcut), name="relu")
