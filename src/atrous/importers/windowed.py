"""ONNX's convolutions, pools and normalisations."""

from __future__ import annotations

import numpy as np

from atrous.errors import NetworkError
from atrous.geometry import Explicit, Padding, Same, ToSize
from atrous.graph.layer import Layer
from atrous.graph.layers import (
    LRN,
    AveragePool,
    Cast,
    Concat,
    Conv,
    ConvTranspose,
    MaxPool,
    MaxPoolIndices,
    MaxUnpool,
    Pad,
    ReduceMax,
    ReduceMean,
    Shape,
    Slice,
    Sub,
    Swish,
)
from atrous.importers.call import Call, Rule, positive

Sizes = tuple[int, ...]
#: Types of 8-bit integers, which float32 holds exactly.
BYTES = ("int8", "uint8")


def _explicit(call: Call, axes: int) -> Padding:
    pads = call.attributes.ints("pads", (0,) * (2 * axes)) or ()
    if len(pads) != 2 * axes:
        raise NetworkError(f"attribute pads is {list(pads)}; it must hold a low and a high one for each of {axes} axes")
    return Explicit(tuple(zip(pads[:axes], pads[axes:], strict=True)))


def windows(call: Call, kernel: Sizes) -> tuple[Sizes, Sizes, Padding]:
    """Strides, dilations and padding, of which ``auto_pad`` is the older spelling."""
    axes, attributes = len(kernel), call.attributes
    strides = positive("strides", attributes.ints("strides", (1,) * axes) or (), axes)
    dilations = positive("dilations", attributes.ints("dilations", (1,) * axes) or (), axes)
    mode = attributes.string("auto_pad", "NOTSET", "NOTSET", "VALID", "SAME_UPPER", "SAME_LOWER")
    padding = _explicit(call, axes)
    if mode == "VALID":
        padding = Explicit.zeros(axes)
    if mode in ("SAME_UPPER", "SAME_LOWER"):
        padding = Same(upper=mode == "SAME_UPPER")
    return strides, dilations, padding


def _kernel(call: Call) -> Sizes:
    """The kernel's sizes, from the attribute or else from the weights."""
    given = call.attributes.ints("kernel_shape")
    sizes = call.builder.fact(call.operand(1), "weights").sizes[2:] if given is None else given
    if not sizes:
        raise NetworkError("the kernel has no spatial axes; it needs at least 1")
    return positive("kernel_shape", sizes, len(sizes))


def _groups(call: Call) -> int:
    return positive("group", (call.attributes.integer("group", 1),), 1)[0]


def conv(call: Call) -> None:
    kernel = _kernel(call)
    call.result(Conv(kernel, *windows(call, kernel), _groups(call)), *call.operands(2, 3))


def causal_conv(call: Call) -> None:
    """A depthwise convolution over time of what came before and the signal; the state is the last of both together."""
    x, w = call.operand(0), call.operand(1)
    sizes = call.builder.fact(w, "weights").sizes
    if len(sizes) != 3:
        raise NetworkError(f"weights have {len(sizes)} axes; they must have 3: channels, 1, and time")
    channels, _, kernel = sizes
    bias = [call.operand(2)] if call.has(2) else []
    gap = kernel - 1
    joined = call.emit(Concat(2), call.operand(3), x) if call.has(3) and gap else x
    pads = Explicit(((0 if call.has(3) else gap, 0),))
    layer = Conv((kernel,), (1,), (1,), pads, channels)
    if call.attributes.string("activation", "none", "none", "silu", "swish") == "none":
        call.result(layer, joined, w, *bias)
    else:
        call.result(Swish(), call.emit(layer, joined, w, *bias))
    if call.wants(1):
        if not call.has(3):
            joined = call.emit(Pad(), x, call.constant(np.array([0, 0, gap, 0, 0, 0], np.int64), "pads"))
        ends = (-gap, 2**62, 2) if gap else (0, 0, 2)
        start, end, axis = (call.constant(np.array([end], np.int64), "end") for end in ends)
        call.result(Slice(), joined, start, end, axis, place=1)


