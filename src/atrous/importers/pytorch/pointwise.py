"""PyTorch's pointwise operators."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from torch import fx

from atrous.errors import UnsupportedError
from atrous.graph import layers as L
from atrous.graph.layer import Layer
from atrous.importers.pytorch.call import Call, Rule
from atrous.importers.pytorch.types import TYPES

#: Operators of one tensor: the layer, from the other arguments.
UNARY: dict[str, Callable[[Call], Layer]] = {
    "abs": lambda c: L.Abs(),
    "ceil": lambda c: L.Ceil(),
    "celu": lambda c: L.Celu(c["alpha"]),
    "clone": lambda c: L.Identity(),
    "erf": lambda c: L.Erf(),
    "exp": lambda c: L.Exp(),
    "floor": lambda c: L.Floor(),
    "gelu": lambda c: L.Gelu(c["approximate"] == "tanh"),
    "hardsigmoid": lambda c: L.HardSigmoid(1 / 6, 0.5),
    "hardswish": lambda c: L.HardSwish(),
    "hardtanh": lambda c: L.Clip(c["min_val"], c["max_val"]),
    "leaky_relu": lambda c: L.LeakyRelu(c["negative_slope"]),
    "log": lambda c: L.Log(),
    "bitwise_not": lambda c: L.Not(),
    "logical_not": lambda c: L.Not(),
    "mish": lambda c: L.Mish(),
    "neg": lambda c: L.Neg(),
    "reciprocal": lambda c: L.Reciprocal(),
    "relu": lambda c: L.Relu(),
    "relu6": lambda c: L.Clip(0.0, 6.0),
    "round": lambda c: L.Round(),
    "selu": lambda c: L.Selu(),
    "sigmoid": lambda c: L.Sigmoid(),
    "sign": lambda c: L.Sign(),
    "silu": lambda c: L.Swish(),
    "sqrt": lambda c: L.Sqrt(),
    "tanh": lambda c: L.Tanh(),
    "alias": lambda c: L.Identity(),
    "contiguous": lambda c: L.Identity(),
    "detach": lambda c: L.Identity(),
    "dropout": lambda c: L.Identity(),
    "feature_dropout": lambda c: L.Identity(),
    "lift_fresh_copy": lambda c: L.Identity(),
}

#: Operators of two tensors or numbers, broadcast against each other.
BINARY: dict[str, Layer] = {
    "__and__": L.And(),
    "__or__": L.Or(),
    "bitwise_and": L.And(),
    "bitwise_or": L.Or(),
    "eq": L.Equal(),
    "ge": L.GreaterOrEqual(),
    "gt": L.Greater(),
    "le": L.LessOrEqual(),
    "logical_and": L.And(),
    "logical_or": L.Or(),
    "lt": L.Less(),
    "maximum": L.Maximum(),
    "minimum": L.Minimum(),
    "mul": L.Mul(),
    "pow": L.Pow(),
}


def _unary(make: Callable[[Call], Layer]) -> Rule:
    def rule(call: Call) -> str:
        return call.result(make(call), call.value(next(iter(call.arguments))))

    return rule


def both(call: Call) -> tuple[str, str]:
    """The two first arguments, in the type that PyTorch promotes them to."""
    first, second, *_ = call.arguments
    return _promoted(call, call[first]), _promoted(call, call[second])


def _promoted(call: Call, argument: Any) -> str:
    wanted = _operand_type(call)
    if not isinstance(argument, fx.Node):
        return call.constant(np.asarray(argument, wanted), "number")
    value = call.as_value(argument)
    same = call.builder.fact(value, "operand").dtype == wanted
    return value if same else call.emit(L.Cast(wanted), value)


def _operand_type(call: Call) -> str:
    """What PyTorch promotes the two first arguments to."""
    first, second, *_ = call.arguments
    parts = [argument.meta["val"] if isinstance(argument, fx.Node) else argument for argument in (call[first], call[second])]
    return TYPES[torch.result_type(*parts)]


def _binary(layer: Layer) -> Rule:
    def rule(call: Call) -> str:
        return call.result(layer, *both(call))

    return rule


def _sum(layer: Layer, swap: bool = False) -> Rule:
    """``self + alpha * other``, or the difference; ``rsub`` has them the other way round."""

    def rule(call: Call) -> str:
        x, y = both(call)
        alpha = call["alpha"]
        if alpha != 1:
            scaled = x if swap else y
            scaled = call.emit(L.Mul(), scaled, call.constant(np.asarray(alpha, _operand_type(call)), "alpha"))
            x, y = (scaled, y) if swap else (x, scaled)
        return call.result(layer, *((y, x) if swap else (x, y)))

    return rule


def divide(call: Call) -> str:
    x, y = both(call)
    mode = call.arguments.get("rounding_mode")
    if mode is None and not call.builder.fact(x, "operand").dtype.startswith("float"):
        x, y = (call.emit(L.Cast("float32"), value) for value in (x, y))
    if mode is None:
        return call.result(L.Div(), x, y)
    if mode != "floor" or not call.builder.fact(x, "operand").dtype.startswith("float"):
        raise UnsupportedError(f"argument rounding_mode={mode!r} is supported for floats and 'floor' only")
    return call.result(L.Floor(), call.emit(L.Div(), x, y))


def clamp(call: Call) -> str:
    """Bounds are numbers or tensors."""
    value, low, high = call.value("self"), call["min"], call["max"]
    if not isinstance(low, fx.Node) and not isinstance(high, fx.Node):
        return call.result(L.Clip(None if low is None else float(low), None if high is None else float(high)), value)
    for layer, bound in ((L.Maximum(), low), (L.Minimum(), high)):
        if bound is not None:
            value = call.emit(layer, value, call.as_value(bound))
    return call.result(L.Identity(), value)


def elu(call: Call) -> str:
    """SELU and ELU are one operator of PyTorch's with two scales."""
    alpha, scale, inner = call["alpha"], call["scale"], call["input_scale"]
    if inner != 1:
        raise UnsupportedError(f"argument input_scale={inner} is not supported; atrous has 1")
    return call.result(L.Elu(alpha) if scale == 1 else L.Selu(alpha, scale), call.value("self"))


