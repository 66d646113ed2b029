"""ONNX's matrix products, reductions and softmax."""

from __future__ import annotations

import numpy as np

from atrous.graph import layers as L
from atrous.importers.call import Call, Rule


def gemm(call: Call) -> None:
    """``alpha * A' B' + beta * C`` as a linear layer, scalars and transposes moved onto the weights."""
    attributes = call.attributes
    attributes.ignore("broadcast")
    alpha, beta = attributes.number("alpha", 1.0), attributes.number("beta", 1.0)
    x, w = call.operand(0), call.operand(1)
    if attributes.flag("transA"):
        x = call.emit(L.Transpose((1, 0)), x)
    if not attributes.flag("transB"):
        w = call.emit(L.Transpose((1, 0)), w)
    if alpha != 1.0:
        w = call.emit(L.Mul(), w, call.constant(np.asarray(alpha, call.dtype(1)), "alpha"))
    if not call.has(2) or beta == 0.0:
        return call.result(L.Linear(), x, w)
    bias = call.operand(2)
    if beta != 1.0:
        bias = call.emit(L.Mul(), bias, call.constant(np.asarray(beta, call.dtype(2)), "beta"))
    held, outputs = call.builder.constants.get(bias), call.builder.fact(w, "weights").sizes[0]
    if held is None or held.size not in (1, outputs) or (held.ndim == 2 and held.shape[0] != 1):
        return call.result(L.Add(), call.emit(L.Linear(), x, w), bias)
    if held.shape != (outputs,):
        bias = call.constant(np.broadcast_to(held.reshape(-1), (outputs,)), "bias")
    return call.result(L.Linear(), x, w, bias)


def matmul(call: Call) -> None:
    call.result(L.MatMul(), *call.operands(2, 2))


def _softmax(layer: type[L.Softmax] | type[L.LogSoftmax]) -> Rule:
    """Before opset 13 they ran over all axes from ``axis`` on."""

    def rule(call: Call) -> None:
        axis = call.attributes.integer("axis", 1 if call.opset < 13 else -1)
        call.result(layer(axis, -1 if call.opset < 13 else axis), call.operand(0))

    return rule


#: Each reduction, and the opset since which its axes are an operand.
REDUCTIONS: dict[str, tuple[type[L.Reduce], int]] = {
    "ReduceSum": (L.ReduceSum, 13),
    "ReduceMean": (L.ReduceMean, 18),
    "ReduceMax": (L.ReduceMax, 18),
    "ReduceMin": (L.ReduceMin, 18),
    "ReduceProd": (L.ReduceProd, 18),
    "ReduceL1": (L.ReduceL1, 18),
    "ReduceL2": (L.ReduceL2, 18),
}


def _reduction(layer: type[L.Reduce], operand_since: int) -> Rule:
    def rule(call: Call) -> None:
        keep, noop = call.attributes.flag("keepdims", True), call.attributes.flag("noop_with_empty_axes")
        axes = call.attributes.ints("axes", ()) or ()
        if call.opset >= operand_since and call.has(1):
            axes = call.integers(1)
        if noop and not axes:
            return call.result(L.Identity(), call.operand(0))
        return call.result(layer(axes, keep), call.operand(0))

    return rule


def _arg_extreme(layer: type[L.ArgMax] | type[L.ArgMin]) -> Rule:
    def rule(call: Call) -> None:
        axis, keep = call.attributes.integer("axis", 0), call.attributes.flag("keepdims", True)
        call.result(layer(axis, keep, call.attributes.flag("select_last_index")), call.operand(0))

    return rule


RULES: dict[str, Rule] = {
    "ArgMax": _arg_extreme(L.ArgMax),
    "ArgMin": _arg_extreme(L.ArgMin),
    "Gemm": gemm,
    "MatMul": matmul,
    "Softmax": _softmax(L.Softmax),
    "LogSoftmax": _softmax(L.LogSoftmax),
    **{name: _reduction(layer, since) for name, (layer, since) in REDUCTIONS.items()},
}
