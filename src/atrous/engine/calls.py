"""Single layers on arrays: ``conv``, ``conv_transpose``, ``max_pool``, ``avg_pool``, and ``Conv`` with weights packed once."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import numpy as np

from atrous.engine.arrays import as_array, listed
from atrous.engine.memory import Arena, common_arena
from atrous.engine.packing import numbered
from atrous.engine.program import Program
from atrous.engine.runtime import check_threads
from atrous.engine.unpacked import KINDS, Kinds, Latest, Unpacked, kind_of
from atrous.errors import ArgumentError, NetworkError
from atrous.geometry.padding import AxisPadding, as_padding
from atrous.geometry.sizes import as_integer, at_least, per_axis
from atrous.graph.fact import Array, Fact
from atrous.graph.layer import Layer, Pointwise
from atrous.graph.layers import activation as act
from atrous.graph.layers.convolution import Conv as ConvLayer
from atrous.graph.layers.convolution import ConvTranspose
from atrous.graph.layers.pooling import AveragePool, MaxPool
from atrous.graph.network import Network, Node

PerAxis = int | Iterable[int]
PaddingLike = str | AxisPadding | Iterable[AxisPadding]

#: The activations that a call may name; any pointwise layer of one operand may be given itself.
ACTIVATIONS: dict[str, Pointwise] = {
    "relu": act.Relu(),
    "sigmoid": act.Sigmoid(),
    "tanh": act.Tanh(),
    "leaky_relu": act.LeakyRelu(),
    "hard_swish": act.HardSwish(),
    "swish": act.Swish(),
    "gelu": act.Gelu(),
    "elu": act.Elu(),
    "softplus": act.Softplus(),
}
Activation = str | Pointwise | None
Made = TypeVar("Made")


class Conv:
    """A convolution with its weights packed once: ``f = Conv(w, bias, stride=2); y = f(x)``.

    ``w`` is ``(K, C/groups, *kernel)`` with 1, 2 or 3 kernel axes, float32 or float64, ``bias`` ``(K,)`` of the same type or
    ``None``. The other arguments are those of ``conv``. Calls with other sizes of ``x`` compile nothing anew.

    >>> import numpy as np
    >>> f = Conv(np.ones((1, 1, 2), "float32"))
    >>> f(np.array([[[1, 2, 3]]], "float32"))
    array([[[3., 5.]]], dtype=float32)
    """

    def __init__(
        self,
        w: Any,
        bias: Any = None,
        *,
        stride: PerAxis = 1,
        padding: PaddingLike = 0,
        dilation: PerAxis = 1,
        groups: int = 1,
        activation: Activation = None,
        threads: int | None = None,
        accuracy: str = "default",
    ) -> None:
        form = (stride, padding, dilation, groups, activation)
        self._program = _conv_program(_weights(w), bias, *form, Arena(), threads, accuracy)

    def __call__(self, x: Any, out: Any = None) -> Array:
        """The convolution of ``x`` ``(N, C, *space)``, into ``out`` if given."""
        done = self._program.again((x,), out)
        return _call(self._program, x, out) if done is None else done[0]

    def __repr__(self) -> str:
        return f"Conv({self._program.network.nodes[0].layer!r})"


def conv(
    x: Any,
    w: Any,
    bias: Any = None,
    *,
    stride: PerAxis = 1,
    padding: PaddingLike = 0,
    dilation: PerAxis = 1,
    groups: int = 1,
    activation: Activation = None,
    out: Any = None,
) -> Array:
    """Convolve arrays, the lecture's way: the kernel is not flipped.

    ``x`` ``(N, C, *space)`` and ``w`` ``(K, C/groups, *kernel)`` with 1, 2 or 3 spatial axes, ``bias`` ``(K,)`` or ``None``
    are all float32 or all float64 (a list takes the type of the array beside it); returns ``(N, K, *out)``. ``stride`` and
    ``dilation`` are numbers, or one for each axis. ``padding`` is a number, one for each axis, (low, high) pairs, ``"valid"``
    or ``"same"``; what is padded is 0, and a tap on padding adds nothing, whatever the weight. ``activation`` is ``None``, a
    name ("relu", "sigmoid", "tanh", ...) or a pointwise layer. ``out`` receives the result; it may be ``x`` itself.
    Weights are packed at each call: keep a ``Conv`` to do it once. Raises ``ArgumentError``.

    >>> import numpy as np
    >>> conv(np.array([[[1.0, 2, 3, 4]]]), np.array([[[3.0, 2]]]))
    array([[[ 7., 12., 17.]]])
    """

    def make(w: Any, bias: Any) -> Program:
        weights = _weights(w, x)
        # Weights that come with each call are not transformed, so neither are those of a first call.
        form = (stride, padding, dilation, groups, activation)
        return _conv_program(weights, bias, *form, common_arena(), accuracy="strict")

    return _quickly(make, x, w, bias, (conv, stride, padding, dilation, groups, activation), out)


#: The kinds of calls that differed in numbers only.
_kinds = Kinds()


def _quickly(make: Callable[[Any, Any], Program], x: Any, w: Any, bias: Any, arguments: tuple[Any, ...], out: Any) -> Array:
    """A layer of which all but the arrays' numbers decides the program, ``make(w, bias)``: kept from the second call on."""
    arrays = (x, w) if bias is None else (x, w, bias)
    kind = kind_of(arrays, arguments)
    known = _kinds.ready(kind)
    done = None if known is None else known(arrays, out)
    if done is not None:
        return done
    result = _call(make(w, bias), x, out)
    if kind is not None and known is None:

        def unpacked() -> Unpacked | None:
            weights, *biases = (numbered(array.shape, result.dtype.name) for array in arrays[1:])
            return Unpacked.of(make(weights, biases[0] if biases else None), x.shape)

        _kinds.learn(kind, unpacked)
    return result


