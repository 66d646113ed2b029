"""What a layer behind a transpose is before it: the same numbers, on axes that lie otherwise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from atrous.geometry import Explicit
from atrous.graph.fact import Array, Fact
from atrous.graph.layer import Layer, Pointwise
from atrous.graph.layers import (
    ArgExtreme,
    Concat,
    Conv,
    Linear,
    LogSoftmax,
    Pad,
    Reduce,
    Slice,
    Softmax,
    Squeeze,
    Standardise,
)

#: Where output axis ``i`` of a transpose comes from: axis ``order[i]``.
Order = tuple[int, ...]
#: Operands in place: the elements of constants, ``None`` for values that are transposed.
Held = tuple[Array | None, ...]


@dataclass(frozen=True, slots=True)
class Lifted:
    """The layer before the transpose, its operands, and the transpose that is left behind it."""

    layer: Layer
    held: Held
    order: Order


def lifted(layer: Layer, order: Order, held: Held) -> Lifted | None:
    """The layer that does before a transpose what this one does after it; ``None`` where there is none that is known.

    All operands that are no constants are transposed so, and have as many axes as ``order``.
    """
    rank, (first, *others) = len(order), held
    if first is None and all(array is not None for array in others):
        found = _of_one(layer, order, [array for array in others if array is not None])
        if found is not None:
            return found
    match layer:
        case Pointwise():
            return Lifted(layer, tuple(_broadcast(array, order) for array in held), order)
        case Concat() if not any(array is not None for array in held):
            return Lifted(replace(layer, axis=order[layer.axis % rank]), held, order)
    return None


def _of_one(layer: Layer, order: Order, others: Sequence[Array]) -> Lifted | None:
    """Layers of one signal and constants."""
    rank = len(order)
    match layer:
        case Standardise():
            held = (None, *(_broadcast(array, order) for array in others))
            return Lifted(replace(layer, axes=_places(layer.axes, order)), held, order)
        case Linear() if rank > 2 and order[-1] == 1:
            ones, (weights, *bias) = (1,) * (rank - 2), others
            return Lifted(
                Conv(ones, ones, ones, Explicit.zeros(rank - 2)), (None, weights.reshape(*weights.shape, *ones), *bias), order
            )
        case Softmax() | LogSoftmax() if layer.first % rank == layer.last % rank:
            axis = order[layer.first % rank]
            return Lifted(replace(layer, first=axis, last=axis), (None,), order)
        case Pad():
            return _pad(layer, order, others)
        case Slice():
            starts, ends, *rest = others
            axes = rest[0].reshape(-1).tolist() if rest else range(starts.size)
            there = np.array([order[axis] for axis in axes], np.int64)
            return Lifted(layer, (None, starts, ends, there, *rest[1:]), order)
    return _fewer(layer, order)


def _fewer(layer: Layer, order: Order) -> Lifted | None:
    """Layers that leave one element of an axis, which stays or goes."""
    rank = len(order)
    match layer:
        case Reduce():
            axes = layer.reduced(rank)
            there: Layer = replace(layer, axes=_places(axes, order))
            return Lifted(there, (None,), order if layer.keepdims else _without(axes, order))
        case ArgExtreme():
            axes = (layer.axis % rank,)
            there = replace(layer, axis=order[layer.axis])
            return Lifted(there, (None,), order if layer.keepdims else _without(axes, order))
        case Squeeze(axes=tuple(axes)):
            return Lifted(replace(layer, axes=_places(axes, order)), (None,), _without([axis % rank for axis in axes], order))
    return None


def _places(axes: Sequence[int], order: Order) -> tuple[int, ...]:
    return tuple(sorted(order[axis] for axis in axes))


def _without(axes: Sequence[int], order: Order) -> Order:
    """The order of the axes that stay, which are numbered anew."""
    kept = [axis for i, axis in enumerate(order) if i not in axes]
    return tuple(sorted(kept).index(axis) for axis in kept)


def _pad(layer: Pad, order: Order, others: Sequence[Array]) -> Lifted:
    pairs = layer.pairs(Fact("", (1,) * len(order)), *map(Fact.of, others))
    there = sorted(zip(order, pairs, strict=True))
    ends = [pair[end] for end in (0, 1) for _, pair in there]
    return Lifted(layer, (None, np.array(ends, np.int64), *others[1:2]), order)


def _broadcast(array: Array | None, order: Order) -> Array | None:
    """A constant that is broadcast to a transposed value, as it is broadcast before the transpose."""
    if array is None or (array.size == 1 and array.ndim <= 1):
        return array
    full = array.reshape((1,) * (len(order) - array.ndim) + array.shape)
    return np.ascontiguousarray(full.transpose(np.argsort(order)))
