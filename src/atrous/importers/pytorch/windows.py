"""PyTorch's convolutions, pools and interpolations."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from atrous.errors import UnsupportedError
from atrous.geometry import Explicit, Padding, Same, ToSize
from atrous.geometry.blocks import shares
from atrous.geometry.resample import Coordinates, Cubic, Filter, Linear, Nearest, Rounding
from atrous.graph import layers as L
from atrous.importers.pytorch.call import Call, Made, Rule


def _pairs(call: Call, axes: int) -> Padding:
    padding = call["padding"]
    if padding == "valid":
        return Explicit.zeros(axes)
    if padding == "same":  # what does not divide evenly is padded at the end
        return Same(upper=True)
    return Explicit(tuple((size, size) for size in call.integers("padding", axes)))


def _kernel(call: Call) -> tuple[int, ...]:
    return call.builder.fact(call.value("weight"), "weights").sizes[2:]


def _operands(call: Call) -> list[str]:
    return [call.value(name) for name in ("input", "weight", "bias") if call.has(name)]


def conv(call: Call) -> str:
    kernel = _kernel(call)
    strides, dilations = (call.integers(name, len(kernel)) for name in ("stride", "dilation"))
    return call.result(L.Conv(kernel, strides, dilations, _pairs(call, len(kernel)), call["groups"]), *_operands(call))


def conv_transpose(call: Call) -> str:
    kernel = _kernel(call)
    strides, dilations, extra = (call.integers(name, len(kernel)) for name in ("stride", "dilation", "output_padding"))
    padding = _pairs(call, len(kernel))
    return call.result(L.ConvTranspose(kernel, strides, dilations, padding, extra, call["groups"]), *_operands(call))


def _pool(call: Call, axes: int) -> tuple[tuple[int, ...], tuple[int, ...], Padding]:
    kernel = call.integers("kernel_size", axes)
    return kernel, call.integers("stride", axes) if call["stride"] else kernel, _pairs(call, axes)


def max_pool(axes: int) -> Rule:
    def rule(call: Call) -> str:
        return call.result(_max_pool(call, axes), call.value("self"))

    return rule


def _max_pool(call: Call, axes: int) -> L.MaxPool:
    kernel, strides, padding = _pool(call, axes)
    return L.MaxPool(kernel, strides, call.integers("dilation", axes), padding, call["ceil_mode"])


def max_pool_with_indices(axes: int) -> Rule:
    """PyTorch counts places within each channel, the layers within the whole tensor."""

    def rule(call: Call) -> Made:
        x, pool = call.value("self"), _max_pool(call, axes)
        where = L.MaxPoolIndices(pool.kernel, pool.strides, pool.dilations, pool.padding, pool.ceil)
        indices = call.emit(L.Sub(), call.emit(where, x), _channel_starts(call, x, axes))
        return call.result(pool, x), indices

    return rule


def max_unpool(call: Call) -> str:
    x, sizes = call.value("self"), call["output_size"]
    axes = len(sizes)
    layer = L.MaxUnpool((1,) * axes, (1,) * axes, ToSize(call.integers("output_size", axes)))
    starts = _channel_starts(call, x, axes, prod(call.integers("output_size", axes)))
    return call.result(layer, x, call.emit(L.Add(), call.value("indices"), starts))


def _channel_starts(call: Call, x: str, axes: int, places: int | None = None) -> str:
    """The place in the flat tensor at which each channel of each image starts: ``places`` apart, else as many as it has."""
    if call.builder.fact(x, "operand").rank != axes + 2:
        raise UnsupportedError("places of maxima are read of signals with a batch axis only; give one image as a batch of 1")
    lead = call.emit(L.Shape(0, 2), x)
    own = call.emit(L.ReduceProd((0,), False), call.emit(L.Shape(2), x))
    between = own if places is None else call.constant(np.array(places), "places")
    count = call.emit(L.ReduceProd((0,), False), lead)
    numbers = call.emit(L.Range(), call.constant(np.array(0), "first"), count, call.constant(np.array(1), "step"))
    form = call.emit(L.Concat(0), lead, call.indices((1,) * axes, "ones"))
    return call.emit(L.Reshape(), call.emit(L.Mul(), numbers, between), form)


def average_pool(axes: int) -> Rule:
    def rule(call: Call) -> str:
        if call.arguments.get("divisor_override"):
            raise UnsupportedError("argument divisor_override is not supported; scale the result instead")
        kernel, strides, padding = _pool(call, axes)
        layer = L.AveragePool(kernel, strides, (1,) * axes, padding, call["ceil_mode"], call["count_include_pad"])
        return call.result(layer, call.value("self"))

    return rule


def adaptive(axes: int, reduce: type[L.Reduce], pool: type[L.Pool]) -> Rule:
    """Windows that divide the signal: see ``geometry.blocks.shares``."""

    def rule(call: Call) -> str:
        x, wanted = call.value("self"), call["output_size"]
        outputs = tuple(wanted) if isinstance(wanted, list | tuple) else (wanted,)
        rank = call.rank("self")
        if all(output == 1 for output in outputs):
            return call.result(reduce(tuple(range(rank - axes, rank)), True), x)
        space = tuple(call.size("self", axis) for axis in range(rank - axes, rank))
        if all(size % output == 0 for size, output in zip(space, outputs, strict=True)) and rank == axes + 2:
            kernel = tuple(size // output for size, output in zip(space, outputs, strict=True))
            return call.result(pool(kernel, kernel, (1,) * axes, Explicit.zeros(axes)), x)
        for axis, (size, output) in enumerate(zip(space, outputs, strict=True), rank - axes):
            x = _uneven(call, x, axis, size, output, reduce)
        return call.result(L.Identity(), x)

    return rule


def _uneven(call: Call, x: str, axis: int, size: int, outputs: int, reduce: type[L.Reduce]) -> str:
    """Each output of one axis by itself: windows of different sizes."""
    place, parts = call.indices([axis], "axis"), []
    for begin, end in shares(size, outputs):
        bounds = (call.indices([begin], "start"), call.indices([end], "end"))
        parts.append(call.emit(reduce((axis,), True), call.emit(L.Slice(), x, *bounds, place)))
    return call.emit(L.Concat(axis), *parts)


def _coordinates(call: Call) -> Coordinates:
    return Coordinates.align_corners if call["align_corners"] else Coordinates.half_pixel


def nearest(call: Call) -> str:
    return _resize(call, Nearest(Rounding.floor), Coordinates.asymmetric)


def nearest_exact(call: Call) -> str:
    return _resize(call, Nearest(Rounding.round_prefer_ceil), Coordinates.half_pixel)


def linear(call: Call) -> str:
    return _resize(call, Linear(), _coordinates(call))


def cubic(call: Call) -> str:
    return _resize(call, Cubic(), _coordinates(call))


def _resize(call: Call, filter_: Filter, coordinates: Coordinates) -> str:
    """By factors where they are given, since PyTorch places the outputs by them, or else to sizes."""
    x = call.value("input")
    layer = L.Resize(filter_, coordinates, tuple(range(2, call.rank("input"))))
    factors: Any = call.arguments.get("scale_factors")
    if factors is not None and coordinates is not Coordinates.align_corners:
        return call.result(layer, x, call.constant(np.array(factors, np.float64), "scales"))
    if factors is not None:
        sizes = call.result_like.shape[2:]
        if not all(isinstance(size, int) for size in sizes):
            raise UnsupportedError("factors with align_corners on open sizes are not supported; give sizes")
        return call.result(layer, x, call.indices(sizes, "sizes"))
    return call.result(layer, x, call.vector(call["output_size"], "sizes"))


#: ATen's operators by name, whatever their overload.
RULES: dict[str, Rule] = {
    **{f"conv{axes}d": conv for axes in (1, 2, 3)},
    **{f"conv_transpose{axes}d": conv_transpose for axes in (1, 2, 3)},
    **{f"max_pool{axes}d": max_pool(axes) for axes in (1, 2, 3)},
    **{f"max_pool{axes}d_with_indices": max_pool_with_indices(axes) for axes in (1, 2, 3)},
    "max_unpool2d": max_unpool,
    "max_unpool3d": max_unpool,
    **{f"avg_pool{axes}d": average_pool(axes) for axes in (1, 2, 3)},
    **{f"adaptive_avg_pool{axes}d": adaptive(axes, L.ReduceMean, L.AveragePool) for axes in (1, 2, 3)},
    **{f"adaptive_max_pool{axes}d": adaptive(axes, L.ReduceMax, L.MaxPool) for axes in (1, 2, 3)},
    **{f"upsample_nearest{axes}d": nearest for axes in (1, 2, 3)},
    **{f"_upsample_nearest_exact{axes}d": nearest_exact for axes in (1, 2, 3)},
    "upsample_linear1d": linear,
    "upsample_bilinear2d": linear,
    "upsample_trilinear3d": linear,
    "upsample_bicubic2d": cubic,
}
