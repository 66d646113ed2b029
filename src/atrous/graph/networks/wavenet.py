"""WaveNet: causal dilated convolutions in one dimension."""

from __future__ import annotations

from atrous.graph.builder import Builder, Value
from atrous.graph.network import Network


def wavenet(blocks: int = 3, depth: int = 10, width: int = 64, skip: int = 256, levels: int = 256, seed: int = 0) -> Network:
    """WaveNet of van den Oord et al. (2016), "WaveNet: a generative model for raw audio", arXiv 1609.03499, figure 4.

    ``signal (N, levels, T)``, the one-hot quantised samples, to ``probabilities (N, levels, T)`` of the sample after each.
    ``blocks`` stacks of ``depth`` layers with kernel 2 and dilations 1, 2, 4, ..., 512; one stack sees 1024 samples, three
    see 3070. Each layer is causal (padded on the left only) and gated: ``tanh(W_f * x) · σ(W_g * x)``. The first layer is
    1×1, so that the receptive field is that of the stacks, as the paper counts it.
    """
    b = Builder("wavenet", seed=seed, sample={"T": 64})
    signal = b.input("signal", ("N", levels, "T"))
    x = b.conv(signal, width, 1, gain=1.0, name="front")
    total: Value | None = None
    for block in range(blocks):
        for layer in range(depth):
            with b.scope(f"block{block}.{layer}"):
                gated = _gate(b, x, 1 << layer)
                x = b.plus(x, b.conv(gated, width, 1, gain=1.0, name="residual"))
                part = b.conv(gated, skip, 1, gain=1.0, name="skip")
                total = part if total is None else b.plus(total, part, name="sum")
    if total is None:
        total = x
    y = b.conv(b.relu(total), skip, 1, name="head1")
    return b.build(b.softmax(b.conv(b.relu(y), levels, 1, gain=1.0, name="head2")))


def _gate(b: Builder, x: Value, dilation: int) -> Value:
    """``tanh(W_f * x) · σ(W_g * x)``, equation 2; the sample itself and the one ``dilation`` before it."""
    padding = ((dilation, 0),)
    kept = b.conv(x, x.channels, 2, dilation=dilation, padding=padding, gain=1.0, name="filter")
    gate = b.conv(x, x.channels, 2, dilation=dilation, padding=padding, gain=1.0, name="gate")
    return b.times(b.tanh(kept), b.sigmoid(gate))
