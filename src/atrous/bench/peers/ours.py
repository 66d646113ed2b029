"""atrous itself: weights packed once, as ``atrous.Conv`` does; weights packed at each call; and whole networks."""

from __future__ import annotations

from typing import Any

import numpy as np

import atrous
from atrous.bench.arrays import aligned, normal
from atrous.bench.model import layer_network
from atrous.bench.tasks import LayerTask, NetworkTask, Ready
from atrous.problem import Problem


def packed(task: LayerTask) -> Ready:
    """A layer whose weights are packed beforehand, between the caller's own arrays."""
    problem, given = task.problem, task.operands()
    y = aligned(problem.output_shape, problem.dtype)
    run: Any
    if problem.transposed:
        run = atrous.compile(layer_network(problem, given), task.threads)
    else:
        options = _options(problem)
        run = atrous.Conv(given.w, given.bias, threads=task.threads, **options)
    return Ready(lambda: run(given.x, out=y), lambda: (y,))


def unpacked(task: LayerTask) -> Ready:
    """``atrous.conv(x, w)``: weights as they come, and a new result each time."""
    problem, given = task.problem, task.operands()
    atrous.set_num_threads(task.threads)
    options = _options(problem)
    if problem.transposed:
        options["output_padding"] = problem.output_padding
    convolve = atrous.conv_transpose if problem.transposed else atrous.conv
    last: list[Any] = []

    def call() -> None:
        last[:] = [convolve(given.x, given.w, given.bias, **options)]

    return Ready(call, lambda: tuple(last))


def _options(problem: Problem) -> dict[str, Any]:
    return {
        "stride": problem.strides,
        "padding": problem.pads,
        "dilation": problem.dilations,
        "groups": problem.groups,
    }


def network(task: NetworkTask) -> Ready:
    """A network from its file, compiled for these threads; results go into arrays that are there."""
    program = atrous.load(task.path).compile(task.threads)
    inputs = [normal(shape, task.dtype, task.seed + i) for i, (_, shape) in enumerate(task.shapes)]
    made = program(*inputs)
    outputs = tuple(np.empty_like(array) for array in (made if isinstance(made, tuple) else (made,)))
    place = outputs if len(outputs) > 1 else outputs[0]
    return Ready(lambda: program(*inputs, out=place), lambda: outputs)


def reference_layer(task: LayerTask) -> Ready:
    """The definition in float64, where there is no PyTorch to ask."""
    problem, given = task.problem, task.operands()
    network = layer_network(problem, given)
    node = network.nodes[0]
    operands = [array.astype(np.float64) for array in (given.x, given.w, given.bias) if array is not None]
    exact = node.layer.evaluate(*operands)
    return Ready(lambda: exact, lambda: (exact,))
