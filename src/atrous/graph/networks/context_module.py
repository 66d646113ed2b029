"""The context module of dilated convolutions: the lecture's example of a receptive field that grows without pooling."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from atrous.graph.builder import Builder, Initialiser
from atrous.graph.fact import Array
from atrous.graph.network import Network

#: Table 1 of the paper: kernel and dilation of each layer, and its width as a multiple of C in the large form.
KERNELS = (3, 3, 3, 3, 3, 3, 3, 1)
DILATIONS = (1, 1, 2, 4, 8, 16, 1, 1)
LARGE = (2, 2, 4, 8, 16, 32, 32, 1)


def context_module(channels: int = 21, seed: int = 0) -> Network:
    """The basic context module of Yu and Koltun (2015), "Multi-scale context aggregation", arXiv 1511.07122, table 1.

    ``maps (N, channels, H, W)`` to ``(N, channels, H, W)``: 3×3 layers of dilation 1, 1, 2, 4, 8, 16, 1, then 1×1, each but
    the last followed by a ReLU. Receptive fields 3, 5, 9, 17, 33, 65, 67, 67; 64 C² weights, and 8 C biases. Every layer
    pads by its dilation, so that maps keep their size. Weights are the paper's identity (equation 4), all biases zero.
    """
    return _module("context_module", channels, (1,) * len(KERNELS), seed)


def context_module_large(channels: int = 21, seed: int = 0) -> Network:
    """The large context module of the same paper: its layers have 2, 2, 4, 8, 16, 32, 32 and 1 times ``channels`` maps.

    Weights are the paper's identity for layers of unequal width (equation 5), its noise of deviation 0.01 C / c.
    """
    return _module("context_module_large", channels, LARGE, seed)


def _module(name: str, channels: int, widths: Sequence[int], seed: int) -> Network:
    b = Builder(name, seed=seed)
    x = b.input("maps", ("N", channels, "H", "W"))
    last = len(KERNELS)
    for number, (kernel, dilation, width) in enumerate(zip(KERNELS, DILATIONS, widths, strict=True), 1):
        x = b.conv(
            x,
            channels * width,
            kernel,
            padding=dilation * (kernel // 2),
            dilation=dilation,
            weights=_identity(channels),
            name=f"conv{number}",
        )
        if number < last:
            x = b.relu(x, name=f"relu{number}")
    return b.build(x)


def _identity(channels: int) -> Initialiser:
    """Equation 5: the centre tap from map ``a`` to map ``b`` is ``C / c`` where ``⌊a C / c'⌋ = ⌊b C / c⌋``; the rest is noise.

    ``c'`` and ``c`` are the numbers of maps before and after. With both equal to ``C`` it is equation 4, the plain identity,
    which has no noise.
    """

    def draw(shape: tuple[int, ...], random: np.random.Generator) -> Array:
        outputs, inputs = shape[:2]
        weights = np.zeros(shape, np.float32)
        if (outputs, inputs) != (channels, channels):
            deviation = 0.01 * channels / outputs
            weights += np.float32(deviation) * random.standard_normal(shape, dtype=np.float32)
        group_in = np.arange(inputs) * channels // inputs
        group_out = np.arange(outputs) * channels // outputs
        kept = group_out[:, None] == group_in[None, :]
        taps = weights.reshape(outputs, inputs, -1)
        centre = taps[:, :, taps.shape[2] // 2]
        centre[kept] = channels / outputs
        return weights

    return draw