def conv_transpose(
    x: Any,
    w: Any,
    bias: Any = None,
    *,
    stride: PerAxis = 1,
    padding: PaddingLike = 0,
    output_padding: PerAxis = 0,
    dilation: PerAxis = 1,
    groups: int = 1,
    activation: Activation = None,
    out: Any = None,
) -> Array:
    """The adjoint of ``conv``: ``x`` ``(N, C, *space)``, ``w`` ``(C, K/groups, *kernel)`` to ``(N, K, *out)``.

    ``padding`` crops the result, ``output_padding`` (below the stride or the dilation) extends it at its high ends; the other
    arguments are those of ``conv``. Raises ``ArgumentError``.

    >>> import numpy as np
    >>> conv_transpose(np.array([[[1.0, 2]]]), np.array([[[1.0, 10]]]), stride=2)
    array([[[ 1., 10.,  2., 20.]]])
    """

    def make(w: Any, bias: Any) -> Program:
        weights = _weights(w, x, "(C, K/groups, *kernel)")
        axes = weights.ndim - 2
        layer = ConvTranspose(
            weights.shape[2:],
            per_axis("stride", stride, axes),
            per_axis("dilation", dilation, axes),
            as_padding(padding, axes),
            per_axis("output_padding", output_padding, axes, least=0),
            _groups(groups),
        )
        _check_output_padding(layer)
        _check_divides(layer.groups, weights.shape[0], "input", weights)
        channels = (weights.shape[0], weights.shape[1] * layer.groups)
        return _program(layer, weights, bias, channels, activation, None, common_arena())

    arguments = (conv_transpose, stride, padding, output_padding, dilation, groups, activation)
    return _quickly(make, x, w, bias, arguments, out)


