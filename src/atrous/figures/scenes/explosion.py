"""Why not a fully connected layer: what it costs from a signal to one of the same size, beside a convolution."""

from __future__ import annotations

from collections.abc import Sequence

from atrous.errors import ArgumentError
from atrous.figures.scene import Bar, Bars, Scene
from atrous.figures.text import bytes_text, sizes
from atrous.geometry import Cost, Same, convolution_cost, fully_connected_cost
from atrous.geometry.sizes import at_least

#: Bytes of a parameter in float32.
FLOAT32 = 4


def explosion(shape: Sequence[int] = (3, 256, 256), kernel: int = 3) -> tuple[Scene, ...]:
    """One scene: parameters, memory in float32 and multiply-adds of both layers, from ``shape`` (C, *space) to the same shape.

    The fully connected layer has a weight for each pair of an input and an output, the convolution (``kernel`` taps on every
    axis, padded so that the size stays) one for each tap and pair of channels, wherever it lies. Biases are left out. Axes of
    ``shape`` are 2 to 4: the channels and 1 to 3 spatial axes.

    >>> scene, = explosion()
    >>> bars, _ = scene.bands[0][0].bars, scene.bands
    >>> bars[0].value, bars[0].text
    (38654705664, '38,654,705,664 = 154.6 GB')
    """
    if not 2 <= len(shape) <= 4:
        raise ArgumentError(f"shape: got {tuple(shape)}; give the channels and 1 to 3 spatial sizes, such as (3, 256, 256)")
    for size in (*shape, kernel):
        at_least("shape and kernel", size, 1)
    channels, *space = shape
    axes = len(space)
    windows = Same().windows((kernel,) * axes, (1,) * axes, (1,) * axes, tuple(space))
    full, local = fully_connected_cost(shape, shape), convolution_cost(channels, channels, windows, space)
    what = sizes(shape)
    rows = (
        ("fully connected: every input influences every output", full),
        (f"convolution: {channels} kernels {sizes((channels, *(kernel,) * axes))}, the same everywhere", local),
    )
    weights = Bars(
        "parameters, and their memory in float32", tuple(Bar(name, cost.parameters, _held(cost)) for name, cost in rows)
    )
    work = Bars("multiply-adds", tuple(Bar(name, cost.macs, f"{cost.macs:,}") for name, cost in rows))
    return (Scene(f"A linear layer from {what} to {what}", ((weights,), (work,)), _caption(full, local)),)


def _held(cost: Cost) -> str:
    return f"{cost.parameters:,} = {bytes_text(cost.bytes(FLOAT32))}"


def _caption(full: Cost, local: Cost) -> tuple[str, ...]:
    fewer, quicker = (a // b for a, b in ((full.parameters, local.parameters), (full.macs, local.macs)))
    return (
        f"the convolution has {local.parameters:,} parameters, however large the signal: {fewer:,} times fewer",
        f"and it multiplies {quicker:,} times less often; lengths grow by the same step for every factor of ten",
    )
