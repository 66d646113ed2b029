"""The generator of HiFi-GAN: from a mel spectrogram to sound, by transposed convolutions and dilated residual blocks."""

from __future__ import annotations

import numpy as np

from atrous.graph.builder import Builder, Value
from atrous.graph.network import Network

#: Stride and kernel of each transposed convolution of V1 (table 5 of the paper's appendix).
UPSAMPLINGS = ((8, 16), (8, 16), (2, 4), (2, 4))
#: Kernels of the parallel residual blocks after each, and the dilations that each block goes through.
KERNELS = (3, 7, 11)
DILATIONS = (1, 3, 5)


def hifigan(bands: int = 80, width: int = 512, seed: int = 0) -> Network:
    """The generator V1 of HiFi-GAN, Kong, Kim and Bae (2020), arXiv 2010.05646, figure 1 and appendix A.1.

    ``mel (N, bands, T)`` to ``sound (N, 1, 256 T)`` within -1 and 1. 13,926,017 parameters, the paper's 13.92 M. That is
    without weight normalisation, which would add 10,113 lengths in training and is folded into the weights for inference.
    Weights have the names of the authors' release, after its ``remove_weight_norm``.
    """
    b = Builder("hifigan", seed=seed, sample={"T": 8})
    x = b.conv(b.input("mel", ("N", bands, "T")), width, 7, padding=3, name="conv_pre")
    for level, (stride, kernel) in enumerate(UPSAMPLINGS):
        x = b.leaky_relu(x, 0.1)
        padding = (kernel - stride) // 2
        x = b.conv_transpose(x, width >> (level + 1), kernel, stride=stride, padding=padding, name=f"ups.{level}")
        x = _fusion(b, x, level)
    return b.build(b.tanh(b.conv(b.leaky_relu(x, 0.01), 1, 7, padding=3, gain=1.0, name="conv_post"), name="sound"))


def _fusion(b: Builder, x: Value, level: int) -> Value:
    """The mean of residual blocks that see different lengths."""
    total: Value | None = None
    for number, kernel in enumerate(KERNELS, level * len(KERNELS)):
        with b.scope(f"resblocks.{number}"):
            y = _residual(b, x, kernel)
        total = y if total is None else b.plus(total, y)
    if total is None:
        return x
    return b.over(total, b.constant(f"blocks.{level}", np.asarray(len(KERNELS), np.float32)))


def _residual(b: Builder, x: Value, kernel: int) -> Value:
    for number, dilation in enumerate(DILATIONS):
        reach = kernel // 2
        y = b.conv(
            b.leaky_relu(x, 0.1), x.channels, kernel, padding=reach * dilation, dilation=dilation, name=f"convs1.{number}"
        )
        # A small gain, so that sums of many residuals with random weights stay small before the tanh.
        y = b.conv(b.leaky_relu(y, 0.1), x.channels, kernel, padding=reach, gain=0.1, name=f"convs2.{number}")
        x = b.plus(x, y)
    return x
