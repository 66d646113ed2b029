"""What stands around a network: bytes of an image to the numbers it was trained on, and its numbers back to an image.

Everything becomes ordinary layers of the graph, so that it is compiled, fused, tiled and inspected like the rest.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np

from atrous.errors import ArgumentError
from atrous.geometry import Explicit
from atrous.graph.fact import Array, Dim, Fact
from atrous.graph.layer import Layer
from atrous.graph.layers import Cast, Clip, Conv, Div, Mul, Round, Sub
from atrous.graph.network import Network, Node

#: Luma of red, green and blue: Recommendation ITU-R BT.601, as Pillow, scikit-image's peers and JPEG use it.
REC_601 = (0.299, 0.587, 0.114)

Numbers = float | Sequence[float]


class _Chain:
    """Layers put one after the other, with fresh names."""

    def __init__(self, network: Network, value: str, prefix: str) -> None:
        self._taken = {*network.inputs, *network.constants, *(node.output for node in network.nodes)}
        self._names = {node.name for node in network.nodes}
        self.nodes: list[Node] = []
        self.constants: dict[str, Array] = {}
        self.value = value
        self._prefix = prefix

    def _fresh(self, hint: str, taken: set[str]) -> str:
        name, count = f"{self._prefix}/{hint}", 1
        while name in taken:
            count += 1
            name = f"{self._prefix}/{hint}.{count}"
        taken.add(name)
        return name

    def add(self, hint: str, layer: Layer, *operands: Array) -> None:
        """A layer on the running value, with constants as its further operands."""
        names = [self._fresh(f"{hint}/{i}", self._taken) for i in range(len(operands))]
        self.constants.update(zip(names, operands, strict=True))
        output = self._fresh(f"{hint}/value", self._taken)
        self.nodes.append(Node(self._fresh(hint, self._names), layer, (self.value, *names), output))
        self.value = output


def _per_channel(name: str, numbers: Numbers, rank: int, channels: Dim, dtype: str) -> Array:
    """One number, or one for each channel, shaped to broadcast over ``(N, C, *space)``."""
    array = np.asarray(numbers, dtype=np.float64).reshape(-1)
    if not np.isfinite(array).all():
        raise ArgumentError(f"{name}: got {array.tolist()}; the numbers must be finite")
    if array.size == 1:
        return array.reshape(()).astype(dtype)
    if array.size != channels:
        raise ArgumentError(f"{name}: got {array.size} numbers for {channels} channels; give one, or one for each channel")
    return array.reshape(-1, *(1,) * (rank - 2)).astype(dtype)


def with_preprocessing(
    network: Network,
    scale: Numbers | None = None,
    mean: Numbers | None = None,
    std: Numbers | None = None,
    gray: bool = False,
    channels_reversed: bool = False,
    input_dtype: str = "uint8",
) -> Network:
    """The network for raw images: cast, gray, channel order, ``x * scale``, ``- mean``, ``/ std``, in this order.

    The network must have one input ``(N, C, *space)`` of floats. ``gray`` takes images of three channels to the network's one
    by the luma of Rec. 601; ``channels_reversed`` feeds RGB images to a network trained on BGR. ``scale``, ``mean`` and
    ``std`` are one number, or one for each channel of the network. Without any of them only the cast is added.

    Raises ``ArgumentError`` naming the argument that does not fit the input.
    """
    name, fact = _only_input(network)
    channels = fact.shape[1]
    if gray and channels != 1:
        raise ArgumentError(f"gray: input {name!r} is {fact!r}; gray images need a network with one channel")
    chain = _Chain(network, name, "preprocessing")
    if input_dtype != fact.dtype:
        chain.add("cast", Cast(fact.dtype))
    if gray or channels_reversed:
        weights = _channel_weights(gray, channels_reversed, channels, fact)
        ones = (1,) * (fact.rank - 2)
        chain.add("channels", Conv(ones, ones, ones, Explicit.zeros(len(ones))), weights.reshape(*weights.shape, *ones))
    for what, numbers, layer in (("scale", scale, Mul()), ("mean", mean, Sub()), ("std", std, Div())):
        if numbers is not None:
            if what == "std" and not np.all(np.asarray(numbers)):
                raise ArgumentError(f"std: got {numbers}; it must not be 0")
            chain.add(what, layer, _per_channel(what, numbers, fact.rank, channels, fact.dtype))
    raw = Fact(input_dtype, (fact.shape[0], 3, *fact.shape[2:]) if gray else fact.shape)
    nodes = (replace(node, inputs=_renamed(node.inputs, name, chain.value)) for node in network.nodes)
    outputs = _renamed(network.outputs, name, chain.value)
    constants = {**network.constants, **chain.constants}
    return replace(network, inputs={name: raw}, nodes=(*chain.nodes, *nodes), outputs=outputs, constants=constants)


def _only_input(network: Network) -> tuple[str, Fact]:
    if len(network.inputs) != 1:
        raise ArgumentError(f"network: has {len(network.inputs)} inputs ({', '.join(network.inputs)}); it must have one")
    ((name, fact),) = network.inputs.items()
    if fact.rank < 3 or not np.issubdtype(np.dtype(fact.dtype), np.floating):
        raise ArgumentError(f"network: input {name!r} is {fact!r}; it must hold floats (N, C, *space)")
    return name, fact


def _channel_weights(gray: bool, backwards: bool, channels: Dim, fact: Fact) -> Array:
    """The 1×1 convolution that makes the network's channels of the image's."""
    if isinstance(channels, str):
        raise ArgumentError(f"channels_reversed: {fact!r} leaves the number of channels open; it must be fixed")
    weights = np.array([REC_601]) if gray else np.eye(channels)
    return np.ascontiguousarray(weights[:, ::-1] if backwards else weights).astype(fact.dtype)


def _renamed(names: Iterable[str], old: str, new: str) -> tuple[str, ...]:
    return tuple(new if name == old else name for name in names)


def with_postprocessing(
    network: Network,
    clip: tuple[float, float] | None = None,
    scale: float | None = None,
    output_dtype: str | None = None,
) -> Network:
    """The network with its first output made an image: ``clip`` to (low, high), ``* scale``, then cast.

    A cast to integers rounds to the nearest (halves to even) and saturates. The output keeps its name.
    """
    name = network.outputs[0]
    producer = next((node for node in network.nodes if node.output == name), None)
    if producer is None:
        raise ArgumentError(f"network: output {name!r} is made by no layer; there is nothing to process")
    chain = _Chain(network, name, "postprocessing")
    if clip is not None:
        low, high = clip
        if not low < high:
            raise ArgumentError(f"clip: got {clip}; the first number must be below the second")
        chain.add("clip", Clip(float(low), float(high)))
    if scale is not None:
        chain.add("scale", Mul(), np.asarray(scale, _float_type(network)))
    if output_dtype is not None:
        if np.issubdtype(np.dtype(output_dtype), np.integer):
            chain.add("round", Round())
        chain.add("cast", Cast(output_dtype))
    if not chain.nodes:
        return network
    inner = chain._fresh("network", chain._taken)
    nodes = [
        replace(node, inputs=_renamed(node.inputs, name, inner), output=inner if node is producer else node.output)
        for node in (*network.nodes, *chain.nodes)
    ]
    nodes[-1] = replace(nodes[-1], output=name)
    return replace(network, nodes=tuple(nodes), constants={**network.constants, **chain.constants})


def _float_type(network: Network) -> str:
    """The type that the network computes in: that of its float constants, else float32."""
    return next((array.dtype.name for array in network.constants.values() if array.dtype.kind == "f"), "float32")
