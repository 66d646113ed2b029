"""ONNX's operators on shapes and places: reshaping, cutting, joining, padding, resizing, and shape arithmetic."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from atrous.errors import NetworkError, UnsupportedError
from atrous.graph import layers as L
from atrous.graph.layer import Layer
from atrous.importers.call import Call, Rule
from atrous.importers.tensors import sparse_array, to_array


def _operand_or_attribute(call: Call, name: str, place: int, operand_since: int) -> tuple[int, ...] | None:
    """Integers that newer opsets take as a constant operand and older ones as an attribute."""
    if call.opset >= operand_since:
        return call.integers(place) if call.has(place) else None
    return call.attributes.ints(name)


def _integers(call: Call, name: str, place: int, operand_since: int) -> str:
    """The same as a value: the operand itself, or a constant of the attribute."""
    if call.opset >= operand_since:
        return call.operand(place)
    found = call.attributes.ints(name)
    if found is None:
        raise NetworkError(f"attribute {name} is missing")
    return call.constant(np.array(found, np.int64), name)


def reshape(call: Call) -> None:
    call.attributes.ignore("consumed_inputs")
    layer = L.Reshape(call.attributes.flag("allowzero"))
    call.result(layer, call.operand(0), _integers(call, "shape", 1, operand_since=5))


def flatten(call: Call) -> None:
    call.result(L.Flatten(call.attributes.integer("axis", 1)), call.operand(0))


def transpose(call: Call) -> None:
    call.result(L.Transpose(call.attributes.ints("perm")), call.operand(0))


def squeeze(call: Call) -> None:
    call.result(L.Squeeze(_operand_or_attribute(call, "axes", 1, operand_since=13)), call.operand(0))


def unsqueeze(call: Call) -> None:
    axes = _operand_or_attribute(call, "axes", 1, operand_since=13)
    if axes is None:
        raise NetworkError("axes are missing; name the axes to insert")
    call.result(L.Unsqueeze(axes), call.operand(0))


def concat(call: Call) -> None:
    if call.opset >= 4 and "axis" not in call.attributes:
        raise NetworkError("attribute axis is missing")
    call.result(L.Concat(call.attributes.integer("axis", 1)), *call.operands(1, max(1, len(call.inputs))))


def slice_(call: Call) -> None:
    """Starts, ends and axes were attributes before opset 10, and there were no steps."""
    x, starts, ends = call.operand(0), _integers(call, "starts", 1, 10), _integers(call, "ends", 2, 10)
    count = len(call.builder.constants[starts]) if starts in call.builder.constants else None
    if call.opset < 10:
        axes = call.attributes.ints("axes", range(count or 0)) or ()
        return call.result(L.Slice(), x, starts, ends, call.constant(np.array(axes, np.int64), "axes"))
    more = [call.operand(3)] if call.has(3) else []
    if call.has(4) and not more:
        more = [call.constant(np.arange(len(call.value(1)), dtype=np.int64), "axes")]
    return call.result(L.Slice(), x, starts, ends, *more, *([call.operand(4)] if call.has(4) else []))


def split(call: Call) -> None:
    """Every part becomes a slice; equal parts are computed from the shape."""
    axis = call.attributes.integer("axis", 0)
    parts = call.attributes.integer("num_outputs", len(call.outputs))
    if parts != len(call.outputs):
        raise NetworkError(f"attribute num_outputs is {parts}, but it has {len(call.outputs)} outputs")
    sizes = _operand_or_attribute(call, "split", 1, operand_since=13)
    if sizes is not None and len(sizes) != parts:
        raise NetworkError(f"split sizes {sizes} do not match its {parts} outputs")
    axes = call.constant(np.array([axis], np.int64), "axes")
    bounds = _equal_bounds(call, axis, parts) if sizes is None else _given_bounds(call, sizes)
    for place, (start, end) in enumerate(pairwise(bounds)):
        if call.outputs[place]:
            call.result(L.Slice(), call.operand(0), start, end, axes, place=place)


def _given_bounds(call: Call, sizes: tuple[int, ...]) -> list[str]:
    return [call.constant(np.array([bound], np.int64), "bound") for bound in (0, *np.cumsum(sizes).tolist())]


def _equal_bounds(call: Call, axis: int, parts: int) -> list[str]:
    def number(value: int) -> str:
        return call.constant(np.array([value], np.int64), "number")

    size = call.emit(L.Shape(axis, axis + 1 or None), call.operand(0))
    share = call.emit(L.Div(), call.emit(L.Add(), size, number(parts - 1)), number(parts))
    return [call.emit(L.Mul(), share, number(i)) for i in range(parts + 1)]


def pad(call: Call) -> None:
    """Pads and value were attributes before opset 11."""
    text = call.attributes.string("mode", "constant", *L.MODES)
    layer = next(L.Pad(mode) for mode in L.MODES if mode == text)
    x = call.operand(0)
    if call.opset < 11:
        pads = _integers(call, "pads" if call.opset > 1 else "paddings", 1, 11)
        return call.result(
            layer, x, pads, call.constant(np.asarray(call.attributes.number("value", 0.0), call.dtype(0)), "value")
        )
    more = [call.operand(2)] if call.has(2) else []
    if call.has(3):
        more = [*(more or [call.constant(np.zeros((), call.dtype(0)), "value")]), call.operand(3)]
    return call.result(layer, x, call.operand(1), *more)


def depth_to_space(call: Call) -> None:
    block = call.attributes.integer("blocksize", 0)
    mode = call.attributes.string("mode", "DCR", "DCR", "CRD")
    call.result(L.DepthToSpace(block, "DCR" if mode == "DCR" else "CRD"), call.operand(0))


def space_to_depth(call: Call) -> None:
    mode = call.attributes.string("mode", "DCR", "DCR", "CRD")
    call.result(L.SpaceToDepth(call.attributes.integer("blocksize", 0), "DCR" if mode == "DCR" else "CRD"), call.operand(0))


def dropout(call: Call) -> None:
    """The identity in inference, and where nothing is dropped; its mask keeps all."""
    call.attributes.ignore("ratio", "seed", "is_test", "consumed_inputs")
    trains = call.has(2) and call.value(2).any()
    if trains and (not call.has(1) or call.value(1).any()):
        raise UnsupportedError("training_mode is true; atrous runs inference only")
    call.result(L.Identity(), call.operand(0))
    if call.wants(1):
        dtype = "bool" if call.opset >= 10 else call.dtype(0)
        call.result(L.ConstantOfShape(1, dtype), call.emit(L.Shape(), call.operand(0)), place=1)


def constant(call: Call) -> None:
    """One of ONNX's spellings: a tensor, a sparse one, or numbers."""
    attributes = call.attributes
    array = None
    if (tensor := attributes.tensor("value")) is not None:
        array = to_array(tensor, call.source)
    elif (sparse := attributes.sparse("sparse_value")) is not None:
        array = sparse_array(sparse, call.source)
    elif "value_float" in attributes:
        array = np.array(attributes.number("value_float", 0.0), np.float32)
    elif "value_int" in attributes:
        array = np.array(attributes.integer("value_int", 0), np.int64)
    elif (floats := attributes.floats("value_floats")) is not None:
        array = np.array(floats, np.float32)
    elif (ints := attributes.ints("value_ints")) is not None:
        array = np.array(ints, np.int64)
    if array is None:
        raise UnsupportedError(
            "a constant must have one of the attributes value, sparse_value, value_float(s), value_int(s); there are no strings"
        )
    call.builder.constant(array, call.outputs[0], exact=True)


