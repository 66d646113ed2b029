"""One layer as a network, and as the ONNX model that peers run."""

from __future__ import annotations

from atrous.bench.arrays import Operands
from atrous.geometry.padding import Explicit
from atrous.graph.fact import Fact
from atrous.graph.layers import Conv, ConvTranspose
from atrous.graph.network import Network, Node
from atrous.importers import to_onnx
from atrous.problem import Problem


def layer_network(problem: Problem, operands: Operands) -> Network:
    """The network of one convolution: input ``x``, output ``y``, the weights as constants."""
    common = (problem.kernel, problem.strides, problem.dilations, Explicit(problem.pads))
    layer: Conv | ConvTranspose
    if problem.transposed:
        layer = ConvTranspose(*common, problem.output_padding, problem.groups)
    else:
        layer = Conv(*common, problem.groups)
    constants = {"w": operands.w} | ({} if operands.bias is None else {"bias": operands.bias})
    node = Node("conv", layer, ("x", *constants), "y")
    return Network("layer", {"x": Fact(problem.dtype, problem.input_shape)}, ("y",), (node,), constants)


def layer_model(problem: Problem, operands: Operands) -> bytes:
    """The same as the bytes of an ONNX model."""
    return bytes(to_onnx(layer_network(problem, operands)).SerializeToString())
