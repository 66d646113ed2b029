"""Writing networks as ONNX models: one row or small function for each layer."""

from __future__ import annotations

import os
from dataclasses import asdict
from functools import singledispatch
from pathlib import Path

import numpy as np
import onnx
from onnx import helper

from atrous.errors import FileError, UnsupportedError
from atrous.geometry import Explicit, Padding, Same, ToSize
from atrous.geometry.resample import Aspect, Cubic, Nearest, Smooth
from atrous.graph import layers as L
from atrous.graph.fact import Fact
from atrous.graph.facts import infer_facts, trial_facts
from atrous.graph.layer import Fused, Layer
from atrous.graph.network import Network
from atrous.importers.tensors import CODES
from atrous.importers.writer import Writer

#: The versions of the file format, by the newest opset that each goes with.
IR_VERSIONS = {22: 10, 23: 11}

#: Layers that are an ONNX operator with the same operands, and whose attributes have ONNX's names.
PLAIN: dict[type[Layer], str] = {
    L.Abs: "Abs",
    L.Add: "Add",
    L.And: "And",
    L.BatchNorm: "BatchNormalization",
    L.Ceil: "Ceil",
    L.Celu: "Celu",
    L.Concat: "Concat",
    L.Div: "Div",
    L.Elu: "Elu",
    L.Equal: "Equal",
    L.Erf: "Erf",
    L.Exp: "Exp",
    L.Expand: "Expand",
    L.Flatten: "Flatten",
    L.Floor: "Floor",
    L.Gather: "Gather",
    L.Greater: "Greater",
    L.GreaterOrEqual: "GreaterOrEqual",
    L.HardSigmoid: "HardSigmoid",
    L.HardSwish: "HardSwish",
    L.Identity: "Identity",
    L.LRN: "LRN",
    L.LeakyRelu: "LeakyRelu",
    L.Less: "Less",
    L.LessOrEqual: "LessOrEqual",
    L.Log: "Log",
    L.LpNorm: "LpNormalization",
    L.MatMul: "MatMul",
    L.Maximum: "Max",
    L.Minimum: "Min",
    L.Mish: "Mish",
    L.Mul: "Mul",
    L.Neg: "Neg",
    L.Not: "Not",
    L.Or: "Or",
    L.PRelu: "PRelu",
    L.Pad: "Pad",
    L.Pow: "Pow",
    L.Range: "Range",
    L.Reciprocal: "Reciprocal",
    L.Relu: "Relu",
    L.Round: "Round",
    L.Selu: "Selu",
    L.Shape: "Shape",
    L.Sigmoid: "Sigmoid",
    L.Sign: "Sign",
    L.Size: "Size",
    L.Slice: "Slice",
    L.Softplus: "Softplus",
    L.Softsign: "Softsign",
    L.Sqrt: "Sqrt",
    L.Sub: "Sub",
    L.Tanh: "Tanh",
    L.ThresholdedRelu: "ThresholdedRelu",
    L.Tile: "Tile",
    L.Transpose: "Transpose",
    L.Where: "Where",
    L.Xor: "Xor",
}

#: Reductions, whose axes are an operand.
REDUCTIONS: dict[type[Layer], str] = {
    L.ReduceL1: "ReduceL1",
    L.ReduceL2: "ReduceL2",
    L.ReduceMax: "ReduceMax",
    L.ReduceMean: "ReduceMean",
    L.ReduceMin: "ReduceMin",
    L.ReduceProd: "ReduceProd",
    L.ReduceSum: "ReduceSum",
}


