"""JAX (XLA) on the CPU: one jitted function, channels first or last, on arrays that are there."""

from __future__ import annotations

from typing import Any

import numpy as np

from atrous.bench.tasks import LayerTask, Ready
from atrous.problem import Problem


def channels_first(task: LayerTask) -> Ready:
    """Signals ``(N, C, *space)``."""
    return _layer(task, near=False)


def channels_last(task: LayerTask) -> Ready:
    """Signals ``(N, *space, C)`` and weights ``(*kernel, C/groups, K)``, put there beforehand."""
    return _layer(task, near=True)


def _layer(task: LayerTask, near: bool) -> Ready:
    import jax

    problem, given = task.problem, task.operands()
    jax.config.update("jax_platforms", "cpu")
    jax.config.update("jax_enable_x64", problem.dtype == "float64")
    x, w = given.x, _plain_weights(problem, given.w)
    if near:
        x, w = np.moveaxis(x, 1, -1), np.moveaxis(w, (0, 1), (-1, -2))
    run = jax.jit(_function(problem, near))
    operands = [jax.device_put(np.ascontiguousarray(each)) for each in (x, w)]
    operands.append(None if given.bias is None else jax.device_put(given.bias))
    last: list[Any] = []

    def call() -> None:
        last[:] = [run(*operands).block_until_ready()]

    def results() -> tuple[Any, ...]:
        made = np.asarray(last[0])
        return (np.moveaxis(made, -1, 1) if near else made,)

    return Ready(call, results)


def _plain_weights(problem: Problem, w: Any) -> Any:
    """Weights ``(K, C/groups, *kernel)`` of the ordinary convolution that a transposed one is on a spread signal."""
    if not problem.transposed:
        return w
    first, second, *kernel = w.shape
    grouped = w.reshape(problem.groups, first // problem.groups, second, *kernel).swapaxes(1, 2)
    return np.flip(grouped.reshape(problem.filters, first // problem.groups, *kernel), tuple(range(2, w.ndim)))


def _function(problem: Problem, near: bool) -> Any:
    from jax import lax

    space = "DHW"[3 - problem.axes :]
    names = (f"N{space}C", f"{space}IO", f"N{space}C") if near else (f"NC{space}", f"OI{space}", f"NC{space}")
    dimensions = lax.conv_dimension_numbers((1,) * (problem.axes + 2), (1,) * (problem.axes + 2), names)
    options: dict[str, Any] = {"window_strides": problem.strides, "padding": problem.pads}
    if problem.transposed:
        reach = [dilation * (size - 1) for size, dilation in zip(problem.kernel, problem.dilations, strict=True)]
        ends = zip(reach, problem.pads, problem.output_padding, strict=True)
        options = {
            "window_strides": (1,) * problem.axes,
            "padding": [(far - lo, far - hi + extra) for far, (lo, hi), extra in ends],
            "lhs_dilation": problem.strides,
        }

    def run(x: Any, w: Any, bias: Any) -> Any:
        y = lax.conv_general_dilated(
            x,
            w,
            rhs_dilation=problem.dilations,
            dimension_numbers=dimensions,
            feature_group_count=problem.groups,
            precision=lax.Precision.HIGHEST,
            **options,
        )
        return y if bias is None else y + (bias if near else bias.reshape(-1, *(1,) * problem.axes))

    return run
