"""Writing networks by hand: one call a layer, weights made by stated rules.

    b = Builder("tiny")
    x = b.input("image", ("N", 3, "H", "W"))
    x = b.relu(b.conv(x, 16, 3, padding=1))
    x = b.conv(x, 3, 3, padding=1, gain=1.0)
    net = b.build(x)

Each layer is inferred as soon as it is written, on sample sizes for the symbolic dimensions, so that a mistake is reported
by the line that makes it. Weights are drawn from a normal distribution of variance ``gain / fan_in``: 2 before a ReLU (He et
al. 2015, arXiv 1502.01852), 1 before anything linear (LeCun et al. 1998). Biases are zero. Each weight has a random stream of
its own, seeded by the builder's seed and the weight's name: adding a layer changes no other weight.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from math import prod
from zlib import crc32

import numpy as np

from atrous.errors import ArgumentError, NetworkError
from atrous.geometry import Padding, as_padding, per_axis
from atrous.geometry.padding import AxisPadding
from atrous.graph.fact import Array, Dim, Fact
from atrous.graph.layer import Layer
from atrous.graph.layers import (
    Add,
    AveragePool,
    BatchNorm,
    Clip,
    Concat,
    Conv,
    ConvTranspose,
    Div,
    Flatten,
    Gelu,
    LeakyRelu,
    Linear,
    MaxPool,
    Mul,
    ReduceMean,
    Relu,
    Sigmoid,
    Slice,
    Softmax,
    Standardise,
    Sub,
    Tanh,
)
from atrous.graph.network import Network, Node

#: One integer for all axes, or one per axis.
PerAxis = int | Sequence[int]
#: Padding as a caller may give it: an integer, one per axis, (low, high) pairs, "valid" or "same".
AnyPadding = Padding | str | int | Iterable[AxisPadding]
#: Makes the weights ``w (K, C/G, *kernel)`` of a layer from their shape and a random stream.
Initialiser = Callable[[tuple[int, ...], np.random.Generator], Array]

#: What a symbolic dimension stands for while layers are checked: N is 1, every other one this.
SAMPLE = 256


@dataclass(frozen=True, slots=True)
class Value:
    """A value of the network being built: its name, and its fact on the sample sizes."""

    name: str
    fact: Fact

    @property
    def channels(self) -> int:
        return self.fact.sizes[1]

    @property
    def axes(self) -> int:
        """How many spatial axes the value has."""
        return self.fact.rank - 2


def normal(gain: float) -> Initialiser:
    """Zero mean and variance ``gain / fan_in``, where the fan-in is the number of inputs that one output reads."""

    def draw(shape: tuple[int, ...], random: np.random.Generator) -> Array:
        weights = random.standard_normal(shape, dtype=np.float32)
        weights *= np.float32(np.sqrt(gain / prod(shape[1:])))
        return weights

    return draw


def _pool_sizes(x: Value, kernel: PerAxis, stride: PerAxis | None) -> tuple[tuple[int, ...], tuple[int, ...]]:
    taps = per_axis("kernel", kernel, x.axes)
    return taps, taps if stride is None else per_axis("stride", stride, x.axes)


class Builder:
    """Collects the layers of one network.

    ``seed`` decides all weights. ``sample`` gives sample sizes for symbolic dimensions, by name, where the default (1 for
    ``N``, 256 for others) is not a legal size of the network.
    """

    def __init__(self, name: str, *, seed: int = 0, sample: Mapping[str, int] | None = None) -> None:
        self._name = name
        self._seed = seed
        self._sample = {"N": 1, **(sample or {})}
        self._scope = ""
        self._inputs: dict[str, Fact] = {}
        self._nodes: dict[str, Node] = {}
        self._constants: dict[str, Array] = {}

    # -- the frame ---------------------------------------------------------------------------------------------------------

    def input(self, name: str, shape: Sequence[Dim], dtype: str = "float32") -> Value:
        """An input ``(N, C, *space)``; a string in ``shape`` is a size that stays open."""
        self._inputs[name] = Fact(dtype, tuple(shape))
        sizes = tuple(self._sample.get(dim, SAMPLE) if isinstance(dim, str) else dim for dim in shape)
        return Value(name, Fact(dtype, sizes))

    @contextmanager
    def scope(self, name: str) -> Iterator[None]:
        """Layers written inside get ``name.`` before their names."""
        outer, self._scope = self._scope, f"{self._scope}{name}."
        try:
            yield
        finally:
            self._scope = outer

    def build(self, *outputs: Value) -> Network:
        """The finished network."""
        names = tuple(value.name for value in outputs)
        return Network(self._name, dict(self._inputs), names, tuple(self._nodes.values()), dict(self._constants))

    def add(self, layer: Layer, *operands: Value, name: str | None, kind: str) -> Value:
        """Any layer on any values; an unnamed one is called after its kind and counted: ``relu``, ``relu_2``, ..."""
        full = self._fresh(kind) if name is None else self._scope + name
        if full in self._nodes:
            raise ArgumentError(f"name: {full!r} is the name of an earlier layer; each layer needs its own")
        try:
            fact = layer.infer(*(value.fact for value in operands))
        except NetworkError as error:
            raise NetworkError(f"node {full!r}: {error}") from None
        self._nodes[full] = Node(full, layer, tuple(value.name for value in operands), full)
        return Value(full, fact)

    def constant(self, name: str, array: Array) -> Value:
        """A constant of the network, such as a weight, under the current scope."""
        full = self._scope + name
        self._constants[full] = array
        return Value(full, Fact.of(array))

    def _fresh(self, kind: str) -> str:
        first = name = self._scope + kind
        count = 1
        while name in self._nodes:
            count += 1
            name = f"{first}_{count}"
        return name

    def _weights(self, name: str, shape: tuple[int, ...], initialiser: Initialiser) -> Value:
        stream = np.random.default_rng([self._seed, crc32((self._scope + name).encode())])
        return self.constant(name, initialiser(shape, stream))

    def _named(self, name: str | None, kind: str) -> str:
        return name if name is not None else self._fresh(kind).removeprefix(self._scope)

    # -- layers with weights -----------------------------------------------------------------------------------------------

    def conv(
        self,
        x: Value,
        channels: int,
        kernel: PerAxis,
        *,
        stride: PerAxis = 1,
        padding: AnyPadding = 0,
        dilation: PerAxis = 1,
        groups: int = 1,
        bias: bool = True,
        gain: float = 2.0,
        weights: Initialiser | None = None,
        name: str | None = None,
    ) -> Value:
        """A convolution to ``channels`` output channels."""
        name = self._named(name, "conv")
        taps = per_axis("kernel", kernel, x.axes)
        layer = Conv(
            kernel=taps,
            strides=per_axis("stride", stride, x.axes),
            dilations=per_axis("dilation", dilation, x.axes),
            padding=as_padding(padding, x.axes),
            groups=groups,
        )
        shape = (channels, x.channels // groups, *taps)
        operands = [x, self._weights(f"{name}.weight", shape, weights or normal(gain))]
        if bias:
            operands.append(self.constant(f"{name}.bias", np.zeros(channels, np.float32)))
        return self.add(layer, *operands, name=name, kind="conv")

    def conv_transpose(
        self,
        x: Value,
        channels: int,
        kernel: PerAxis,
        *,
        stride: PerAxis = 1,
        padding: AnyPadding = 0,
        bias: bool = True,
        gain: float = 2.0,
        name: str | None = None,
    ) -> Value:
        """A transposed convolution to ``channels`` output channels.

        The fan-in of its outputs is taken as ``C * prod(kernel) / prod(stride)``, the mean number of inputs that one reads.
        """
        name = self._named(name, "conv_transpose")
        taps, steps = per_axis("kernel", kernel, x.axes), per_axis("stride", stride, x.axes)
        ones, zeros = (1,) * x.axes, (0,) * x.axes
        layer = ConvTranspose(
            kernel=taps,
            strides=steps,
            dilations=ones,
            padding=as_padding(padding, x.axes),
            output_padding=zeros,
            groups=1,
        )
        # ``normal`` divides by channels * prod(kernel): the shape's later axes. The true fan-in is another.
        correction = channels * prod(steps) / x.channels
        operands = [x, self._weights(f"{name}.weight", (x.channels, channels, *taps), normal(gain * correction))]
        if bias:
            operands.append(self.constant(f"{name}.bias", np.zeros(channels, np.float32)))
        return self.add(layer, *operands, name=name, kind="conv_transpose")

    def linear(self, x: Value, features: int, *, gain: float = 2.0, name: str | None = None) -> Value:
        """A fully connected layer ``(N, C) -> (N, features)`` with bias."""
        name = self._named(name, "linear")
        weight = self._weights(f"{name}.weight", (features, x.fact.sizes[-1]), normal(gain))
        return self.add(
            Linear(), x, weight, self.constant(f"{name}.bias", np.zeros(features, np.float32)), name=name, kind="linear"
        )

    def batch_norm(self, x: Value, *, epsilon: float = 1e-5, name: str | None = None) -> Value:
        """A batch normalisation as it is before training: scale and variance 1, bias and mean 0."""
        name = self._named(name, "bn")
        start = {"weight": 1.0, "bias": 0.0, "running_mean": 0.0, "running_var": 1.0}
        operands = [self.constant(f"{name}.{part}", np.full(x.channels, value, np.float32)) for part, value in start.items()]
        return self.add(BatchNorm(epsilon=epsilon), x, *operands, name=name, kind="bn")

    def layer_norm(self, x: Value, *, epsilon: float = 1e-6, name: str | None = None) -> Value:
        """A layer normalisation over the channels of each place (Ba et al. 2016, arXiv 1607.06450), as it is before training.

        ``(x - mean) / sqrt(variance + epsilon) * weight + bias``; the weight is 1 and the bias 0, each ``(C, 1, ...)``.
        """
        name = self._named(name, "ln")
        shape = (x.channels, *(1,) * x.axes)
        weight = self.constant(f"{name}.weight", np.ones(shape, np.float32))
        bias = self.constant(f"{name}.bias", np.zeros(shape, np.float32))
        return self.add(Standardise((1,), epsilon), x, weight, bias, name=name, kind="ln")

    # -- layers without weights --------------------------------------------------------------------------------------------

    def max_pool(
        self,
        x: Value,
        kernel: PerAxis,
        *,
        stride: PerAxis | None = None,
        padding: AnyPadding = 0,
        ceil: bool = False,
        name: str | None = None,
    ) -> Value:
        """The maximum over windows; the stride is the kernel's size unless given. ``ceil`` adds a window for what is left."""
        taps, strides = _pool_sizes(x, kernel, stride)
        layer = MaxPool(taps, strides, (1,) * x.axes, as_padding(padding, x.axes), ceil)
        return self.add(layer, x, name=name, kind="max_pool")

    def avg_pool(self, x: Value, kernel: PerAxis, *, stride: PerAxis | None = None, name: str | None = None) -> Value:
        """The mean over windows, without padding; the stride is the kernel's size unless given."""
        taps, strides = _pool_sizes(x, kernel, stride)
        layer = AveragePool(taps, strides, (1,) * x.axes, as_padding("valid", x.axes))
        return self.add(layer, x, name=name, kind="avg_pool")

    def global_avg_pool(self, x: Value, name: str | None = None) -> Value:
        """The mean over all of space: ``(N, C, *space) -> (N, C)``."""
        layer = ReduceMean(axes=tuple(range(2, x.fact.rank)), keepdims=False)
        return self.add(layer, x, name=name, kind="global_avg_pool")

    def flatten(self, x: Value, name: str | None = None) -> Value:
        """``(N, C, *space) -> (N, C * prod(space))``."""
        return self.add(Flatten(axis=1), x, name=name, kind="flatten")

    def concat(self, *values: Value, name: str | None = None) -> Value:
        """One after the other along the channels."""
        return self.add(Concat(axis=1), *values, name=name, kind="concat")

    def crop(self, x: Value, margin: int, name: str | None = None) -> Value:
        """``margin`` elements off both ends of every spatial axis."""
        name = self._named(name, "crop")
        bounds = {
            "starts": [margin] * x.axes,
            "ends": [-margin] * x.axes,
            "axes": list(range(2, x.fact.rank)),
            "steps": [1] * x.axes,
        }
        operands = [self.constant(f"{name}.{part}", np.array(value, np.int64)) for part, value in bounds.items()]
        return self.add(Slice(), x, *operands, name=name, kind="crop")

    def relu(self, x: Value, name: str | None = None) -> Value:
        return self.add(Relu(), x, name=name, kind="relu")

    def relu6(self, x: Value, name: str | None = None) -> Value:
        return self.add(Clip(low=0.0, high=6.0), x, name=name, kind="relu6")

    def leaky_relu(self, x: Value, alpha: float = 0.01, name: str | None = None) -> Value:
        return self.add(LeakyRelu(alpha=alpha), x, name=name, kind="leaky_relu")

    def gelu(self, x: Value, name: str | None = None) -> Value:
        return self.add(Gelu(), x, name=name, kind="gelu")

    def tanh(self, x: Value, name: str | None = None) -> Value:
        return self.add(Tanh(), x, name=name, kind="tanh")

    def sigmoid(self, x: Value, name: str | None = None) -> Value:
        return self.add(Sigmoid(), x, name=name, kind="sigmoid")

    def softmax(self, x: Value, name: str | None = None) -> Value:
        """Probabilities over the channels."""
        return self.add(Softmax(first=1, last=1), x, name=name, kind="softmax")

    def plus(self, x: Value, y: Value, name: str | None = None) -> Value:
        return self.add(Add(), x, y, name=name, kind="add")

    def minus(self, x: Value, y: Value, name: str | None = None) -> Value:
        return self.add(Sub(), x, y, name=name, kind="sub")

    def times(self, x: Value, y: Value, name: str | None = None) -> Value:
        return self.add(Mul(), x, y, name=name, kind="mul")

    def over(self, x: Value, y: Value, name: str | None = None) -> Value:
        return self.add(Div(), x, y, name=name, kind="div")
