"""ONNX's operators that resize: Resize and its older form Upsample."""

from __future__ import annotations

from contextlib import suppress
from fractions import Fraction
from math import isfinite

import numpy as np

from atrous.errors import NetworkError, UnsupportedError
from atrous.geometry.resample import Aspect, Coordinates, Crop, Cubic, Filter, Linear, Nearest, Rounding, short_fraction
from atrous.graph import layers as L
from atrous.graph.layer import Layer
from atrous.importers.call import Call, Rule

#: ONNX's name of the mode that resizes a part of each axis, which a third operand gives.
CROP = "tf_crop_and_resize"


def _filter(call: Call, rounding: str) -> Filter:
    attributes = call.attributes
    mode = attributes.string("mode", "nearest", "nearest", "linear", "bilinear", "cubic")
    coefficient = attributes.number("cubic_coeff_a", -0.75)
    outside, antialias = attributes.flag("exclude_outside"), attributes.flag("antialias")
    if not isfinite(coefficient):
        raise NetworkError(f"attribute cubic_coeff_a is {coefficient}; it must be finite")
    if mode == "cubic":
        return Cubic(short_fraction(coefficient), outside, antialias)
    if mode != "nearest":
        return Linear(antialias, outside)
    if antialias:
        raise UnsupportedError("attribute antialias=1 goes with mode linear or cubic, not with nearest")
    return Nearest(Rounding(rounding))


def upsample(call: Call) -> None:
    """Upsample, and Resize of opset 10: scales only, outputs anchored at the first element."""
    layer = L.Resize(_filter(call, "floor"), Coordinates.asymmetric)
    if call.opset >= 9:
        return _resized(call, layer, call.operands(2, 2)[1])
    scales = call.attributes.floats("scales")
    if scales is None:
        raise NetworkError("attribute scales is missing")
    return _resized(call, layer, call.constant(np.array(scales, np.float32), "scales"))


def resize(call: Call) -> None:
    if call.opset < 11:
        return upsample(call)
    attributes = call.attributes
    rounding = attributes.string("nearest_mode", "round_prefer_floor", *Rounding)
    mode = attributes.string("coordinate_transformation_mode", "half_pixel", *Coordinates, CROP)
    aspect = Aspect(attributes.string("keep_aspect_ratio_policy", "stretch", *Aspect))
    beyond = attributes.number("extrapolation_value", 0.0)
    filter_, axes, goal = _filter(call, rounding), attributes.ints("axes"), call.operand(3 if call.has(3) else 2)
    if mode != CROP:
        return _resized(call, L.Resize(filter_, Coordinates(mode), axes, aspect), goal)
    return _resized(call, L.Resize(filter_, _crops(call, axes), axes, aspect), goal, beyond)


def _crops(call: Call, axes: tuple[int, ...] | None) -> tuple[Crop, ...]:
    """The part of each axis from the operand roi, which holds all starts, then all ends."""
    roi = call.value(1).reshape(-1)
    count = call.rank(0) if axes is None else len(axes)
    if len(roi) != 2 * count or not np.all(np.isfinite(roi)):
        raise NetworkError(f"roi {roi.tolist()} must hold a finite start and end for each of {count} axes")
    if np.any(roi[count:] < roi[:count]):
        raise UnsupportedError(f"roi {roi.tolist()} ends before it starts; atrous does not flip axes by a resize")
    ends: list[Fraction] = [short_fraction(float(end)) for end in roi]
    return tuple(map(Crop, ends[:count], ends[count:]))


def _resized(call: Call, layer: L.Resize, goal: str, beyond: float = 0.0) -> None:
    """Integers are resized as floats that hold them, then rounded, halves to even, and held to the range of their type.

    So has ONNX's reference implementation it; those of 64 bits are as exact as float64 is. ONNX Runtime drops fractions.
    """
    x, dtype = call.operand(0), _integers(call)
    if dtype is None or (isinstance(layer.filter, Nearest) and not _leaves(layer)):
        last, inputs = _last(call, layer, x, goal, beyond)
        return call.result(last, *inputs)
    wide = "float32" if np.dtype(dtype).itemsize == 1 else "float64"
    last, inputs = _last(call, layer, call.emit(L.Cast(wide), x), goal, beyond)
    return call.result(L.Cast(dtype), call.emit(L.Round(), call.emit(last, *inputs)))


def _integers(call: Call) -> str | None:
    """The type of the first operand if it holds integers, and if that is known."""
    with suppress(UnsupportedError):
        dtype = call.dtype(0)
        return dtype if np.issubdtype(np.dtype(dtype), np.integer) else None
    return None


def _leaves(layer: L.Resize) -> bool:
    """Whether an axis is cropped to more than there is."""
    return isinstance(layer.coordinates, tuple) and not all(crop.inside for crop in layer.coordinates)


def _last(call: Call, layer: L.Resize, x: str, goal: str, beyond: float) -> tuple[Layer, tuple[str, ...]]:
    """The last layer of a resize, with its inputs: the resize, which has zeros where a crop leaves the signal.

    For another value there, a resize of ones tells the places.
    """
    if not _leaves(layer):
        return layer, (x, goal)
    dtype = call.builder.fact(x, "operand 0,").dtype
    if not np.issubdtype(np.dtype(dtype), np.floating):
        raise UnsupportedError(f"roi leaves an operand of {dtype}; atrous extrapolates numbers only")
    if beyond == 0:
        return layer, (x, goal)
    mask = L.Resize(Nearest(Rounding.floor), layer.coordinates, layer.axes, layer.aspect)
    inside = call.emit(mask, call.emit(L.ConstantOfShape(1, dtype), call.emit(L.Shape(), x)), goal)
    half, value = (call.constant(np.asarray(number, dtype), hint) for number, hint in ((0.5, "half"), (beyond, "value")))
    return L.Where(), (call.emit(L.Greater(), inside, half), call.emit(layer, x, goal), value)


RULES: dict[str, Rule] = {"Resize": resize, "Upsample": upsample}
