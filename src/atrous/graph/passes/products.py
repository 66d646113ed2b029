"""Products of weights and scales, rounded once from float64 and computed at last, on all cores."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from math import prod
from threading import Thread

import numpy as np

from atrous.graph.fact import Array
from atrous.graph.network import Network
from atrous.target import available_cores

#: Products of fewer elements than this together are not worth a second thread.
_MANY = 2**20
#: Weights, what they are multiplied by, and where the product goes.
Product = tuple[Array, Array, Array]


class Products:
    """Products of weights and scales, in the weights' type, rounded once from float64; computed at last, on all cores.

    Of what a large network takes before its first run, this is a good part. All lie in one array for each type, which a system
    gives in large pages: a few faults instead of thousands. What is never written takes no memory.
    """

    def __init__(self, network: Network) -> None:
        self._room = {
            dtype: np.empty(sum(_stored(array) for array in network.constants.values() if array.dtype == dtype), dtype)
            for dtype in {array.dtype for array in network.constants.values()}
        }
        self._rows: list[Product] = []

    def add(self, weights: Array, scale: Array) -> Array:
        """Where ``weights * scale`` will be, in C order."""
        room = self._room[weights.dtype]
        if room.size < weights.size:  # one constant, scaled for several nodes
            room = np.empty(weights.size, weights.dtype)
        out, self._room[weights.dtype] = room[: weights.size].reshape(weights.shape), room[weights.size :]
        self._rows.append((weights, scale, out))
        return out

    def multiply(self) -> None:
        """Compute them all."""
        count = min(available_cores(), len(self._rows)) if sum(out.size for *_, out in self._rows) >= _MANY else 1
        rest = iter(self._rows)
        helpers = [Thread(target=_each, args=(rest,), daemon=True) for _ in range(count - 1)]
        with contextlib.suppress(RuntimeError):  # a system may refuse threads
            for helper in helpers:
                helper.start()
        _each(rest)
        for helper in helpers:
            if helper.ident is not None:
                helper.join()


def _stored(array: Array) -> int:
    """How many elements a constant has in memory: one number may be repeated to any size."""
    return prod(size for size, step in zip(array.shape, array.strides, strict=True) if step)


def _each(rest: Iterator[Product]) -> None:
    """Those products that no other thread has taken, without a copy of the weights in float64."""
    with np.errstate(all="ignore"):
        for weights, scale, out in rest:
            np.multiply(weights, scale, out=out, casting="same_kind")
