"""Nodes that are maps ``y -> a*y + c`` with constants for each channel, as those numbers in float64."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from atrous.graph.fact import Array
from atrous.graph.layer import Layer
from atrous.graph.layers import Add, BatchNorm, Div, Mul, Neg, Sub
from atrous.graph.network import Node

#: The layers that may be such maps.
MAPS = (Add, BatchNorm, Div, Mul, Neg, Sub)
#: ``(a, c)`` of ``y -> a*y + c``, one number for each channel, or one for all.
Affine = tuple[Array, Array]
#: Of a value: how many axes it has, which one the channels are on, and how many channels there are.
Form = tuple[int, int, int]


def affine_of(node: Node, value: str, constants: Mapping[str, Array], form: Form) -> Affine | None:
    """``(a, c)`` of a node as a map of ``value``; ``None`` when it is something else."""
    others = [constants[name] for name in node.inputs if name in constants]
    if isinstance(node.layer, BatchNorm):
        on_channels = node.inputs[0] == value and form[1] == 1 and len(others) == 4
        return statistics(node.layer, others) if on_channels else None
    if isinstance(node.layer, Neg):
        return np.array(-1.0), np.array(0.0)
    if len(node.inputs) != 2 or len(others) != 1:
        return None
    number = per_channel(others[0], *form)
    return None if number is None else _arithmetic(node.layer, number, first=node.inputs[0] == value)


def _arithmetic(layer: Layer, number: Array, first: bool) -> Affine | None:
    one, zero = np.array(1.0), np.array(0.0)
    match layer:
        case Add():
            return one, number
        case Mul():
            return number, zero
        case Sub():
            return (one, -number) if first else (-one, number)
        case Div() if first and np.all(number):
            return 1 / number, zero
    return None


def statistics(layer: BatchNorm, operands: list[Array]) -> Affine | None:
    """A batch norm as scale and shift."""
    scale, bias, mean, var = (array.astype(np.float64) for array in operands)
    if np.any(var + layer.epsilon <= 0):
        return None
    factor = scale / np.sqrt(var + layer.epsilon)
    return factor, bias - mean * factor


def per_channel(constant: Array, rank: int, axis: int, channels: int) -> Array | None:
    """A constant as one number for each channel, when it broadcasts so to a value of this rank."""
    if constant.ndim > rank or not np.issubdtype(constant.dtype, np.floating):
        return None
    shape = (1,) * (rank - constant.ndim) + constant.shape
    if any(size != 1 for i, size in enumerate(shape) if i != axis) or shape[axis] not in (1, channels):
        return None
    return constant.reshape(-1).astype(np.float64)
