"""ONNX's operators that resize: Resize and its older form Upsample."""

from __future__ import annotations

from fractions import Fraction
from math import isfinite

import numpy as np

from atrous.errors import NetworkError, UnsupportedError
from atrous.geometry.resample import Aspect, Coordinates, Crop, Cubic, Filter, Linear, Nearest, Rounding, short_fraction
from atrous.graph import layers as L
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
        return call.result(layer, *call.operands(2, 2))
    scales = call.attributes.floats("scales")
    if scales is None:
        raise NetworkError("attribute scales is missing")
    return call.result(layer, call.operand(0), call.constant(np.array(scales, np.float32), "scales"))


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
        return call.result(L.Resize(filter_, Coordinates(mode), axes, aspect), call.operand(0), goal)
    layer = L.Resize(filter_, _crops(call, axes), axes, aspect)
    return _cropped(call, layer, goal, beyond)


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


def _cropped(call: Call, layer: L.Resize, goal: str, beyond: float) -> None:
    """The crop, which has zeros beyond the signal; for another value there, a resize of ones tells the places."""
    crops = layer.coordinates
    if not isinstance(crops, tuple) or all(crop.inside for crop in crops):
        return call.result(layer, call.operand(0), goal)
    dtype = call.dtype(0)
    if not np.issubdtype(np.dtype(dtype), np.floating):
        raise UnsupportedError(f"roi leaves an operand of {dtype}; atrous extrapolates floats only")
    if beyond == 0:
        return call.result(layer, call.operand(0), goal)
    mask = L.Resize(Nearest(Rounding.floor), crops, layer.axes, layer.aspect)
    inside = call.emit(mask, call.emit(L.ConstantOfShape(1, dtype), call.emit(L.Shape(), call.operand(0))), goal)
    half, value = (call.constant(np.asarray(number, dtype), hint) for number, hint in ((0.5, "half"), (beyond, "value")))
    resized = call.emit(layer, call.operand(0), goal)
    return call.result(L.Where(), call.emit(L.Greater(), inside, half), resized, value)


RULES: dict[str, Rule] = {"Resize": resize, "Upsample": upsample}
