"""Writing pools, the places of their maxima, and unpooling."""

from __future__ import annotations

from onnx import helper

from atrous.errors import UnsupportedError
from atrous.geometry import Explicit
from atrous.graph import layers as L
from atrous.importers.writer import Writer
from atrous.importers.writing import windows, write


@write.register
def _(layer: L.MaxPool, writer: Writer, inputs: list[str], output: str) -> None:
    writer.node("MaxPool", inputs, output, ceil_mode=int(layer.ceil), **windows(layer))


@write.register
def _(layer: L.MaxPoolIndices, writer: Writer, inputs: list[str], output: str) -> None:
    """The second output of a pool, whose first nobody reads."""
    order, ceil = int(layer.column_major), int(layer.ceil)
    outputs = [writer.fresh(f"{output}/largest"), output]
    given = {key: value for key, value in windows(layer).items() if value is not None}
    writer.nodes.append(helper.make_node("MaxPool", inputs, outputs, output, ceil_mode=ceil, storage_order=order, **given))


@write.register
def _(layer: L.MaxUnpool, writer: Writer, inputs: list[str], output: str) -> None:
    """Sizes that a padding rule gives are written as those of another kernel, or of one element and more padding."""
    if isinstance(layer.padding, Explicit):
        low, high = zip(*layer.padding.pairs, strict=True)
        sizes = {"kernel_shape": list(layer.kernel), "pads": [*low, *high]}
        return writer.node("MaxUnpool", inputs, output, strides=list(layer.strides), **sizes)
    if not writer.exact:
        raise UnsupportedError("its result has sizes of its own, which ONNX cannot say for open sizes; specialise the network")
    facts = [writer.facts[name] for name in inputs]
    spans = [(size - 1) * stride for size, stride in zip(facts[0].sizes[2:], layer.strides, strict=True)]
    wanted = layer.infer(*facts).sizes[2:]
    kernel = [max(1, size - span) for size, span in zip(wanted, spans, strict=True)]
    pads = [span + taps - size for size, span, taps in zip(wanted, spans, kernel, strict=True)]
    pads = [0] * len(pads) + pads
    return writer.node("MaxUnpool", inputs, output, strides=list(layer.strides), kernel_shape=kernel, pads=pads)


@write.register
def _(layer: L.LpPool, writer: Writer, inputs: list[str], output: str) -> None:
    writer.node("LpPool", inputs, output, ceil_mode=int(layer.ceil), p=layer.p, **windows(layer))


@write.register
def _(layer: L.AveragePool, writer: Writer, inputs: list[str], output: str) -> None:
    padded = int(layer.count_include_pad)
    writer.node("AveragePool", inputs, output, ceil_mode=int(layer.ceil), count_include_pad=padded, **windows(layer))