def max_pool(
    x: Any,
    kernel: PerAxis,
    *,
    stride: PerAxis | None = None,
    padding: PaddingLike = 0,
    dilation: PerAxis = 1,
    ceil: bool = False,
    out: Any = None,
) -> Array:
    """The largest element under each window of ``x`` ``(N, C, *space)``; ``stride`` is the kernel's size unless given.

    What is padded never wins, NaN always does; ``ceil`` keeps a last window that hangs over the end. Raises ``ArgumentError``.

    >>> import numpy as np
    >>> max_pool(np.array([[[1.0, 5, 2, 4]]]), 2)
    array([[[5., 4.]]])
    """

    def make(signal: Array) -> Layer:
        return MaxPool(*_sizes(signal, kernel, stride, dilation), as_padding(padding, signal.ndim - 2), ceil)

    return _pool(make, x, (max_pool, kernel, stride, padding, dilation, ceil), out)


def avg_pool(
    x: Any,
    kernel: PerAxis,
    *,
    stride: PerAxis | None = None,
    padding: PaddingLike = 0,
    dilation: PerAxis = 1,
    ceil: bool = False,
    count_include_pad: bool = False,
    out: Any = None,
) -> Array:
    """The mean under each window of ``x`` ``(N, C, *space)``; ``stride`` is the kernel's size unless given.

    Only real elements count, or with ``count_include_pad`` the padded zeros too. Raises ``ArgumentError``.

    >>> import numpy as np
    >>> avg_pool(np.array([[[1.0, 5, 2, 4]]]), 2)
    array([[[3., 3.]]])
    """

    def make(signal: Array) -> Layer:
        sizes = _sizes(signal, kernel, stride, dilation)
        return AveragePool(*sizes, as_padding(padding, signal.ndim - 2), ceil, count_include_pad)

    return _pool(make, x, (avg_pool, kernel, stride, padding, dilation, ceil, count_include_pad), out)


Sizes = tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]


def _sizes(signal: Array, kernel: PerAxis, stride: PerAxis | None, dilation: PerAxis) -> Sizes:
    """The kernel's sizes, strides and dilations."""
    axes = signal.ndim - 2
    sizes = per_axis("kernel", kernel, axes)
    strides = sizes if stride is None else per_axis("stride", stride, axes)
    return sizes, strides, per_axis("dilation", dilation, axes)


def _groups(groups: int) -> int:
    count = as_integer("groups", groups)
    at_least("groups", count, 1)
    return count


def _check_divides(groups: int, channels: int, side: str, weights: Array) -> None:
    if channels % groups:
        raise ArgumentError(f"groups: got {groups}; it must divide the {channels} {side} channels of w, {weights.shape}")


def _check_output_padding(layer: ConvTranspose) -> None:
    for extra, stride, dilation in zip(layer.output_padding, layer.strides, layer.dilations, strict=True):
        if extra >= max(stride, dilation):
            raise ArgumentError(
                f"output_padding: got {extra} with stride {stride} and dilation {dilation}; it must be below one of them"
            )


def _floating(name: str, value: Any, like: str = "float64") -> Array:
    """An array of float32 or float64; lists of numbers take the type ``like``."""
    array = as_array(name, value, like if listed(value) else None)
    if array.dtype not in (np.float32, np.float64):
        raise ArgumentError(f"{name}: got {array.dtype}; convert it with .astype('float32') or .astype('float64')")
    return array


def _signal(x: Any, like: str = "float64") -> Array:
    array = _floating("x", x, like)
    if not 3 <= array.ndim <= 5:
        raise ArgumentError(f"x: got shape {array.shape}; a signal is (N, C, *space) with 1, 2 or 3 spatial axes")
    return array


def _weights(w: Any, x: Any = (), form: str = "(K, C/groups, *kernel)") -> Array:
    """The weights; a list takes the type of the signal ``x`` beside it."""
    array = _floating("w", w, "float64" if listed(x) else _signal(x).dtype.name)
    if not 3 <= array.ndim <= 5:
        raise ArgumentError(f"w: got shape {array.shape}; weights are {form} with 1, 2 or 3 kernel axes")
    return array


def _bias(bias: Any, weights: Array, outputs: int) -> Array:
    array = as_array("bias", bias, weights.dtype.name, rank=1)
    if array.size != outputs:
        raise ArgumentError(f"bias: got shape {array.shape}; it must be ({outputs},), a number for each output channel")
    return array


