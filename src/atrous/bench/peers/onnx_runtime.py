"""ONNX Runtime on the CPU: inputs and outputs bound to arrays once, weights packed when the session starts."""

from __future__ import annotations

from typing import Any

from atrous.bench.arrays import aligned, normal
from atrous.bench.model import layer_model
from atrous.bench.tasks import LayerTask, NetworkTask, Ready
from atrous.graph.fact import Array


def layer(task: LayerTask) -> Ready:
    """The model of one node."""
    problem, given = task.problem, task.operands()
    session = _session(layer_model(problem, given), task.threads)
    return _bound(session, {"x": given.x}, (aligned(problem.output_shape, problem.dtype),))


def network(task: NetworkTask) -> Ready:
    """The file as it is. Outputs are bound to arrays of the shapes that a first run shows."""
    session = _session(task.path, task.threads)
    inputs = {name: normal(shape, task.dtype, task.seed + i) for i, (name, shape) in enumerate(task.shapes)}
    first = session.run(None, inputs)
    return _bound(session, inputs, tuple(aligned(array.shape, array.dtype.name) for array in first))


def _session(model: str | bytes, threads: int) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def _bound(session: Any, inputs: dict[str, Array], outputs: tuple[Array, ...]) -> Ready:
    binding = session.io_binding()
    for name, array in inputs.items():
        binding.bind_input(name, "cpu", 0, array.dtype, array.shape, array.ctypes.data)
    for place, array in zip(session.get_outputs(), outputs, strict=True):
        binding.bind_output(place.name, "cpu", 0, array.dtype, array.shape, array.ctypes.data)
    alive = (inputs, outputs)
    return Ready(lambda: (session.run_with_iobinding(binding), alive), lambda: outputs)
