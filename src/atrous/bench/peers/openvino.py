"""OpenVINO on the CPU: one stream for latency, no lower precision, inputs and outputs in the caller's arrays."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

from atrous.bench.arrays import aligned, normal
from atrous.bench.model import layer_model
from atrous.bench.tasks import LayerTask, NetworkTask, Ready
from atrous.errors import UnsupportedError
from atrous.graph.fact import Array


def layer(task: LayerTask) -> Ready:
    """The model of one node."""
    problem, given = task.problem, task.operands()
    _check(problem.dtype)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "layer.onnx"
        path.write_bytes(layer_model(problem, given))
        return _bound(_compiled(path, (problem.input_shape,), task.threads), (given.x,))


def network(task: NetworkTask) -> Ready:
    """The file as it is."""
    _check(task.dtype)
    shapes = tuple(shape for _, shape in task.shapes)
    compiled = _compiled(Path(task.path), shapes, task.threads)
    return _bound(compiled, tuple(normal(shape, task.dtype, task.seed + i) for i, shape in enumerate(shapes)))


def _check(dtype: str) -> None:
    if dtype != "float32":
        raise UnsupportedError("OpenVINO's CPU plug-in computes float64 models in float32")


def _compiled(path: Path, shapes: tuple[tuple[int, ...], ...], threads: int) -> Any:
    os.environ.setdefault("OPENVINO_TELEMETRY_DISABLE", "1")
    import openvino

    core = openvino.Core()
    model = core.read_model(path)
    if model.is_dynamic():
        model.reshape(
            {place.any_name: openvino.PartialShape(list(shape)) for place, shape in zip(model.inputs, shapes, strict=True)}
        )
    settings = {
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_PRECISION_HINT": "f32",
        "INFERENCE_NUM_THREADS": threads,
        "NUM_STREAMS": 1,
    }
    return core.compile_model(model, "CPU", settings)


def _bound(compiled: Any, inputs: tuple[Array, ...]) -> Ready:
    """Calls on tensors that share the arrays' memory."""
    import openvino

    request = compiled.create_infer_request()
    for i, array in enumerate(inputs):
        request.set_input_tensor(i, openvino.Tensor(array, shared_memory=True))
    outputs = tuple(aligned(tuple(place.shape), "float32") for place in compiled.outputs)
    for i, array in enumerate(outputs):
        request.set_output_tensor(i, openvino.Tensor(array, shared_memory=True))
    alive = (compiled, inputs)

    def call() -> object:
        request.start_async()
        request.wait()
        return alive

    return Ready(call, lambda: outputs)
