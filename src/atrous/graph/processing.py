"""What real data needs before and after a network, as layers of the graph, so that it is tiled and compiled with the rest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from atrous.errors import ArgumentError, NetworkError
from atrous.geometry import Explicit
from atrous.graph.fact import Array, Fact
from atrous.graph.layer import Layer
from atrous.graph.layers import Cast, Clip, Conv, Div, Gather, Mul, Round, Sub
from atrous.graph.network import Network, Node

#: The shares of red, green and blue in the brightness of a pixel, ITU-R BT.601.
LUMA = (0.299, 0.587, 0.114)


@dataclass(frozen=True, slots=True)
class Before:
    """From the data's elements to the network's: to its float type, gray, reversed, then ``(x / scale - mean) / deviation``.

    ``dtype`` and ``channels`` are those of the data. ``gray`` turns three channels into their brightness, ``reverse`` swaps
    the order of channels (RGB data for a BGR network). ``scale`` is the element that the network sees as 1, 255 for pixels in
    0..255 and a network of 0..1. ``mean`` and ``deviation`` have one number, or one for each channel of
    the network; they are in the units after ``scale``, as PyTorch's ``Normalize`` has them.
    """

    dtype: str
    channels: int
    gray: bool = False
    reverse: bool = False
    scale: float = 1.0
    mean: tuple[float, ...] = (0.0,)
    deviation: tuple[float, ...] = (1.0,)


@dataclass(frozen=True, slots=True)
class After:
    """From the network's elements to the result's: ``y * scale``, kept in ``low..high``, then to the type ``dtype``.

    ``None`` leaves a bound open or the type as it is. Integer types get the nearest integer, and their ends for what is beyond.
    """

    scale: float = 1.0
    low: float | None = None
    high: float | None = None
    dtype: str | None = None


@dataclass
class _Chain:
    """Layers one after the other on one value."""

    prefix: str
    value: str
    dtype: str
    rank: int
    nodes: list[Node] = field(default_factory=list)
    constants: dict[str, Array] = field(default_factory=dict)

    def then(self, kind: str, layer: Layer, operand: Array | None = None) -> None:
        name = f"{self.prefix}/{kind}"
        inputs: tuple[str, ...] = (self.value,)
        if operand is not None:
            self.constants[f"{name}.operand"] = operand
            inputs = (self.value, f"{name}.operand")
        self.nodes.append(Node(name, layer, inputs, name))
        self.value = name

    def channelwise(self, values: Sequence[float]) -> Array:
        """Constants to broadcast along the channels: ``(1, C, 1, ...)``, or one for all."""
        return np.array(values, self.dtype).reshape(1, -1, *(1,) * (self.rank - 2))


def wrap(network: Network, before: Before | None = None, after: After | None = None) -> Network:
    """The network with what its data needs before and after it; its input and output keep their names.

    Raises ``ArgumentError`` that names what does not fit the network, which must have one input (and one output).

    >>> from atrous.graph.networks import dncnn
    >>> wrap(dncnn(), Before("uint8", channels=3, gray=True, scale=255)).inputs
    {'noisy': uint8[N,3,H,W]}
    """
    dtype = next(iter(network.inputs.values())).dtype
    if before is not None:
        network = _prepend(network, before)
    return network if after is None else _append(network, after, dtype)


def _prepend(network: Network, before: Before) -> Network:
    if len(network.inputs) != 1:
        raise NetworkError(f"inputs: {network.name} has {len(network.inputs)}; pixels can be prepared for one input only")
    ((name, fact),) = network.inputs.items()
    wanted = fact.shape[1] if fact.rank > 1 else 1
    channels = _checked_channels(before, wanted)
    chain = _Chain(f"{name}/before", name, fact.dtype, fact.rank)
    if before.dtype != fact.dtype:
        chain.then("cast", Cast(fact.dtype))
    if before.gray and channels == 3:
        ones = (1,) * (fact.rank - 2)
        layer = Conv(ones, ones, ones, Explicit.zeros(fact.rank - 2))
        chain.then("gray", layer, np.array(LUMA, fact.dtype).reshape(1, 3, *ones))
    if before.reverse:
        chain.then("reverse", Gather(axis=1), np.arange(int(wanted))[::-1].astype(np.int64))
    if before.scale != 1:
        chain.then("scale", Div(), chain.channelwise((before.scale,)))
    if any(before.mean):
        chain.then("mean", Sub(), chain.channelwise(_per_channel("mean", before.mean, wanted)))
    if any(value != 1 for value in before.deviation):
        chain.then("deviation", Div(), chain.channelwise(_per_channel("std", before.deviation, wanted)))
    data = Fact(before.dtype, (fact.shape[0], channels, *fact.shape[2:]))
    moved = _renamed(network, {name: chain.value})
    return replace(
        network,
        inputs={name: data},
        nodes=(*chain.nodes, *moved),
        outputs=tuple(chain.value if output == name else output for output in network.outputs),
        constants={**network.constants, **chain.constants},
    )


def _checked_channels(before: Before, wanted: int | str) -> int:
    """The channels that the data has, checked against those that the network takes."""
    if before.scale == 0 or not np.isfinite(before.scale):
        raise ArgumentError(f"scale: got {before.scale}; it must be a finite number other than 0")
    for name, numbers in (("mean", before.mean), ("std", before.deviation)):
        if not np.isfinite(numbers).all():
            raise ArgumentError(f"{name}: got {numbers}; its numbers must be finite")
    if 0 in before.deviation:
        raise ArgumentError(f"std: got {before.deviation}; a standard deviation must not be 0")
    if before.gray and (wanted != 1 or before.channels not in (1, 3)):
        raise ArgumentError(
            f"gray: the data has {before.channels} channels and the network takes {wanted}; gray makes 1 of 3 (or keeps 1)"
        )
    if before.reverse and wanted != 3:
        raise ArgumentError(f"bgr: the network takes {wanted} channels; only 3 can be in the order blue, green, red")
    if not before.gray and before.channels != wanted:
        hint = "; gray (--gray) makes 1 of 3" if (wanted, before.channels) == (1, 3) else ""
        raise ArgumentError(f"channels: the data has {before.channels}, the network takes {wanted}{hint}")
    return before.channels


def _per_channel(name: str, values: tuple[float, ...], channels: int | str) -> tuple[float, ...]:
    if len(values) not in (1, channels):
        raise ArgumentError(
            f"{name}: got {len(values)} numbers; give one, or one for each of the network's {channels} channels"
        )
    return values


def _append(network: Network, after: After, dtype: str) -> Network:
    if len(network.outputs) != 1:
        raise NetworkError(f"outputs: {network.name} has {len(network.outputs)}; only one can be processed further")
    if after.low is not None and after.high is not None and after.low >= after.high:
        raise ArgumentError(f"clip: got {after.low:g} to {after.high:g}; the first must be below the second")
    (name,) = network.outputs
    raw = f"{name}/after/raw"
    chain = _Chain(f"{name}/after", raw, dtype, 0)
    if after.scale != 1:
        chain.then("scale", Mul(), np.array(after.scale, dtype))
    if after.low is not None or after.high is not None:
        chain.then("clip", Clip(after.low, after.high))
    if after.dtype is not None:
        if np.issubdtype(np.dtype(after.dtype), np.integer):
            chain.then("round", Round())
        chain.then("cast", Cast(after.dtype))
    if not chain.nodes:
        return network
    chain.nodes[-1] = replace(chain.nodes[-1], output=name)
    moved = _renamed(network, {name: raw})
    return replace(network, nodes=(*moved, *chain.nodes), constants={**network.constants, **chain.constants})


def _renamed(network: Network, names: dict[str, str]) -> tuple[Node, ...]:
    """The nodes with values called anew."""
    return tuple(
        replace(
            node,
            inputs=tuple(names.get(value, value) for value in node.inputs),
            output=names.get(node.output, node.output),
        )
        for node in network.nodes
    )