def constant_of_shape(call: Call) -> None:
    tensor = call.attributes.tensor("value")
    filled = np.zeros(1, np.float32) if tensor is None else to_array(tensor, call.source)
    if filled.size != 1:
        raise NetworkError(f"attribute value has {filled.size} elements; it must have 1")
    call.result(L.ConstantOfShape(filled.reshape(-1)[0].item(), filled.dtype.name), call.operand(0))


def shape(call: Call) -> None:
    end = call.attributes.integer("end", 0) if "end" in call.attributes else None
    call.result(L.Shape(call.attributes.integer("start", 0), end), call.operand(0))


def gather(call: Call) -> None:
    call.result(L.Gather(call.attributes.integer("axis", 0)), *call.operands(2, 2))


def _plain(layer: Layer, operands: int) -> Rule:
    """An operator without attributes."""

    def rule(call: Call) -> None:
        call.result(layer, *call.operands(operands, operands))

    return rule


RULES: dict[str, Rule] = {
    "Concat": concat,
    "Constant": constant,
    "ConstantOfShape": constant_of_shape,
    "DepthToSpace": depth_to_space,
    "Dropout": dropout,
    "Expand": _plain(L.Expand(), 2),
    "Flatten": flatten,
    "Gather": gather,
    "Pad": pad,
    "Range": _plain(L.Range(), 3),
    "Reshape": reshape,
    "Shape": shape,
    "Size": _plain(L.Size(), 1),
    "Slice": slice_,
    "SpaceToDepth": space_to_depth,
    "Split": split,
    "Squeeze": squeeze,
    "Tile": _plain(L.Tile(), 2),
    "Transpose": transpose,
    "Unsqueeze": unsqueeze,
}
