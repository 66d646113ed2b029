"""The arrays of a measurement: the same in every process, from a seed, and aligned as every library likes best."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

import numpy as np

from atrous.graph.fact import Array
from atrous.problem import Problem

LINE = 64


def aligned(shape: tuple[int, ...], dtype: str) -> Array:
    """A new array, not filled, that begins on a cache line.

    >>> aligned((2, 3), "float32").ctypes.data % LINE
    0
    """
    size = prod(shape) * np.dtype(dtype).itemsize
    raw = np.empty(size + LINE, np.uint8)
    start = -int(raw.ctypes.data) % LINE
    return raw[start : start + size].view(dtype).reshape(shape)


def normal(shape: tuple[int, ...], dtype: str, seed: int, deviation: float = 1.0) -> Array:
    """Normal numbers of mean 0, aligned; float64 ones are the float32 ones of the same seed, widened."""
    drawn = np.random.default_rng(seed).standard_normal(shape, dtype=np.float32)
    array = aligned(shape, dtype)
    np.multiply(drawn, np.float32(deviation), out=array, casting="same_kind")
    return array


@dataclass(frozen=True, slots=True)
class Operands:
    """The operands of a convolution: ``x (N, C, *space)``, ``w (K, C/groups, *kernel)`` (transposed ``(C, ...)``), ``bias``."""

    x: Array
    w: Array
    bias: Array | None

    @classmethod
    def of(cls, problem: Problem, seed: int) -> Operands:
        """Signals of deviation 1, and weights that give results of about the same."""
        taps = problem.channels // problem.groups * prod(problem.kernel)
        w = normal(problem.weight_shape, problem.dtype, seed + 1, taps**-0.5)
        bias = normal((problem.filters,), problem.dtype, seed + 2) if problem.bias else None
        return cls(normal(problem.input_shape, problem.dtype, seed), w, bias)