def softplus(call: Call) -> str:
    """``log(1 + exp(beta x)) / beta``; from the threshold on PyTorch's is the identity, as the formula then is in float32."""
    x, beta = call.value("self"), call["beta"]
    if beta == 1:
        return call.result(L.Softplus(), x)
    factor = call.constant(np.asarray(beta, call.number_type()), "beta")
    return call.result(L.Div(), call.emit(L.Softplus(), call.emit(L.Mul(), x, factor)), factor)


def softsign(call: Call) -> str:
    return call.result(L.Softsign(), call.value("self"))


def prelu(call: Call) -> str:
    """The slope of each channel, axis 1."""
    x, slope = call.value("self"), call.value("weight")
    count, rank = call.builder.fact(slope, "slope").count, call.rank("self")
    shape = (1,) if count == 1 else (count, *(1,) * (rank - 2))
    return call.result(L.PRelu(), x, call.emit(L.Reshape(), slope, call.indices(shape, "shape")))


def glu(call: Call) -> str:
    """One half of the channels gates the other."""
    x, axis = call.value("self"), call["dim"]
    half = call.size("self", axis) // 2
    place = call.indices([axis], "axis")
    bounds = [call.indices([number], "bound") for number in (0, half, 2 * half)]
    signal, gate = (call.emit(L.Slice(), x, start, end, place) for start, end in pairwise(bounds))
    return call.result(L.Mul(), signal, call.emit(L.Sigmoid(), gate))


def where(call: Call) -> str:
    condition, x, y = (call.as_value(call[name]) for name in ("condition", "self", "other"))
    return call.result(L.Where(), condition, x, y)


def rsqrt(call: Call) -> str:
    return call.result(L.Reciprocal(), call.emit(L.Sqrt(), call.value("self")))


def cast(call: Call) -> str:
    """``to`` in all its overloads; moving to another device changes nothing."""
    dtype = call.arguments.get("dtype")
    x = call.value("self")
    if dtype is None:
        return call.result(L.Identity(), x)
    if dtype not in TYPES:
        raise UnsupportedError(
            f"the element type {dtype} is not supported; atrous has {', '.join(sorted(set(TYPES.values())))}"
        )
    same = call.builder.fact(x, "operand").dtype == TYPES[dtype]
    return call.result(L.Identity() if same else L.Cast(TYPES[dtype]), x)


def square(call: Call) -> str:
    return call.result(L.Mul(), call.value("self"), call.value("self"))


#: ATen's operators by name, whatever their overload.
RULES: dict[str, Rule] = {
    **{name: _unary(make) for name, make in UNARY.items()},
    **{name: _binary(layer) for name, layer in BINARY.items()},
    "_to_copy": cast,
    "add": _sum(L.Add()),
    "clamp": clamp,
    "clamp_min": lambda call: call.result(L.Clip(float(call["min"]), None), call.value("self")),
    "clamp_max": lambda call: call.result(L.Clip(None, float(call["max"])), call.value("self")),
    "div": divide,
    "elu": elu,
    "glu": glu,
    "prelu": prelu,
    "rsqrt": rsqrt,
    "rsub": _sum(L.Sub(), swap=True),
    "softplus": softplus,
    "softsign": softsign,
    "square": square,
    "sub": _sum(L.Sub()),
    "to": cast,
    "where": where,
}
