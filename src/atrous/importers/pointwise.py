"""ONNX's pointwise operators: one row each, older spellings in small functions."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from atrous.graph import layers as L
from atrous.graph.layer import Layer
from atrous.importers.attributes import Attributes
from atrous.importers.call import Call, Rule
from atrous.importers.tensors import dtype_of

#: Operators of one operand: the layer, from its attributes.
UNARY: dict[str, Callable[[Attributes], Layer]] = {
    "Abs": lambda a: L.Abs(),
    "Ceil": lambda a: L.Ceil(),
    "Celu": lambda a: L.Celu(a.number("alpha", 1.0)),
    "Cast": lambda a: L.Cast(dtype_of(a.integer("to", 0), "attribute to")),
    "Elu": lambda a: L.Elu(a.number("alpha", 1.0)),
    "Erf": lambda a: L.Erf(),
    "Exp": lambda a: L.Exp(),
    "Floor": lambda a: L.Floor(),
    "Gelu": lambda a: L.Gelu(a.string("approximate", "none", "none", "tanh") == "tanh"),
    "HardSigmoid": lambda a: L.HardSigmoid(a.number("alpha", 0.2), a.number("beta", 0.5)),
    "HardSwish": lambda a: L.HardSwish(),
    "Identity": lambda a: L.Identity(),
    "LeakyRelu": lambda a: L.LeakyRelu(a.number("alpha", 0.01)),
    "Log": lambda a: L.Log(),
    "Mish": lambda a: L.Mish(),
    "Neg": lambda a: L.Neg(),
    "Not": lambda a: L.Not(),
    "Reciprocal": lambda a: L.Reciprocal(),
    "Relu": lambda a: L.Relu(),
    "Round": lambda a: L.Round(),
    "Selu": lambda a: L.Selu(a.number("alpha", L.Selu().alpha), a.number("gamma", L.Selu().gamma)),
    "Sigmoid": lambda a: L.Sigmoid(),
    "Sign": lambda a: L.Sign(),
    "Softplus": lambda a: L.Softplus(),
    "Softsign": lambda a: L.Softsign(),
    "Sqrt": lambda a: L.Sqrt(),
    "Swish": lambda a: L.Swish(a.number("alpha", 1.0)),
    "Tanh": lambda a: L.Tanh(),
    "ThresholdedRelu": lambda a: L.ThresholdedRelu(a.number("alpha", 1.0)),
}

#: Operators of two operands.
BINARY: dict[str, Layer] = {
    "Add": L.Add(),
    "And": L.And(),
    "Div": L.Div(),
    "Equal": L.Equal(),
    "Greater": L.Greater(),
    "GreaterOrEqual": L.GreaterOrEqual(),
    "Less": L.Less(),
    "LessOrEqual": L.LessOrEqual(),
    "Mul": L.Mul(),
    "Or": L.Or(),
    "Pow": L.Pow(),
    "PRelu": L.PRelu(),
    "Sub": L.Sub(),
    "Xor": L.Xor(),
}


def _unary(make: Callable[[Attributes], Layer]) -> Rule:
    def rule(call: Call) -> None:
        call.attributes.ignore("consumed_inputs", "saturate")
        call.result(make(call.attributes), *call.operands(1, 1))

    return rule


def _binary(layer: Layer) -> Rule:
    def rule(call: Call) -> None:
        x, y = call.operands(2, 2)
        call.attributes.ignore("consumed_inputs")
        call.result(layer, x, _aligned(call, y) if call.opset < 7 else y)

    return rule


def _aligned(call: Call, y: str) -> str:
    """Before opset 7 the second operand named the axis where its own axes begin; give it trailing axes of size 1."""
    lead = call.attributes.integer("axis", -1)
    call.attributes.ignore("broadcast")
    rank, own = call.rank(0), call.rank(1)
    per_channel = "broadcast" not in call.attributes and own == 1 and rank > 1
    if lead < 0 and not per_channel:
        return y
    start = 1 if per_channel else lead
    missing = rank - start - own
    return y if missing <= 0 else call.emit(L.Unsqueeze(tuple(range(own, own + missing))), y)


def _chain(layer: Layer, mean: bool = False) -> Rule:
    """An operator of any number of operands, as a chain of two-operand layers."""

    def rule(call: Call) -> None:
        call.attributes.ignore("consumed_inputs")
        first, *rest = call.operands(1, max(1, len(call.inputs)))
        if not rest:
            return call.result(L.Identity(), first)
        for value in rest[:-1]:
            first = call.emit(layer, first, value)
        if not mean:
            return call.result(layer, first, rest[-1])
        share = call.constant(np.asarray(1 / (1 + len(rest)), call.dtype(0)), "share")
        return call.result(L.Mul(), call.emit(layer, first, rest[-1]), share)

    return rule


def clip(call: Call) -> None:
    """Bounds were attributes before opset 11; computed bounds become a maximum and a minimum."""
    call.attributes.ignore("consumed_inputs")
    value = call.operand(0)
    if call.opset < 11:
        low, high = call.attributes.number("min", -np.inf), call.attributes.number("max", np.inf)
        return call.result(L.Clip(None if low == -np.inf else low, None if high == np.inf else high), value)
    bounds: list[float | None] = [None, None]
    for place, layer in ((1, L.Maximum()), (2, L.Minimum())):
        if not call.has(place):
            continue
        if call.operand(place) in call.builder.constants:
            bounds[place - 1] = float(call.value(place).reshape(-1)[0])
        else:
            value = call.emit(layer, value, call.operand(place))
    return call.result(L.Clip(*bounds), value)


def cast_like(call: Call) -> None:
    """To the type of the other operand."""
    call.attributes.ignore("saturate", "round_mode")
    call.result(L.Cast(call.dtype(1)), call.operand(0))


def where(call: Call) -> None:
    call.result(L.Where(), *call.operands(3, 3))


RULES: dict[str, Rule] = {
    **{name: _unary(make) for name, make in UNARY.items()},
    **{name: _binary(layer) for name, layer in BINARY.items()},
    "Sum": _chain(L.Add()),
    "Max": _chain(L.Maximum()),
    "Min": _chain(L.Minimum()),
    "Mean": _chain(L.Add(), mean=True),
    "CastLike": cast_like,
    "Clip": clip,
    "Where": where,
}
