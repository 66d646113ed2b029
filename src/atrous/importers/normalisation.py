"""ONNX's normalisations by given statistics and by the signal's own, and pooling by norms."""

from __future__ import annotations

import numpy as np

from atrous.errors import NetworkError
from atrous.graph import layers as L
from atrous.importers.call import Call, Rule, positive
from atrous.importers.windowed import pool_kernel, windows

#: ONNX adds 1e-9 to the deviation, which keeps what does not vary from being divided by 0; this is its square.
MVN_EPSILON = 1e-18


def _epsilon(call: Call) -> float:
    return call.attributes.number("epsilon", 1e-5)


def _trailing(call: Call) -> tuple[int, ...]:
    """The axes from ``axis`` on."""
    call.attributes.ignore("stash_type")
    rank, axis = call.rank(0), call.attributes.integer("axis", -1)
    if not -rank <= axis < rank:
        raise NetworkError(f"attribute axis is {axis}; operand 0 has {rank} axes")
    return tuple(range(axis % rank, rank))


def layer_norm(call: Call) -> None:
    """Mean and inverse deviation are made by layers of their own, where they are read."""
    axes, epsilon = _trailing(call), _epsilon(call)
    x = call.operand(0)
    call.result(L.Standardise(axes, epsilon), *call.operands(2, 3))
    if not call.wants(1) and not call.wants(2):
        return
    mean = call.emit(L.ReduceMean(axes), x)
    if call.wants(1):
        call.result(L.Identity(), mean, place=1)
    if call.wants(2):
        variance = call.emit(L.ReduceMeanSquare(axes), call.emit(L.Sub(), x, mean))
        damped = call.emit(L.Add(), variance, call.constant(np.asarray(epsilon, call.dtype(0)), "epsilon"))
        call.result(L.Reciprocal(), call.emit(L.Sqrt(), damped), place=2)


def rms_norm(call: Call) -> None:
    call.result(L.Standardise(_trailing(call), _epsilon(call), centred=False), *call.operands(2, 2))


def mean_variance_norm(call: Call) -> None:
    axes = call.attributes.ints("axes", (0, 2, 3)) or ()
    call.result(L.Standardise(axes, MVN_EPSILON), *call.operands(1, 1))


def instance_norm(call: Call) -> None:
    call.attributes.ignore("consumed_inputs")
    call.result(L.GroupNorm(None, _epsilon(call)), *call.operands(3, 3))


def group_norm(call: Call) -> None:
    """Before opset 21, scale and bias were one number a group."""
    call.attributes.ignore("stash_type")
    (groups,) = positive("num_groups", (call.attributes.integer("num_groups", 0),), 1)
    x, *affine = call.operands(3, 3)
    if call.opset < 21:
        channels = call.builder.fact(x, "operand 0,").sizes[1] if call.rank(0) > 1 else groups
        affine = [_spread(call, name, groups, channels) for name in affine]
    call.result(L.GroupNorm(groups, _epsilon(call)), x, *affine)


def _spread(call: Call, value: str, groups: int, channels: int) -> str:
    """One number a group as one number a channel."""

    def shape(*sizes: int) -> str:
        return call.constant(np.array(sizes, np.int64), "shape")

    column = call.emit(L.Reshape(), value, shape(groups, 1))
    table = call.emit(L.Expand(), column, shape(groups, max(1, channels // groups)))
    return call.emit(L.Reshape(), table, shape(-1))


def batch_norm(call: Call) -> None:
    """With given statistics; or, in training mode, with those of the batch, which the running ones follow."""
    attributes, epsilon = call.attributes, _epsilon(call)
    attributes.ignore("is_test", "consumed_inputs")
    attributes.fixed("spatial", 1)
    momentum, training = attributes.number("momentum", 0.9), attributes.flag("training_mode")
    call.only_outputs(3 if training else 1)
    x, scale, bias, *running = call.operands(5, 5)
    if not training:
        return call.result(L.BatchNorm(epsilon), x, scale, bias, *running)
    rank = call.rank(0)
    axes, along = (0, *range(2, rank)), L.Unsqueeze(tuple(range(1, rank - 1)))
    call.result(L.Standardise(axes, epsilon), x, call.emit(along, scale), call.emit(along, bias))
    mean = call.emit(L.ReduceMean(axes), x)
    own = (mean, call.emit(L.ReduceMeanSquare(axes), call.emit(L.Sub(), x, mean)))
    for place, (seen, statistic) in enumerate(zip(own, running, strict=True), start=1):
        if call.wants(place):
            flat = call.emit(L.Reshape(), seen, call.constant(np.array([-1], np.int64), "channels"))
            old = call.emit(L.Mul(), statistic, call.constant(np.asarray(momentum, call.dtype(0)), "kept"))
            new = call.emit(L.Mul(), flat, call.constant(np.asarray(1 - momentum, call.dtype(0)), "taken"))
            call.result(L.Add(), old, new, place=place)
    return None


def lp_norm(call: Call) -> None:
    rank, axis = call.rank(0), call.attributes.integer("axis", -1)
    call.result(L.LpNorm(call.attributes.integer("p", 2), axis % rank if -rank <= axis < rank else axis), call.operand(0))


def _power(call: Call) -> int:
    """An integer since opset 2."""
    p = call.attributes.integer("p", 2) if call.opset > 1 else call.attributes.number("p", 2.0)
    return positive("p", (int(p),), 1)[0]


def lp_pool(call: Call) -> None:
    kernel = pool_kernel(call)
    call.result(L.LpPool(kernel, *windows(call, kernel), call.attributes.flag("ceil_mode"), _power(call)), call.operand(0))


def global_lp_pool(call: Call) -> None:
    """The norm over the space, which reductions have for p of 1 and 2."""
    x, p = call.operand(0), _power(call)
    space = tuple(range(2, call.rank(0)))
    if p <= 2:
        return call.result((L.ReduceL1 if p == 1 else L.ReduceL2)(space), x)
    powers = call.emit(L.Pow(), call.emit(L.Abs(), x), call.constant(np.asarray(p, call.dtype(0)), "power"))
    total = call.emit(L.ReduceSum(space), powers)
    return call.result(L.Pow(), total, call.constant(np.asarray(1 / p, call.dtype(0)), "root"))


RULES: dict[str, Rule] = {
    "BatchNormalization": batch_norm,
    "GlobalLpPool": global_lp_pool,
    "GroupNormalization": group_norm,
    "InstanceNormalization": instance_norm,
    "LayerNormalization": layer_norm,
    "LpNormalization": lp_norm,
    "LpPool": lp_pool,
    "MeanVarianceNormalization": mean_variance_norm,
    "RMSNormalization": rms_norm,
}
