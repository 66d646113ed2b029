"""Small networks that have what makes tiling hard: strides, odd sizes, branches, transposed layers, crops, resizes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from atrous.geometry import Linear as Bilinear
from atrous.geometry import Nearest, as_padding
from atrous.graph.fact import Array, Fact
from atrous.graph.layer import Layer
from atrous.graph.layers import (
    Add,
    AveragePool,
    BatchNorm,
    Cast,
    Concat,
    Conv,
    ConvTranspose,
    DepthToSpace,
    Gelu,
    GroupNorm,
    Linear,
    LogSoftmax,
    LpNorm,
    LpPool,
    MaxPool,
    Mul,
    Pad,
    ReduceMean,
    Relu,
    Resize,
    Sigmoid,
    Slice,
    Standardise,
    Sub,
    Tanh,
    Transpose,
)
from atrous.graph.network import Network, Node


class Sketch:
    """Writes a network node by node, with seeded weights."""

    def __init__(self, name: str, channels: int = 1, axes: int = 2, dtype: str = "float32", batch: int | str = "N") -> None:
        space = ("D", "H", "W")[3 - axes :]
        self._name, self._axes, self.dtype = name, axes, dtype
        self._input = Fact(dtype, (batch, channels, *space))
        self._nodes: list[Node] = []
        self._constants: dict[str, Array] = {}
        self._random = np.random.default_rng(7)

    def constant(self, array: Array) -> str:
        name = f"c{len(self._constants)}"
        self._constants[name] = array
        return name

    def add(self, layer: Layer, *inputs: str) -> str:
        number = len(self._nodes)
        self._nodes.append(Node(f"{type(layer).__name__.lower()}{number}", layer, inputs, f"v{number}"))
        return f"v{number}"

    def conv(
        self, x: str, inputs: int, outputs: int, kernel: int = 3, stride: int = 1, dilation: int = 1, padding: object = None
    ) -> str:
        reach = (kernel - 1) * dilation
        pads = as_padding([(reach // 2, reach - reach // 2)] * self._axes if padding is None else padding, self._axes)  # type: ignore[arg-type]
        w = self._random.standard_normal((outputs, inputs, *(kernel,) * self._axes)).astype(self.dtype)
        b = self._random.standard_normal(outputs).astype(self.dtype)
        layer = Conv((kernel,) * self._axes, (stride,) * self._axes, (dilation,) * self._axes, pads)
        return self.add(layer, x, self.constant(w), self.constant(b))

    def up(self, x: str, inputs: int, outputs: int, kernel: int = 4, stride: int = 2, padding: int = 1) -> str:
        w = self._random.standard_normal((inputs, outputs, *(kernel,) * self._axes)).astype(self.dtype)
        layer = ConvTranspose(
            (kernel,) * self._axes,
            (stride,) * self._axes,
            (1,) * self._axes,
            as_padding(padding, self._axes),
            (0,) * self._axes,
        )
        return self.add(layer, x, self.constant(w))

    def done(self, output: str) -> Network:
        return Network(self._name, {"x": self._input}, (output,), tuple(self._nodes), self._constants)


def plain(channels: int = 1, axes: int = 2, dtype: str = "float32") -> Network:
    """A residual denoiser with dilations."""
    s = Sketch("plain", channels, axes, dtype)
    a = s.add(Relu(), s.conv("x", channels, 3))
    b = s.add(Relu(), s.conv(a, 3, 3, dilation=2))
    return s.done(s.add(Sub(), "x", s.conv(b, 3, channels)))


def unet() -> Network:
    """Down by a pool, up by a transposed layer, a skip that is concatenated after a crop to the even part."""
    s = Sketch("unet")
    a = s.add(Relu(), s.conv("x", 1, 2))
    down = s.add(MaxPool((2, 2), (2, 2), (1, 1), as_padding(0, 2)), a)
    up = s.up(s.add(Relu(), s.conv(down, 2, 3)), 3, 2)
    ends = s.constant(np.array([-1, -1]))
    starts, axes = s.constant(np.array([0, 0])), s.constant(np.array([2, 3]))
    crop = s.add(Slice(), a, starts, ends, axes)
    return s.done(s.conv(s.add(Concat(1), up, crop), 4, 1))


def strided() -> Network:
    """Strides 2 and 3 with uneven padding and a ceil pool: the output is much smaller than the input."""
    s = Sketch("strided")
    a = s.conv("x", 1, 2, kernel=5, stride=2, padding=[(2, 1), (1, 2)])
    return s.done(s.add(AveragePool((3, 3), (3, 3), (1, 1), as_padding(1, 2), ceil=True), a))


def super_resolution() -> Network:
    """Three times as many rows and columns."""
    s = Sketch("super", batch=1)
    return s.done(s.add(DepthToSpace(3, "CRD"), s.conv(s.add(Sigmoid(), s.conv("x", 1, 4, kernel=5)), 4, 9)))


def resized() -> Network:
    """Nearest and linear resizes by a factor that is not whole, added together."""
    s = Sketch("resized")
    a = s.conv("x", 1, 2)
    scales = np.array([1, 1, 1.5, 2.5], np.float32)
    near = s.add(Resize(Nearest()), a, s.constant(scales))
    smooth = s.add(Resize(Bilinear()), a, s.constant(scales))
    return s.done(s.conv(s.add(Add(), near, smooth), 2, 1))


def gated() -> Network:
    """Squeeze and excitation: a mean over the whole signal scales it. Not local."""
    s = Sketch("gated")
    a = s.conv("x", 1, 2)
    gate = s.add(Sigmoid(), s.add(ReduceMean((2, 3), True), a))
    return s.done(s.conv(s.add(Mul(), a, gate), 2, 1))


def normalised() -> Network:
    """Norms over the channels of a place: they see no neighbours."""
    s = Sketch("normalised")
    a = s.conv("x", 1, 6)
    a = s.add(Standardise((1,), 1e-3), a, s.constant(odd((6, 1, 1), 1)), s.constant(odd((6, 1, 1), 2)))
    a = s.add(LogSoftmax(1, 1), s.conv(s.add(Relu(), a), 6, 5, stride=2))
    a = s.add(LpPool((3, 3), (1, 1), (1, 1), as_padding(1, 2), p=2), s.add(LpNorm(2, 1), a))
    return s.done(s.conv(s.add(Standardise((1,), centred=False), a), 5, 2))


def channels_last() -> Network:
    """A block of ConvNeXt, written with channels last inside."""
    s = Sketch("channels_last")
    a = s.conv("x", 1, 6, 7)
    t = s.add(Transpose((0, 2, 3, 1)), a)
    t = s.add(Standardise((3,)), t, s.constant(odd((6,), 1)), s.constant(odd((6,), 2)))
    t = s.add(Gelu(), s.add(Linear(), t, s.constant(odd((24, 6), 3)), s.constant(odd((24,), 4))))
    t = s.add(Linear(), t, s.constant(odd((6, 24), 3)), s.constant(odd((6,), 4)))
    return s.done(s.add(Add(), s.add(Transpose((0, 3, 1, 2)), t), a))


def grouped() -> Network:
    """A norm over groups of channels and all places."""
    s = Sketch("grouped")
    a = s.add(GroupNorm(2), s.conv("x", 1, 6), s.constant(odd((6,), 1)), s.constant(odd((6,), 2)))
    return s.done(s.conv(s.add(Relu(), a), 6, 1))


def prepared() -> Network:
    """What the passes before a compilation rewrite: norms and scales before convolutions, frames, twins, transposes."""
    s = Sketch("prepared")
    a = s.add(
        Mul(), s.add(BatchNorm(), "x", *(s.constant(odd((1,), n) ** 2 + 0.5) for n in range(4))), s.constant(odd((1,), 5))
    )
    frame = s.constant(np.array([0, 0, 1, 2, 0, 0, 2, 1]))
    a = s.add(Mul(), s.add(Tanh(), s.conv(a, 1, 4, padding=0)), s.constant(odd((4, 1, 1), 6)))
    a = s.conv(s.add(Pad(), a, frame), 4, 3, padding=0)
    a = s.add(MaxPool((3, 3), (2, 2), (1, 1), as_padding(0, 2)), s.add(Pad(), s.add(Relu(), a), frame))
    last = s.add(Pad(), s.add(Transpose((0, 2, 3, 1)), a), s.constant(np.array([0, 1, 0, 0, 0, 0, 1, 0])))
    first = s.add(Transpose((0, 3, 1, 2)), last)
    w = s.constant(odd((2, 3, 3, 3), 7))
    layer = Conv((3, 3), (1, 1), (1, 1), as_padding([(0, 1), (1, 0)], 2))
    twins = [s.add(Relu(), s.add(layer, first, w)) for _ in range(2)]
    return s.done(s.conv(s.add(Concat(1), *twins), 4, 2))


def casting(source: str, target: str, channels: int | str = "C", axes: int = 2) -> Network:
    """Only converts: for the formats."""
    s = Sketch("casting", 1, axes, source)
    made = s.done(s.add(Cast(target), "x"))
    fact = made.inputs["x"]
    return Network(made.name, {"x": Fact(source, ("N", channels, *fact.shape[2:]))}, made.outputs, made.nodes)


LOCAL = {f.__name__: f for f in (plain, unet, strided, super_resolution, resized, normalised, channels_last, prepared)}


def odd(shape: Sequence[int], seed: int = 0, dtype: str = "float32") -> Array:
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)
