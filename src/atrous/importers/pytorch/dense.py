"""PyTorch's linear layers, matrix products, reductions, softmax and normalisations."""

from __future__ import annotations

import numpy as np

from atrous.errors import UnsupportedError
from atrous.graph import layers as L
from atrous.importers.pytorch.call import Call, Rule


def linear(call: Call) -> str:
    return call.result(L.Linear(), *(call.value(name) for name in ("input", "weight", "bias") if call.has(name)))


def addmm(call: Call) -> str:
    """``bias + x w``."""
    if call["alpha"] != 1 or call["beta"] != 1:
        raise UnsupportedError(f"arguments alpha={call['alpha']}, beta={call['beta']} are not supported; atrous has 1")
    return call.result(L.Add(), call.emit(L.MatMul(), call.value("mat1"), call.value("mat2")), call.value("self"))


def matmul(call: Call) -> str:
    first, second, *_ = call.arguments
    return call.result(L.MatMul(), call.value(first), call.value(second))


def _softmax(call: Call) -> str:
    axis = call["dim"]
    return call.result(L.Softmax(axis, axis), call.value("self"))


def _reduction(layer: type[L.Reduce]) -> Rule:
    """Over one axis, several, or all."""

    def rule(call: Call) -> str:
        axes = call.arguments.get("dim")
        axes = () if axes is None else tuple(axes) if isinstance(axes, list | tuple) else (axes,)
        keep = bool(axes) and bool(call.arguments.get("keepdim"))
        return call.result(layer(axes, keep), call.value("self"))

    return rule


def norm(call: Call) -> str:
    """The L1 or L2 norm over axes."""
    order = call["p"] if call.has("p") else call.arguments.get("ord", 2)
    layers = {1: L.ReduceL1, 2: L.ReduceL2}
    if order not in layers:
        raise UnsupportedError(f"argument p={order} is not supported; atrous has the norms 1 and 2")
    axes = call["dim"]
    axes = () if axes is None else tuple(axes) if isinstance(axes, list | tuple) else (axes,)
    return call.result(layers[order](axes, bool(call["keepdim"])), call.value("self"))


def batch_norm(call: Call) -> str:
    """With the statistics of the training."""
    if call.arguments.get("training"):
        raise UnsupportedError("batch norms in training mode are not supported; call .eval() first")
    x, mean, var = call.value("input"), call.value("running_mean"), call.value("running_var")
    size, dtype = call.builder.fact(mean, "mean").sizes, call.builder.fact(mean, "mean").dtype
    scale = call.value("weight") if call.has("weight") else call.constant(np.ones(size, dtype), "scale")
    bias = call.value("bias") if call.has("bias") else call.constant(np.zeros(size, dtype), "bias")
    return call.result(L.BatchNorm(call["eps"]), x, scale, bias, mean, var)


def weight_norm(call: Call) -> str:
    """``g * v / |v|``, the norm over all axes but one (arXiv:1602.07868); of constants, and so a constant."""
    v, g, axis = call.value("v"), call.value("g"), call["dim"]
    rank = call.rank("v")
    others = tuple(i for i in range(rank) if i != axis % rank)
    size = call.emit(L.ReduceL2(others, True), v)
    return call.result(L.Mul(), call.emit(L.Div(), v, size), g)


#: ATen's operators by name, whatever their overload.
RULES: dict[str, Rule] = {
    "_log_softmax": _softmax,
    "_native_batch_norm_legit_no_training": batch_norm,
    "_softmax": _softmax,
    "_weight_norm": weight_norm,
    "_weight_norm_interface": weight_norm,
    "addmm": addmm,
    "amax": _reduction(L.ReduceMax),
    "amin": _reduction(L.ReduceMin),
    "batch_norm": batch_norm,
    "bmm": matmul,
    "linalg_vector_norm": norm,
    "linear": linear,
    "matmul": matmul,
    "mean": _reduction(L.ReduceMean),
    "mm": matmul,
    "norm": norm,
    "prod": _reduction(L.ReduceProd),
    "softmax": _softmax,
    "sum": _reduction(L.ReduceSum),
}
del RULES["_log_softmax"]  # until there is a layer for it