def _activation(activation: Activation) -> Pointwise | None:
    if activation is None or isinstance(activation, Pointwise):
        return activation
    if not isinstance(activation, str) or activation not in ACTIVATIONS:
        raise ArgumentError(f"activation: got {activation!r}; it must be one of {', '.join(ACTIVATIONS)}, or a pointwise layer")
    return ACTIVATIONS[activation]


def _conv_program(
    weights: Array,
    bias: Any,
    stride: PerAxis,
    padding: PaddingLike,
    dilation: PerAxis,
    groups: int,
    activation: Activation,
    arena: Arena,
    threads: int | None = None,
    accuracy: str = "default",
) -> Program:
    """The program of a convolution with these weights."""
    axes = weights.ndim - 2
    layer = ConvLayer(
        weights.shape[2:],
        per_axis("stride", stride, axes),
        per_axis("dilation", dilation, axes),
        as_padding(padding, axes),
        _groups(groups),
    )
    _check_divides(layer.groups, weights.shape[0], "output", weights)
    channels = (weights.shape[1] * layer.groups, weights.shape[0])
    return _program(layer, weights, bias, channels, activation, threads, arena, accuracy)


def _program(
    layer: ConvLayer | ConvTranspose,
    weights: Array,
    bias: Any,
    channels: tuple[int, int],
    activation: Activation,
    threads: int | None,
    arena: Arena,
    accuracy: str = "default",
) -> Program:
    """The program of one layer with so many (input, output) channels, for signals of any size."""
    constants = {"w": weights}
    if bias is not None:
        constants["bias"] = _bias(bias, weights, channels[1])
    space = tuple(f"size{axis}" for axis in range(weights.ndim - 2))
    signal = Fact(weights.dtype.name, ("batch", channels[0], *space))
    nodes = [Node("conv", layer, ("x", *constants), "y")]
    last = _activation(activation)
    if last is not None:
        nodes.append(Node("activation", last, ("y",), "z"))
    network = Network("conv", {"x": signal}, (nodes[-1].output,), tuple(nodes), constants)
    return Program(network, None if threads is None else check_threads(threads), arena=arena, accuracy=accuracy)


def _pool(make: Callable[[Array], Layer], x: Any, arguments: tuple[Any, ...], out: Any) -> Array:
    """A layer of one operand: its program is kept for calls with the same arguments and sizes."""
    kind = kind_of((x,), arguments)
    program = _pools.get(kind)
    done = None if program is None else program.again((x,), out)
    if done is not None:
        return done[0]
    signal = _signal(x)
    if program is None:
        fact = Fact(signal.dtype.name, signal.shape)
        layer = make(signal)
        network = Network("pool", {"x": fact}, ("y",), (Node("pool", layer, ("x",), "y"),))
        program = _checked(signal, lambda: Program(network, arena=common_arena()))
    result: Array = _checked(signal, lambda: program(signal, out=out))
    _pools.put(kind, program)
    return result


#: Programs of pooling layers, by all that decides them.
_pools: Latest[Program] = Latest(KINDS)


def _checked(signal: Array, work: Callable[[], Made]) -> Made:
    """``work()``, with what a network has against the signal told of ``x``."""
    try:
        return work()
    except NetworkError as error:
        raise ArgumentError(f"x with shape {signal.shape}: {error}") from None


def _call(program: Program, x: Any, out: Any) -> Array:
    fact, w = program.network.inputs["x"], program.network.constants["w"]
    signal = _signal(x, fact.dtype)
    if signal.ndim != w.ndim:
        raise ArgumentError(f"x: got shape {signal.shape}; for w of shape {w.shape} it must have {w.ndim} axes, (N, C, *space)")
    if signal.shape[1] != fact.shape[1]:
        rule = f"w of shape {w.shape} with its groups takes {fact.shape[1]}"
        raise ArgumentError(f"x: got shape {signal.shape} with {signal.shape[1]} channels; {rule}")
    result: Array = _checked(signal, lambda: program(signal, out=out))
    return result
