"""SciPy, for signals of one channel: by overlapping Fourier transforms or by sums, whichever is faster."""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter
from typing import Any

import numpy as np

from atrous.bench.tasks import LayerTask, Ready
from atrous.errors import UnsupportedError
from atrous.problem import Problem


def layer(task: LayerTask) -> Ready:
    """A filter after the other; both ways are tried once, and the faster one is measured."""
    problem, given = task.problem, task.operands()
    _check(problem)
    signal = np.pad(given.x[0, 0], problem.pads)
    bias = np.zeros(problem.filters, problem.dtype) if given.bias is None else given.bias
    y = np.empty(problem.output_shape, problem.dtype)

    def call_with(way: Callable[[Any, Any], Any]) -> Callable[[], None]:
        def call() -> None:
            for k in range(problem.filters):
                np.add(way(signal, given.w[k, 0]), bias[k], out=y[0, k])

        return call

    calls = [call_with(way) for way in (_by_transforms, _by_sums)]
    return Ready(min(calls, key=_seconds), lambda: (y,))


def _check(problem: Problem) -> None:
    if problem.transposed or problem.channels != 1 or problem.batch != 1:
        raise UnsupportedError("SciPy convolves one channel of one signal")
    if set(problem.strides) | set(problem.dilations) != {1}:
        raise UnsupportedError("SciPy has no strides and no dilations")
    if any(side < 0 for pair in problem.pads for side in pair):
        raise UnsupportedError("SciPy has no padding below zero")


def _by_transforms(signal: Any, kernel: Any) -> Any:
    from scipy.signal import oaconvolve

    return oaconvolve(signal, np.flip(kernel), mode="valid")


def _by_sums(signal: Any, kernel: Any) -> Any:
    """``ndimage`` keeps the size: what the frame made is cut off."""
    from scipy import ndimage

    whole = ndimage.correlate(signal, kernel, mode="constant")
    ends = zip(signal.shape, kernel.shape, strict=True)
    return whole[tuple(slice(size // 2, size // 2 + n - size + 1) for n, size in ends)]


def _seconds(call: Callable[[], None]) -> float:
    call()
    begin = perf_counter()
    call()
    return perf_counter() - begin
