"""Every layer that has a kernel: equal to its oracle, and any box of it equal to the whole run, bit for bit."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from atrous.engine.program import Program
from atrous.geometry import Box
from atrous.geometry.padding import Explicit
from atrous.geometry.resample import Coordinates, Crop, Cubic, Linear, Nearest
from atrous.graph.fact import Array, Fact
from atrous.graph.layer import Fused, Layer, Step
from atrous.graph.layers import activation as act
from atrous.graph.layers import arithmetic as arith
from atrous.graph.layers import linear, movement, normalisation, pooling, reduction, reshaping, softmax
from atrous.graph.layers.convolution import Conv
from atrous.graph.layers.resize import Resize
from atrous.graph.network import Network, Node

RNG = np.random.default_rng(7)


def normal(*shape: int, dtype: str = "float32") -> Array:
    return RNG.standard_normal(shape).astype(dtype)


def ints(*values: int) -> Array:
    return np.array(values, np.int64)


IMAGE = normal(2, 18, 9, 11)
GRAY = normal(1, 1, 9, 37)
LINE = normal(2, 5, 23)
VOLUME = normal(1, 3, 4, 5, 6)
TABLE = normal(3, 40)
CHANNEL = normal(18, 1, 1)

ACTIVATIONS = [
    act.Relu(), act.LeakyRelu(0.1), act.ThresholdedRelu(0.3), act.Elu(0.7), act.Selu(), act.Celu(), act.Sigmoid(),
    act.HardSigmoid(0.2, 0.5), act.HardSwish(), act.Swish(), act.Tanh(), act.Softplus(), act.Softsign(), act.Mish(),
    act.Gelu(), act.Clip(-0.5, 0.5), act.Exp(), act.Neg(), act.Abs(), act.Sign(), act.Floor(), act.Ceil(), act.Round(),
    act.Erf(), act.Cast("float64"), act.Cast("uint8"), act.Cast("int64"), act.Cast("bool"), act.Identity(),
]  # fmt: skip

CASES: list[tuple[Layer, tuple[Array, ...]]] = [
    *((layer, (IMAGE,)) for layer in ACTIVATIONS),
    *((layer, (np.abs(GRAY) + 0.1,)) for layer in (act.Log(), act.Sqrt(), act.Reciprocal())),
    *((layer, (IMAGE, normal(2, 18, 9, 11))) for layer in (arith.Add(), arith.Sub(), arith.Mul(), arith.Div())),
    (arith.Maximum(), (IMAGE, normal(2, 18, 9, 11))),
    *((layer, (IMAGE, CHANNEL)) for layer in (arith.Add(), arith.Mul(), arith.PRelu(), arith.Minimum())),
    (arith.Add(), (IMAGE, normal(1, 1, 9, 11))),
    (arith.Sub(), (normal(9, 1), IMAGE)),
    (arith.Less(), (IMAGE, normal(1))),
    (arith.Pow(), (np.abs(IMAGE), np.array(0.7, np.float32))),
    (arith.Where(), (IMAGE > 0, IMAGE, normal(1))),
    *((rule((2, 3), True), (IMAGE,)) for rule in (reduction.ReduceMean, reduction.ReduceMax, reduction.ReduceL2)),
    *((rule((1,), False), (IMAGE,)) for rule in (reduction.ReduceSum, reduction.ReduceMin, reduction.ReduceL1)),
    (reduction.ReduceProd((-1,), True), (TABLE,)),
    (reduction.ReduceMean((), False), (VOLUME,)),
    (reduction.ReduceMeanSquare((2, 3), True), (IMAGE,)),
    (arith.Xor(), (IMAGE > 0, IMAGE < 1)),
    (pooling.LpPool((3, 2), (2, 1), (1, 2), Explicit(((1, 0), (0, 1)))), (IMAGE,)),
    (pooling.LpPool((3,), (1,), (1,), Explicit(((1, 1),)), p=1), (LINE,)),
    (pooling.LpPool((2, 2, 2), (2, 2, 2), (1, 1, 1), Explicit(((0, 1),) * 3), ceil=True, p=3), (VOLUME,)),
    (Fused(pooling.LpPool((2, 2), (2, 2), (1, 1), Explicit(((0, 0),) * 2)), (Step(act.Neg()),), 1), (IMAGE,)),
    (normalisation.BatchNorm(1e-3), (IMAGE, normal(18), normal(18), normal(18), np.abs(normal(18)))),
    (normalisation.Standardise((1, 2, 3), 1e-3), (IMAGE, normal(18, 9, 11), normal(18, 9, 11))),
    (normalisation.Standardise((1,)), (IMAGE, CHANNEL, CHANNEL)),
    (normalisation.Standardise((-1,), centred=False), (TABLE, normal(40))),
    (normalisation.Standardise((0, 2, 3), 1e-18), (IMAGE,)),
    (normalisation.GroupNorm(), (IMAGE, normal(18), normal(18))),
    (normalisation.GroupNorm(3), (IMAGE, normal(18), normal(18))),
    (normalisation.GroupNorm(1), (VOLUME, normal(3), normal(3))),
    (normalisation.LpNorm(1, 1), (IMAGE * (IMAGE > 1),)),
    (normalisation.LpNorm(2, -1), (IMAGE,)),
    (softmax.LogSoftmax(1, 1), (IMAGE * 60,)),
    (softmax.LogSoftmax(1, -1), (VOLUME,)),
    (softmax.Softmax(1, 1), (IMAGE,)),
    (softmax.Softmax(1, -1), (VOLUME,)),
    (softmax.Softmax(-1, -1), (TABLE,)),
    (normalisation.LRN(5, 1e-2, 0.75, 2.0), (IMAGE,)),
    (normalisation.LRN(4), (LINE,)),
    (linear.Linear(), (TABLE, normal(33, 40), normal(33))),
    (linear.Linear(), (normal(2, 3, 40), normal(5, 40))),
    (linear.MatMul(), (normal(2, 1, 4, 7), normal(3, 7, 19))),
    (linear.MatMul(), (TABLE, normal(40))),
    (movement.Transpose((0, 2, 3, 1)), (IMAGE,)),
    (movement.Transpose(), (VOLUME,)),
    (movement.Concat(1), (IMAGE, normal(2, 3, 9, 11))),
    (movement.Concat(-1), (GRAY, normal(1, 1, 9, 5))),
    (movement.Slice(), (IMAGE, ints(1, 8), ints(7, -100), ints(2, 3), ints(2, -3))),
    (movement.Pad(), (IMAGE, ints(0, 0, 1, -2, 0, 0, 3, 4), np.array(0.5, np.float32))),
    *((movement.Pad(mode), (GRAY, ints(0, 0, 3, 2, 0, 0, 4, 30))) for mode in ("reflect", "edge", "wrap")),
    *((movement.Pad(mode), (IMAGE, ints(0, 0, 0, 2, 0, 0, 4, 5))) for mode in ("reflect", "edge", "wrap")),
    (movement.Expand(), (CHANNEL, ints(2, 18, 3, 4))),
    (movement.Tile(), (IMAGE, ints(1, 2, 1, 3))),
    *((movement.DepthToSpace(3, mode), (IMAGE,)) for mode in ("DCR", "CRD")),
    (movement.SpaceToDepth(2), (normal(1, 3, 8, 10),)),
    (movement.SpaceToDepth(2, "CRD"), (normal(1, 3, 8, 10),)),
    (movement.Gather(2), (IMAGE, np.array([[3, -1], [0, 2]]))),
    (reshaping.Reshape(), (IMAGE, ints(2, 3, 6, 9, 11))),
    (reshaping.Reshape(), (IMAGE, ints(0, -1))),
    (reshaping.Reshape(), (IMAGE, ints(2, 9, 2, 99))),
    (reshaping.Flatten(1), (VOLUME,)),
    (reshaping.Squeeze(), (GRAY,)),
    (reshaping.Unsqueeze((2,)), (LINE,)),
    *(
        (Resize(kind, where), (image, np.array([1, 1, 1.7, 2.5], np.float32)))
        for kind in (Nearest(), Linear(), Cubic())
        for where in (Coordinates.half_pixel, Coordinates.align_corners, Coordinates.asymmetric)
        for image in (IMAGE, GRAY)
    ),
    *(
        (Resize(kind, axes=(2, 3)), (image, np.array(scales, np.float32)))
        for kind in (Linear(antialias=True), Cubic(exclude_outside=True, antialias=True))
        for image, scales in ((IMAGE, (0.6, 0.3)), (GRAY, (0.5, 0.4)), (normal(1, 3, 70, 90), (0.05, 0.04)))
    ),
    *(
        (Resize(kind, (Crop(Fraction(-1, 4), Fraction(3, 2)), Crop(Fraction(1, 4))), (2, 3)), (IMAGE, ints(13, 7)))
        for kind in (Nearest(), Linear(), Cubic())
    ),
    (
        Fused(Conv((3, 3), (1, 1), (1, 1), Explicit(((1, 1), (1, 1)))), (Step(arith.Add(), 1, 1), Step(act.Relu())), 3),
        (IMAGE, normal(21, 18, 3, 3), normal(21), normal(2, 21, 9, 11)),
    ),
    (
        Fused(Conv((3, 3), (1, 1), (1, 1), Explicit(((1, 1), (1, 1)))), (Step(arith.Mul(), 1), Step(act.Cast("uint8"))), 2),
        (IMAGE, normal(5, 18, 3, 3), np.array(50.0, np.float32)),
    ),
    (
        Fused(pooling.MaxPool((2, 2), (2, 2), (1, 1), Explicit(((0, 0), (0, 0)))), (Step(arith.PRelu(), 1),), 1),
        (IMAGE, CHANNEL),
    ),
    *(
        (Fused(arith.Less(), (Step(join, 1, place), Step(arith.Not())), 2), (IMAGE, normal(1), IMAGE > 0.5))
        for join in (arith.And(), arith.Or(), arith.Xor())
        for place in (0, 1)
    ),
    (Fused(linear.Linear(), (Step(act.Sigmoid()),), 3), (TABLE, normal(10, 40), normal(10))),
    (Fused(arith.Add(), (Step(act.Relu()), Step(arith.Sub(), 1, 1)), 2), (IMAGE, CHANNEL, IMAGE)),
]  # fmt: skip


def build(layer: Layer, operands: tuple[Array, ...], signals: int) -> Program:
    names = [f"v{i}" for i in range(len(operands))]
    inputs = {name: Fact(array.dtype.name, array.shape) for name, array in zip(names[:signals], operands, strict=False)}
    constants = dict(zip(names[signals:], operands[signals:], strict=True))
    return Program(Network("one", inputs, ("y",), (Node("node", layer, tuple(names), "y"),), constants))


@pytest.mark.parametrize(("layer", "operands"), CASES, ids=lambda value: repr(value)[:40] if isinstance(value, Layer) else "")
def test_equals_the_oracle_and_any_box_the_whole(layer: Layer, operands: tuple[Array, ...]) -> None:
    program = build(layer, operands, 1)
    with np.errstate(all="ignore"):
        expected = layer.evaluate(*operands)
    result = program(operands[0])
    assert result.dtype == expected.dtype
    assert result.shape == expected.shape
    if np.issubdtype(expected.dtype, np.floating):
        np.testing.assert_allclose(result, expected, rtol=2e-6, atol=2e-6 * np.abs(expected).max())
    else:
        assert np.array_equal(result, expected)
    bound = program.bind({"v0": operands[0].shape})
    for _ in range(3):
        lo = tuple(int(RNG.integers(0, n)) for n in result.shape)
        hi = tuple(int(RNG.integers(a + 1, n + 1)) for a, n in zip(lo, result.shape, strict=True))
        boxes = bound.demand({"y": Box(lo, hi)})
        part = np.empty(boxes["y"].shape, result.dtype)
        given = {"v0": operands[0][boxes["v0"].slices()]} if "v0" in boxes else {}
        bound.run(boxes, given, {"y": part}, int(RNG.integers(1, 3)))
        assert part.tobytes() == result[boxes["y"].slices()].tobytes()
