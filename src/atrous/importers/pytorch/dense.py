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


def _softmax(layer: type[L.Softmax] | type[L.LogSoftmax]) -> Rule:
    def rule(call: Call) -> str:
        axis = call["dim"]
        return call.result(layer(axis, axis), call.value("self"))

    return rule


def _reduction(layer: type[L.Reduce]) -> Rule:
    """Over one axis, several, or all."""

    def rule(call: Call) -> str:
        axes = call.arguments.get("dim")
        axes = () if axes is None else tuple(axes) if isinstance(axes, list | tuple) else (axes,)
        keep = bool(axes) and bool(call.arguments.get("keepdim"))
        return call.result(layer(axes, keep), call.value("self"))

    return rule


def _arg_extreme(layer: type[L.ArgMax] | type[L.ArgMin]) -> Rule:
    """Along one axis; of all elements where none is named."""

    def rule(call: Call) -> str:
        x, axis = call.value("self"), call["dim"]
        if axis is None:
            flat = call.emit(L.Reshape(), x, call.indices([-1], "flat"))
            return call.result(layer(0, False), flat)
        return call.result(layer(axis, bool(call["keepdim"])), x)

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
    return _with_running_statistics(call)


def _with_running_statistics(call: Call) -> str:
    x, mean, var = call.value("input"), call.value("running_mean"), call.value("running_var")
    size, dtype = call.builder.fact(mean, "mean").sizes, call.builder.fact(mean, "mean").dtype
    scale = call.value("weight") if call.has("weight") else call.constant(np.ones(size, dtype), "scale")
    bias = call.value("bias") if call.has("bias") else call.constant(np.zeros(size, dtype), "bias")
    return call.result(L.BatchNorm(call["eps"]), x, scale, bias, mean, var)


def layer_norm(call: Call) -> str:
    """Over the last axes, as many as ``normalized_shape`` has; root-mean-square norms are alike, without a mean."""
    x, rank, count = call.value("input"), call.rank("input"), len(call["normalized_shape"])
    axes = tuple(range(rank - count, rank))
    operands = [call.value(name) for name in ("weight", "bias") if call.has(name)]
    if operands and not call.has("weight"):
        raise UnsupportedError("a bias without a weight is not supported; give both")
    centred = "bias" in call.arguments  # an rms_norm has none
    epsilon = call["eps"]
    if epsilon is None:  # PyTorch's default of rms_norm
        epsilon = float(np.finfo(call.number_type()).eps)
    return call.result(L.Standardise(axes, epsilon, centred), x, *operands)


def group_norm(call: Call) -> str:
    return _grouped(call, call["num_groups"])


def instance_norm(call: Call) -> str:
    """With the statistics of each image, as the training has them; running ones make it a batch norm."""
    if not call["use_input_stats"]:
        return _with_running_statistics(call)
    return _grouped(call, None)


def _grouped(call: Call, groups: int | None) -> str:
    x, dtype, channels = call.value("input"), call.number_type(), call.size("input", 1)
    scale = call.value("weight") if call.has("weight") else call.constant(np.ones(channels, dtype), "scale")
    bias = call.value("bias") if call.has("bias") else call.constant(np.zeros(channels, dtype), "bias")
    return call.result(L.GroupNorm(groups, call["eps"]), x, scale, bias)


def weight_norm(call: Call) -> str:
    """``g * v / |v|``, the norm over all axes but one (arXiv:1602.07868); of constants, and so a constant."""
    v, g, axis = call.value("v"), call.value("g"), call["dim"]
    rank = call.rank("v")
    others = tuple(i for i in range(rank) if i != axis % rank)
    size = call.emit(L.ReduceL2(others, True), v)
    return call.result(L.Mul(), call.emit(L.Div(), v, size), g)


#: ATen's operators by name, whatever their overload.
RULES: dict[str, Rule] = {
    "_log_softmax": _softmax(L.LogSoftmax),
    "_native_batch_norm_legit_no_training": batch_norm,
    "_softmax": _softmax(L.Softmax),
    "_weight_norm": weight_norm,
    "_weight_norm_interface": weight_norm,
    "addmm": addmm,
    "argmax": _arg_extreme(L.ArgMax),
    "argmin": _arg_extreme(L.ArgMin),
    "amax": _reduction(L.ReduceMax),
    "amin": _reduction(L.ReduceMin),
    "batch_norm": batch_norm,
    "bmm": matmul,
    "group_norm": group_norm,
    "instance_norm": instance_norm,
    "layer_norm": layer_norm,
    "linalg_vector_norm": norm,
    "log_softmax": _softmax(L.LogSoftmax),
    "linear": linear,
    "matmul": matmul,
    "mean": _reduction(L.ReduceMean),
    "mm": matmul,
    "norm": norm,
    "prod": _reduction(L.ReduceProd),
    "rms_norm": layer_norm,
    "softmax": _softmax(L.Softmax),
    "sum": _reduction(L.ReduceSum),
}