def to_onnx(network: Network) -> onnx.ModelProto:
    """The network as an ONNX model, in opset 21 (23 where a layer needs it).

    Symbolic sizes become ``dim_param``; fused layers are written apart.

    Raises ``UnsupportedError`` for a layer that ONNX cannot say.
    """
    concrete = all(fact.concrete for fact in network.inputs.values())
    facts = infer_facts(network, network.inputs) if concrete else trial_facts(network)
    writer = Writer(network, facts, concrete)
    for node in network.nodes:
        try:
            write(node.layer, writer, list(node.inputs), node.output)
        except UnsupportedError as error:
            raise UnsupportedError(f"node {node.name!r} ({type(node.layer).__name__}): {error}") from None
    outputs = [_given_out(writer, network, name) for name in network.outputs]
    inputs = [helper.make_tensor_value_info(name, CODES[fact.dtype], fact.shape) for name, fact in network.inputs.items()]
    results = [_result(name, facts.get(source), concrete) for name, source in zip(outputs, network.outputs, strict=True)]
    graph = helper.make_graph(writer.nodes, network.name, inputs, results, writer.initializers)
    versions = [helper.make_opsetid("", writer.opset)]
    form = next(form for opset, form in IR_VERSIONS.items() if writer.opset <= opset)
    return helper.make_model(graph, opset_imports=versions, ir_version=form, producer_name="atrous")


def _given_out(writer: Writer, network: Network, name: str) -> str:
    """The name of an output, through an Identity where it is an input or a constant, which ONNX does not allow."""
    if name in network.inputs or name in network.constants:
        return writer.step("Identity", [name], f"{name}/output")
    return name


def _result(name: str, fact: Fact | None, concrete: bool) -> onnx.ValueInfoProto:
    if fact is None:
        return helper.make_tensor_value_info(name, CODES["float32"], None)
    return helper.make_tensor_value_info(name, CODES[fact.dtype], fact.sizes if concrete else [None] * fact.rank)


def save(network: Network, path: str | os.PathLike[str]) -> None:
    """Write the network as an ONNX file, whole or not at all; an existing file is replaced.

    Raises ``FileError`` when the file cannot be written or the model exceeds the 2 GB that an ONNX file can hold.
    """
    target = Path(path)
    beside = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        data = to_onnx(network).SerializeToString()
    except ValueError:
        raise FileError(f"{target}: the model exceeds the 2 GB that one ONNX file can hold") from None
    try:
        beside.write_bytes(data)
        beside.replace(target)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise FileError(f"{target}: cannot be written: {error.strerror or error}") from None


@singledispatch
def write(layer: Layer, writer: Writer, inputs: list[str], output: str) -> None:
    """Add the ONNX nodes of one layer."""
    if type(layer) in REDUCTIONS and isinstance(layer, L.Reduce):
        axes = [writer.integers(layer.axes, f"{output}/axes")] if layer.axes else []
        return writer.node(REDUCTIONS[type(layer)], [*inputs, *axes], output, keepdims=int(layer.keepdims))
    if type(layer) not in PLAIN:
        raise UnsupportedError("ONNX has no operator for this layer")
    attributes = {key: list(value) if isinstance(value, tuple) else value for key, value in asdict(layer).items()}  # type: ignore[call-overload]
    return writer.node(PLAIN[type(layer)], inputs, output, **attributes)


@write.register
def _(layer: Fused, writer: Writer, inputs: list[str], output: str) -> None:
    values = [writer.fresh(f"{output}/body{i}") for i in range(len(layer.steps))] + [output]
    write_body, rest = inputs[: layer.operands], inputs[layer.operands :]
    shape = layer.body.infer(*(writer.facts[name] for name in write_body))
    writer.facts = {**writer.facts, **dict.fromkeys(values[:-1], shape)}
    write(layer.body, writer, write_body, values[0])
    for step, before, after in zip(layer.steps, values, values[1:], strict=False):
        taken, rest = rest[: step.extra], rest[step.extra :]
        write(step.layer, writer, [*taken[: step.position], before, *taken[step.position :]], after)


def _padding(padding: Padding) -> dict[str, object]:
    match padding:
        case Explicit(pairs=pairs):
            return {"pads": [lo for lo, _ in pairs] + [hi for _, hi in pairs]}
        case Same(upper=upper):
            return {"auto_pad": "SAME_UPPER" if upper else "SAME_LOWER"}
        case ToSize(outputs=outputs, upper=upper):
            return {"output_shape": list(outputs), "auto_pad": "SAME_UPPER" if upper else "NOTSET"}
    raise UnsupportedError(f"ONNX cannot say the padding {padding!r}")