def conv_transpose(call: Call) -> None:
    kernel = _kernel(call)
    strides, dilations, padding = windows(call, kernel)
    extra = call.attributes.ints("output_padding", (0,) * len(kernel)) or ()
    if len(extra) != len(kernel) or any(size < 0 for size in extra):
        raise NetworkError(f"attribute output_padding is {list(extra)}; it must hold {len(kernel)} integers of at least 0")
    wanted = call.attributes.ints("output_shape")
    if wanted is not None:
        upper = isinstance(padding, Same) and padding.upper
        padding = ToSize(positive("output_shape", wanted[-len(kernel) :], len(kernel)), upper)
    call.result(ConvTranspose(kernel, strides, dilations, padding, extra, _groups(call)), *call.operands(2, 3))


def pool_kernel(call: Call) -> Sizes:
    """The kernel's sizes of a pool."""
    kernel = call.attributes.ints("kernel_shape") or ()
    return positive("kernel_shape", kernel, max(1, len(kernel)))


def _in_floats(call: Call, layer: Layer) -> None:
    """A pool, of 8-bit integers as floats."""
    x, dtype = call.operand(0), call.dtype(0)
    if dtype not in BYTES:
        return call.result(layer, x)
    return call.result(Cast(dtype), call.emit(layer, call.emit(Cast("float32"), x)))


def max_pool(call: Call) -> None:
    kernel, order = pool_kernel(call), call.attributes.integer("storage_order", 0)
    if order not in (0, 1):
        raise NetworkError(f"attribute storage_order is {order}; it must be 0 or 1")
    form = (kernel, *windows(call, kernel), call.attributes.flag("ceil_mode"))
    _in_floats(call, MaxPool(*form))
    if call.wants(1):
        x = call.emit(Cast("float32"), call.operand(0)) if call.dtype(0) in BYTES else call.operand(0)
        call.result(MaxPoolIndices(*form, column_major=order == 1), x, place=1)


def max_unpool(call: Call) -> None:
    """Places count in the sizes that kernel, strides and pads give; ``output_shape`` adds zeros at the high ends."""
    kernel = pool_kernel(call)
    axes, attributes = len(kernel), call.attributes
    layer = MaxUnpool(kernel, positive("strides", attributes.ints("strides", (1,) * axes) or (), axes), _explicit(call, axes))
    if not call.has(2):
        return call.result(layer, call.operand(0), call.operand(1))
    y = call.emit(layer, call.operand(0), call.operand(1))
    more = call.emit(Sub(), call.operand(2), call.emit(Shape(), y))
    none = call.constant(np.zeros(2 + axes, np.int64), "low")
    return call.result(Pad(), y, call.emit(Concat(0), none, more))


def average_pool(call: Call) -> None:
    kernel = pool_kernel(call)
    ceil, padded = call.attributes.flag("ceil_mode"), call.attributes.flag("count_include_pad")
    call.result(AveragePool(kernel, *windows(call, kernel), ceil, padded), call.operand(0))


def _global(layer: type[ReduceMean] | type[ReduceMax]) -> Rule:
    def rule(call: Call) -> None:
        call.result(layer(tuple(range(2, call.rank(0))), True), call.operand(0))

    return rule


def lrn(call: Call) -> None:
    alpha, beta, bias = (call.attributes.number(*pair) for pair in (("alpha", 1e-4), ("beta", 0.75), ("bias", 1.0)))
    (size,) = positive("size", (call.attributes.integer("size", 0),), 1)
    call.result(LRN(size, alpha, beta, bias), call.operand(0))


RULES: dict[str, Rule] = {
    "CausalConvWithState": causal_conv,
    "Conv": conv,
    "ConvTranspose": conv_transpose,
    "MaxPool": max_pool,
    "MaxUnpool": max_unpool,
    "AveragePool": average_pool,
    "GlobalAveragePool": _global(ReduceMean),
    "GlobalMaxPool": _global(ReduceMax),
    "LRN": lrn,
}
