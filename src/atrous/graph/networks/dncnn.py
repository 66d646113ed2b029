"""DnCNN: a denoiser that predicts the noise."""

from __future__ import annotations

from atrous.graph.builder import Builder
from atrous.graph.network import Network


def dncnn(channels: int = 1, depth: int = 17, width: int = 64, seed: int = 0) -> Network:
    """DnCNN of Zhang, Zuo, Chen, Meng and Zhang (2017), "Beyond a Gaussian denoiser", arXiv 1608.03981, section III.

    ``noisy (N, channels, H, W)`` to the clean image of the same size: 3×3 layers, batch normalisation between, and the
    result subtracted from the input. The default is DnCNN-S: depth 17, receptive field 35, 556,032 parameters without
    biases (as its PyTorch releases have it), 554,112 multiply-adds a pixel.
    """
    b = Builder("dncnn", seed=seed)
    image = b.input("noisy", ("N", channels, "H", "W"))
    x = b.relu(b.conv(image, width, 3, padding=1, bias=False, name="conv1"), name="relu1")
    for number in range(2, depth):
        x = b.conv(x, width, 3, padding=1, bias=False, name=f"conv{number}")
        x = b.relu(b.batch_norm(x, name=f"bn{number}"), name=f"relu{number}")
    noise = b.conv(x, channels, 3, padding=1, bias=False, gain=1.0, name=f"conv{depth}")
    return b.build(b.minus(image, noise, name="clean"))