def windows(layer: L.Conv | L.ConvTranspose | L.Pool) -> dict[str, object]:
    """Kernel, strides, dilations and padding as ONNX's attributes."""
    # AveragePool has dilations since opset 19 only: they are left out where they say nothing.
    dilations = list(layer.dilations) if any(dilation > 1 for dilation in layer.dilations) else None
    sizes = {"kernel_shape": list(layer.kernel), "strides": list(layer.strides), "dilations": dilations}
    return {**sizes, **_padding(layer.padding)}


@write.register
def _(layer: L.Conv, writer: Writer, inputs: list[str], output: str) -> None:
    writer.node("Conv", inputs, output, group=layer.groups, **windows(layer))


@write.register
def _(layer: L.ConvTranspose, writer: Writer, inputs: list[str], output: str) -> None:
    extra = list(layer.output_padding)
    writer.node("ConvTranspose", inputs, output, group=layer.groups, output_padding=extra, **windows(layer))


@write.register
def _(layer: L.Linear, writer: Writer, inputs: list[str], output: str) -> None:
    if inputs[0] in writer.facts and writer.facts[inputs[0]].rank == 2:
        return writer.node("Gemm", inputs, output, transB=1)
    turned = writer.step("Transpose", [inputs[1]], f"{output}/transposed", perm=[1, 0])
    if len(inputs) == 2:
        return writer.node("MatMul", [inputs[0], turned], output)
    product = writer.step("MatMul", [inputs[0], turned], f"{output}/product")
    return writer.node("Add", [product, inputs[2]], output)


@write.register
def _(layer: L.Softmax, writer: Writer, inputs: list[str], output: str) -> None:
    merged("Softmax", layer, writer, inputs, output)


def merged(operator: str, layer: L.Softmax | L.LogSoftmax, writer: Writer, inputs: list[str], output: str) -> None:
    """A joint softmax is one over merged axes, which ONNX can merge at the end only."""
    if layer.first == layer.last:
        return writer.node(operator, inputs, output, axis=layer.first)
    axes = layer.axes(writer.facts[inputs[0]].rank) if inputs[0] in writer.facts else ()
    if not axes or (layer.last != -1 and axes[-1] != writer.facts[inputs[0]].rank - 1):
        raise UnsupportedError(f"ONNX cannot say a softmax over the axes {layer.first} to {layer.last}")
    together = writer.integers([0] * axes[0] + [-1], f"{output}/merged")
    flat = writer.step("Reshape", [inputs[0], together], f"{output}/flat")
    soft = writer.step(operator, [flat], f"{output}/soft", axis=-1)
    return writer.node("Reshape", [soft, writer.step("Shape", inputs, f"{output}/shape")], output)


@write.register
def _(layer: L.ArgExtreme, writer: Writer, inputs: list[str], output: str) -> None:
    operator = "ArgMax" if isinstance(layer, L.ArgMax) else "ArgMin"
    keep, last = int(layer.keepdims), int(layer.last)
    writer.node(operator, inputs, output, axis=layer.axis, keepdims=keep, select_last_index=last)


@write.register
def _(layer: L.Clip, writer: Writer, inputs: list[str], output: str) -> None:
    dtype = writer.facts[inputs[0]].dtype if inputs[0] in writer.facts else "float32"
    bounds = ["" if x is None else writer.constant(np.asarray(x, dtype), f"{output}/bound") for x in (layer.low, layer.high)]
    writer.node("Clip", [*inputs, *bounds], output)


@write.register
def _(layer: L.Swish, writer: Writer, inputs: list[str], output: str) -> None:
    dtype = writer.facts[inputs[0]].dtype if inputs[0] in writer.facts else "float32"
    scaled = writer.step("Mul", [*inputs, writer.constant(np.asarray(layer.alpha, dtype), "alpha")], f"{output}/scaled")
    writer.node("Mul", [*inputs, writer.step("Sigmoid", [scaled], f"{output}/sigmoid")], output)


