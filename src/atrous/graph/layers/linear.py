"""Dense linear maps: the fully connected layer and the batched matrix product."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np

from atrous.errors import NetworkError
from atrous.geometry import SAME, Pull, Whole
from atrous.graph.fact import Array, Fact
from atrous.graph.layer import Layer, broadcast, broadcast_reads, whole
from atrous.graph.layers import check


@final
@dataclass(frozen=True, slots=True)
class Linear(Layer):
    """A fully connected layer ``(x, w[, bias])``: x ``(..., C)``, w ``(K, C)``, bias ``(K,)`` to ``(..., K)``."""

    linear: ClassVar[bool] = True
    together: ClassVar[tuple[int, ...]] = (-1,)
    trained: ClassVar[tuple[int, ...]] = (1, 2)
    fixed: ClassVar[tuple[int, ...]] = (1, 2)

    def affine(self, *moving: int) -> bool:
        return not {0, 1} <= set(moving)

    def infer(self, *operands: Fact) -> Fact:
        check.arity(operands, 2, 3)
        check.same_dtype(*operands)
        x, w, *bias = operands
        check.rank(w, "weights", 2)
        if x.rank < 1 or x.sizes[-1] != w.sizes[1]:
            raise NetworkError(f"input {x!r} does not fit weights {w!r}: its last axis must have {w.sizes[1]} elements")
        for fact in bias:
            check.shape(fact, "bias", (w.sizes[0],))
        return Fact(x.dtype, (*x.sizes[:-1], w.sizes[0]))

    def reads(self, *operands: Fact) -> tuple[tuple[Pull, ...], ...]:
        x, w, *bias = operands
        last = x.rank - 1
        rows = tuple(Pull(i, SAME) for i in range(last))
        signal = (*rows, Pull(last, Whole(x.sizes[-1])))
        return (signal, (Pull(last, SAME), Pull(last, Whole(w.sizes[1]))), *((Pull(last, SAME),) for _ in bias))

    def evaluate(self, *operands: Array) -> Array:
        x, w, *bias = (array.astype(np.float64) for array in operands)
        result = x @ w.T
        return (result + bias[0] if bias else result).astype(operands[0].dtype)

    def macs(self, output: Fact, *operands: Fact) -> int:
        return output.count * operands[1].sizes[1]


@final
@dataclass(frozen=True, slots=True)
class MatMul(Layer):
    """The matrix product ``x @ y`` over the last two axes, the others broadcast, as ``numpy.matmul`` has it."""

    linear: ClassVar[bool] = True
    local: ClassVar[bool] = False
    trained: ClassVar[tuple[int, ...]] = (0, 1)

    def affine(self, *moving: int) -> bool:
        return len(moving) <= 1

    def infer(self, *operands: Fact) -> Fact:
        check.arity(operands, 2)
        check.same_dtype(*operands)
        x, y = operands
        if not x.rank or not y.rank or x.sizes[-1] != y.sizes[max(0, y.rank - 2)]:
            raise NetworkError(
                f"operands {x!r} and {y!r} do not multiply: the last axis of one must be the last but one of the other"
            )
        batch = broadcast([Fact(x.dtype, x.sizes[:-2]), Fact(y.dtype, y.sizes[:-2])])
        rows, columns = x.sizes[-2:-1], y.sizes[-1:] if y.rank > 1 else ()
        return Fact(x.dtype, (*batch, *rows, *columns))

    def reads(self, *operands: Fact) -> tuple[tuple[Pull, ...], ...]:
        x, y = operands
        out = self.infer(x, y)
        rows, columns = min(1, x.rank - 1), min(1, y.rank - 1)
        lead = out.rank - rows - columns
        batch = out.sizes[:lead]
        ours = (*broadcast_reads(batch, Fact(x.dtype, x.sizes[:-2])), *(Pull(lead, SAME) for _ in range(rows)))
        theirs = broadcast_reads(batch, Fact(y.dtype, y.sizes[:-2]))
        inner = whole(Fact(x.dtype, x.sizes[-1:]))
        return (*ours, *inner), (*theirs, *inner, *(Pull(out.rank - 1, SAME) for _ in range(columns)))

    def evaluate(self, *operands: Array) -> Array:
        x, y = operands
        if np.issubdtype(x.dtype, np.floating):
            return np.asarray(x.astype(np.float64) @ y.astype(np.float64)).astype(x.dtype)
        return np.asarray(x @ y)

    def macs(self, output: Fact, *operands: Fact) -> int:
        return output.count * operands[0].sizes[-1]
