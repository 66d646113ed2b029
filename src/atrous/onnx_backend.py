"""atrous as a backend of ONNX: what ``onnx.backend.base`` asks for, so that ONNX's own test runner runs it unchanged.

    import atrous.onnx_backend as backend

    rep = backend.prepare(model, "CPU")
    (y,) = rep.run([x])

An input whose elements must be known before a run (a shape, an axis, the weights of a convolution) is taken as a constant of
that run; a run that gives other elements prepares the network anew. 16-bit floats are computed in float32.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx
from onnx import helper
from onnx.backend.base import Backend, BackendRep

from atrous.engine import Program, compile_network
from atrous.errors import ArgumentError, AtrousError
from atrous.graph.fact import Array
from atrous.importers import load

#: Element types that are computed in float32.
_WIDENED = (onnx.TensorProto.FLOAT16, onnx.TensorProto.BFLOAT16)


class Prepared(BackendRep):  # type: ignore[misc]
    """A model that is ready to run: ``run(inputs)`` gives its outputs in order."""

    def __init__(self, model: onnx.ModelProto, threads: int | None = None) -> None:
        self._model, self._threads = model, threads
        held = {tensor.name for tensor in model.graph.initializer}
        self._names = [value.name for value in model.graph.input if value.name not in held]
        self._types = [value.type.tensor_type.elem_type for value in model.graph.output]
        self._program: Program | None = None
        self._fixed: dict[str, Array] = {}

    def run(self, inputs: Any, **_: Any) -> tuple[Array, ...]:
        """The outputs for inputs in order, or by name in a mapping."""
        arrays = {name: _widened(array) for name, array in self._by_name(inputs).items()}
        program = self._prepared(arrays)
        results = program(*(arrays[name] for name in program.network.inputs))
        outputs = results if isinstance(results, tuple) else (results,)
        return tuple(_narrowed(array, code) for array, code in zip(outputs, self._types, strict=True))

    def _by_name(self, inputs: Any) -> dict[str, Array]:
        arrays = (
            list(inputs.items()) if isinstance(inputs, Mapping) else list(zip(self._names, _sequence(inputs), strict=False))
        )
        count = len(inputs) if isinstance(inputs, Mapping) else len(_sequence(inputs))
        if count != len(self._names) or {name for name, _ in arrays} != set(self._names):
            raise ArgumentError(f"inputs: got {count} arrays; the model takes {', '.join(self._names) or 'none'}")
        return {name: np.asarray(array) for name, array in arrays}

    def _prepared(self, arrays: Mapping[str, Array]) -> Program:
        """The program for these arrays: the last one, unless an array differs that it holds as a constant."""
        if self._program is None or not all(_same(array, arrays[name]) for name, array in self._fixed.items()):
            network = load(self._model, arrays)
            self._fixed = {name: array.copy() for name, array in arrays.items() if name not in network.inputs}
            self._program = compile_network(network, self._threads)
        return self._program


class AtrousBackend(Backend):  # type: ignore[misc]
    """Runs ONNX models on the CPU."""

    @classmethod
    def is_compatible(cls, model: onnx.ModelProto, device: str = "CPU", **_: Any) -> bool:
        """Whether the model's operators and types are among those that atrous has."""
        try:
            load(model)
        except AtrousError:
            return False
        return cls.supports_device(device)

    @classmethod
    def prepare(cls, model: onnx.ModelProto, device: str = "CPU", **options: Any) -> Prepared:
        """The model, checked; ``threads`` is how many threads a run uses."""
        super().prepare(model, device)
        if not cls.supports_device(device):
            raise ArgumentError(f"device: got {device!r}; atrous runs on 'CPU'")
        return Prepared(model, options.get("threads"))

    @classmethod
    def run_node(
        cls, node: onnx.NodeProto, inputs: Any, device: str = "CPU", outputs_info: Any = None, **options: Any
    ) -> tuple[Array, ...]:
        """One operator on arrays, in the newest opset unless ``opset_version`` names another one."""
        super().run_node(node, inputs, device, outputs_info, **options)
        given = [np.asarray(array) for array in _sequence(inputs)]
        names = [name for name in node.input if name]
        takes = [
            helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(array.dtype), array.shape)
            for name, array in zip(names, given, strict=True)
        ]
        graph = helper.make_graph([node], node.op_type, takes, [onnx.ValueInfoProto(name=name) for name in node.output if name])
        opset = helper.make_opsetid(node.domain, options.get("opset_version", onnx.defs.onnx_opset_version()))
        model = onnx.shape_inference.infer_shapes(helper.make_model(graph, opset_imports=[opset]))
        return Prepared(model).run(given)

    @classmethod
    def supports_device(cls, device: str) -> bool:
        """Whether it is the CPU."""
        return device.split(":")[0] == "CPU"


def _sequence(inputs: Any) -> Sequence[Any]:
    """The inputs as a sequence; a single array is one input."""
    return inputs if isinstance(inputs, list | tuple) else [inputs]


def _same(one: Array, other: Array) -> bool:
    return one.dtype == other.dtype and np.array_equal(one, other, equal_nan=one.dtype.kind == "f")


def _widened(array: Array) -> Array:
    """16-bit floats as float32."""
    narrow = array.dtype == np.float16 or array.dtype.name == "bfloat16"
    return array.astype(np.float32) if narrow else array


def _narrowed(array: Array, code: int) -> Array:
    """A result as the type that the model declares, where that is a 16-bit float."""
    return array.astype(helper.tensor_dtype_to_np_dtype(code)) if code in _WIDENED else array


is_compatible = AtrousBackend.is_compatible
prepare = AtrousBackend.prepare
run_model = AtrousBackend.run_model
run_node = AtrousBackend.run_node
supports_device = AtrousBackend.supports_device
