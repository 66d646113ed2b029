"""Writing normalisations and log-softmaxes: as the ONNX operator where there is one, else as what it consists of."""

from __future__ import annotations

import numpy as np

from atrous.errors import UnsupportedError
from atrous.graph import layers as L
from atrous.importers.normalisation import MVN_EPSILON
from atrous.importers.writer import Writer
from atrous.importers.writing import merged, write


@write.register
def _(layer: L.Standardise, writer: Writer, inputs: list[str], output: str) -> None:
    """Over the last axes and scaled, a layer or root-mean-square norm; with ONNX's epsilon and nothing else, a plain one."""
    rank = writer.facts[inputs[0]].rank if inputs[0] in writer.facts else 0
    trailing = layer.axes == tuple(range(layer.axes[0], rank)) and len(inputs) > 1
    if trailing and layer.centred:
        return writer.node("LayerNormalization", inputs, output, axis=layer.axes[0], epsilon=layer.epsilon)
    if trailing and len(inputs) == 2:
        writer.require(23)
        return writer.node("RMSNormalization", inputs, output, axis=layer.axes[0], epsilon=layer.epsilon)
    if len(inputs) == 1 and layer.centred and layer.epsilon == MVN_EPSILON:
        return writer.node("MeanVarianceNormalization", inputs, output, axes=list(layer.axes))
    return _apart(layer, writer, inputs, output)


def _apart(layer: L.Standardise, writer: Writer, inputs: list[str], output: str) -> None:
    if inputs[0] not in writer.facts:
        raise UnsupportedError(f"the type of {inputs[0]!r} is not known; specialise the network first")
    x, *rest = inputs
    axes = writer.integers(layer.axes, f"{output}/axes")
    if layer.centred:
        x = writer.step("Sub", [x, writer.step("ReduceMean", [x, axes], f"{output}/mean")], f"{output}/centred")
    square = writer.step("Mul", [x, x], f"{output}/square")
    variance = writer.step("ReduceMean", [square, axes], f"{output}/variance")
    epsilon = writer.constant(np.asarray(layer.epsilon, writer.facts[inputs[0]].dtype), f"{output}/epsilon")
    deviation = writer.step("Sqrt", [writer.step("Add", [variance, epsilon], f"{output}/damped")], f"{output}/deviation")
    steps = [("Div", deviation), *zip(("Mul", "Add"), rest, strict=False)]
    for operator, operand in steps[:-1]:
        x = writer.step(operator, [x, operand], f"{output}/standardised")
    writer.node(steps[-1][0], [x, steps[-1][1]], output)


@write.register
def _(layer: L.GroupNorm, writer: Writer, inputs: list[str], output: str) -> None:
    if layer.groups is None:
        return writer.node("InstanceNormalization", inputs, output, epsilon=layer.epsilon)
    return writer.node("GroupNormalization", inputs, output, num_groups=layer.groups, epsilon=layer.epsilon)


@write.register
def _(layer: L.ReduceMeanSquare, writer: Writer, inputs: list[str], output: str) -> None:
    square = writer.step("Mul", [inputs[0], inputs[0]], f"{output}/square")
    axes = [writer.integers(layer.axes, f"{output}/axes")] if layer.axes else []
    writer.node("ReduceMean", [square, *axes], output, keepdims=int(layer.keepdims))


@write.register
def _(layer: L.LogSoftmax, writer: Writer, inputs: list[str], output: str) -> None:
    merged("LogSoftmax", layer, writer, inputs, output)