@write.register
def _(layer: L.Gelu, writer: Writer, inputs: list[str], output: str) -> None:
    writer.node("Gelu", inputs, output, approximate="tanh" if layer.approximate else "none")


@write.register
def _(layer: L.Cast, writer: Writer, inputs: list[str], output: str) -> None:
    writer.node("Cast", inputs, output, to=CODES[layer.dtype])


@write.register
def _(layer: L.Reshape, writer: Writer, inputs: list[str], output: str) -> None:
    writer.node("Reshape", inputs, output, allowzero=int(layer.allowzero))


@write.register
def _(layer: L.Squeeze, writer: Writer, inputs: list[str], output: str) -> None:
    axes = [] if layer.axes is None else [writer.integers(layer.axes, f"{output}/axes")]
    writer.node("Squeeze", [*inputs, *axes], output)


@write.register
def _(layer: L.Unsqueeze, writer: Writer, inputs: list[str], output: str) -> None:
    writer.node("Unsqueeze", [*inputs, writer.integers(layer.axes, f"{output}/axes")], output)


@write.register
def _(layer: L.DepthToSpace, writer: Writer, inputs: list[str], output: str) -> None:
    writer.node("DepthToSpace", inputs, output, blocksize=layer.block, mode=layer.mode)


@write.register
def _(layer: L.SpaceToDepth, writer: Writer, inputs: list[str], output: str) -> None:
    if layer.mode == "DCR":
        return writer.node("SpaceToDepth", inputs, output, blocksize=layer.block)
    # Before opset 28 there is no other mode: the channels are put in order afterwards.
    fact = writer.facts[inputs[0]]
    places, depth = layer.block ** (fact.rank - 2), fact.sizes[1]
    order = [place * depth + channel for channel in range(depth) for place in range(places)]
    moved = writer.step("SpaceToDepth", inputs, f"{output}/moved", blocksize=layer.block)
    return writer.node("Gather", [moved, writer.integers(order, f"{output}/order")], output, axis=1)


@write.register
def _(layer: L.ConstantOfShape, writer: Writer, inputs: list[str], output: str) -> None:
    value = helper.make_tensor("value", CODES[layer.dtype], [1], [layer.value])
    writer.node("ConstantOfShape", inputs, output, value=value)


@write.register
def _(layer: L.Resize, writer: Writer, inputs: list[str], output: str) -> None:
    x, goal = inputs
    if goal not in writer.facts:
        raise UnsupportedError(f"the type of {goal!r} is not known; specialise the network first")
    scaled = np.issubdtype(np.dtype(writer.facts[goal].dtype), np.floating)
    smooth = layer.filter if isinstance(layer.filter, Smooth) else None
    nearest = layer.filter if isinstance(layer.filter, Nearest) else None
    cubic = layer.filter if isinstance(layer.filter, Cubic) else None
    roi, mode = "", str(layer.coordinates)
    if isinstance(layer.coordinates, tuple):
        ends = [float(end) for end in (*(c.start for c in layer.coordinates), *(c.end for c in layer.coordinates))]
        roi, mode = writer.constant(np.array(ends, np.float32), f"{output}/roi"), "tf_crop_and_resize"
    writer.node(
        "Resize",
        [x, roi, goal] if scaled else [x, roi, "", goal],
        output,
        mode="nearest" if nearest else "cubic" if cubic else "linear",
        nearest_mode=str(nearest.rounding) if nearest else None,
        cubic_coeff_a=float(cubic.coefficient) if cubic else None,
        exclude_outside=int(smooth.exclude_outside) if smooth else None,
        antialias=1 if smooth and smooth.antialias else None,
        coordinate_transformation_mode=mode,
        keep_aspect_ratio_policy=None if layer.aspect is Aspect.stretch else str(layer.aspect),
        axes=None if layer.axes is None else list(layer.axes),
    )
