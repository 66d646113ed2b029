"""Small ONNX models, written by hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from atrous.graph.fact import Array

Shape = Sequence[int | str | None]


def model(
    nodes: Sequence[onnx.NodeProto],
    opset: int = 21,
    shape: Shape = (2, 4, 9, 8),
    constants: Mapping[str, Array] | None = None,
    outputs: Sequence[str] = ("y",),
    dtype: int = TensorProto.FLOAT,
) -> onnx.ModelProto:
    """A model with one input ``x``."""
    inputs = [helper.make_tensor_value_info("x", dtype, shape)]
    results = [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs]
    tensors = [numpy_helper.from_array(array, name) for name, array in (constants or {}).items()]
    graph = helper.make_graph(list(nodes), "small", inputs, results, tensors)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=min(10, 3 if opset < 9 else 8))


def node(
    operator: str, *inputs: str, outputs: Sequence[str] = ("y",), name: str | None = None, **attributes: object
) -> onnx.NodeProto:
    return helper.make_node(
        operator, list(inputs), list(outputs), name=operator.lower() if name is None else name, **attributes
    )


def ints(*values: int) -> Array:
    return np.array(values, np.int64)
