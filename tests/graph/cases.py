"""One row or more for each layer: the layer, and operands that it takes."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

import numpy as np

from atrous.geometry import Explicit, Same, ToSize
from atrous.geometry.resample import Aspect, Coordinates, Crop, Cubic, Linear, Nearest, Rounding
from atrous.graph import layers as L
from atrous.graph.fact import Array, Fact
from atrous.graph.layer import Layer
from atrous.graph.network import Network, Node

RNG = np.random.default_rng(20160323)


def floats(*shape: int) -> Array:
    return RNG.standard_normal(shape).astype(np.float32)


def positive(*shape: int) -> Array:
    return (np.abs(floats(*shape)) + 0.1).astype(np.float32)


def ints(*values: int) -> Array:
    return np.array(values, np.int64)


def numbers(*values: float) -> Array:
    return np.array(values, np.float32)


def places(x: Array, count: int) -> Array:
    """Places in a result of ``count`` elements, some of them twice."""
    return RNG.integers(0, count, x.shape)


Case = tuple[Layer, tuple[Array, ...]]
X1, X2, X3 = floats(2, 4, 13), floats(2, 4, 9, 8), floats(1, 2, 5, 6, 7)
CONSTANT: Callable[..., Explicit] = lambda *pairs: Explicit(tuple(pairs))  # noqa: E731

CONVOLUTIONS: list[Case] = [
    (L.Conv((3,), (1,), (1,), CONSTANT((1, 1))), (X1, floats(5, 4, 3), floats(5))),
    (L.Conv((4,), (3,), (2,), CONSTANT((0, 3))), (X1, floats(5, 4, 4))),
    (L.Conv((3, 2), (2, 1), (1, 3), CONSTANT((2, 0), (1, 1)), 2), (X2, floats(6, 2, 3, 2), floats(6))),
    (L.Conv((3, 3), (1, 1), (2, 2), Same()), (X2, floats(3, 4, 3, 3))),
    (L.Conv((2, 4), (2, 2), (1, 1), Same(upper=False)), (X2, floats(3, 4, 2, 4))),
    (L.Conv((3, 3), (1, 1), (1, 1), CONSTANT((1, 1), (1, 1)), 4), (X2, floats(8, 1, 3, 3))),
    (L.Conv((2, 3, 3), (1, 2, 1), (1, 1, 2), CONSTANT((0, 1), (1, 1), (2, 2))), (X3, floats(3, 2, 2, 3, 3), floats(3))),
    (L.ConvTranspose((4,), (2,), (1,), CONSTANT((1, 1)), (0,)), (X1, floats(4, 3, 4), floats(3))),
    (L.ConvTranspose((3, 2), (2, 3), (1, 2), CONSTANT((1, 0), (0, 1)), (1, 0), 2), (X2, floats(4, 3, 3, 2))),
    (L.ConvTranspose((2, 2), (3, 3), (1, 1), CONSTANT((0, 0), (0, 0)), (0, 0)), (X2, floats(4, 2, 2, 2))),
    (L.ConvTranspose((3, 3), (2, 2), (1, 1), Same(), (0, 0)), (X2, floats(4, 2, 3, 3))),
    (L.ConvTranspose((3, 3), (2, 2), (1, 1), ToSize((18, 17)), (0, 0)), (X2, floats(4, 2, 3, 3))),
    (
        L.ConvTranspose((2, 2, 2), (2, 2, 2), (1, 1, 1), CONSTANT((0, 0), (0, 0), (0, 0)), (0, 0, 0)),
        (X3, floats(2, 3, 2, 2, 2)),
    ),
]
POOLS: list[Case] = [
    (L.MaxPool((3,), (2,), (1,), CONSTANT((1, 1))), (X1,)),
    (L.MaxPool((3, 2), (2, 2), (1, 2), CONSTANT((1, 0), (0, 1)), ceil=True), (X2,)),
    (L.MaxPool((2, 2, 2), (2, 2, 2), (1, 1, 1), CONSTANT((0, 0), (0, 0), (0, 0))), (X3,)),
    (L.MaxPool((2, 2), (2, 2), (1, 1), Same()), (X2,)),
    (L.AveragePool((3, 3), (2, 2), (1, 1), CONSTANT((1, 1), (1, 1))), (X2,)),
    (L.AveragePool((3, 3), (2, 2), (1, 1), CONSTANT((1, 1), (1, 1)), count_include_pad=True), (X2,)),
    (L.AveragePool((2, 3), (2, 2), (1, 1), CONSTANT((0, 0), (1, 1)), ceil=True), (X2,)),
    (L.AveragePool((3,), (2,), (2,), CONSTANT((1, 2))), (X1,)),
    (L.LpPool((3, 2), (2, 1), (1, 2), CONSTANT((1, 0), (0, 1))), (X2,)),
    (L.MaxPoolIndices((3,), (2,), (1,), CONSTANT((1, 1))), (X1,)),
    (L.MaxPoolIndices((3, 2), (2, 2), (1, 2), CONSTANT((1, 0), (0, 1)), ceil=True), (X2,)),
    (L.MaxPoolIndices((2, 3), (2, 2), (1, 1), CONSTANT((0, 0), (1, 1)), column_major=True), (X2,)),
    (L.MaxPoolIndices((2, 2, 2), (2, 2, 2), (1, 1, 1), Same(), column_major=True), (X3,)),
    (L.MaxUnpool((3,), (2,), CONSTANT((1, 1))), (X1, places(X1, 200))),
    (L.MaxUnpool((2, 2), (2, 2), CONSTANT((0, 0), (0, 0))), (X2, places(X2, X2.size * 4))),
    (L.LpPool((3,), (2,), (1,), CONSTANT((1, 1)), ceil=True, p=1), (X1,)),
    (L.LpPool((2, 2, 2), (2, 2, 2), (1, 1, 1), Same(), p=3), (X3,)),
]
NORMALISATIONS: list[Case] = [
    (L.BatchNorm(1e-3), (X2, floats(4), floats(4), floats(4), positive(4))),
    (L.LRN(3, 0.1, 0.75, 2.0), (X2,)),
    (L.LRN(4, 0.3, 0.5, 1.0), (X2,)),
    (L.Softmax(1, 1), (X2,)),
    (L.Softmax(-1, -1), (X1,)),
    (L.Softmax(1, -1), (X2,)),
    (L.LogSoftmax(1, 1), (X2,)),
    (L.LogSoftmax(-1, -1), (X1 * 50,)),
    (L.LogSoftmax(1, -1), (X2,)),
    (L.Standardise((1, 2, 3), 1e-3), (X2, floats(4, 9, 8), floats(4, 9, 8))),
    (L.Standardise((2,)), (X1, floats(13))),
    (L.Standardise((3,), 1e-2, centred=False), (X2, floats(8))),
    (L.Standardise((0, 2, 3), 1e-18), (X2,)),
    (L.Standardise((1,), 1e-3), (X2, floats(4, 1, 1), floats(4, 1, 1))),
    (L.Standardise((1, -1), 1e-3, centred=False), (X2, floats(4, 1, 8), floats(1))),
    (L.GroupNorm(None), (X2, floats(4), floats(4))),
    (L.GroupNorm(2, 1e-3), (X2, floats(4), floats(4))),
    (L.GroupNorm(1), (X1, floats(4), floats(4))),
    (L.LpNorm(1, 1), (X2,)),
    (L.LpNorm(2, 2), (X1,)),
]
REDUCTIONS: list[Case] = [
    *(
        (layer(axis, keep, last), (X2,))
        for layer in (L.ArgMax, L.ArgMin)
        for axis, keep, last in ((1, True, False), (-1, False, True))
    ),
    *((layer((2, 3), True), (X2,)) for layer in (L.ReduceMean, L.ReduceMax, L.ReduceSum, L.ReduceMin, L.ReduceL1, L.ReduceL2)),
    (L.ReduceProd((-1,), False), (X2,)),
    (L.ReduceSum((1,), False), (X2,)),
    (L.ReduceMean((), False), (X2,)),
    (L.ReduceMeanSquare((1, 3), True), (X2,)),
]
LINEARS: list[Case] = [
    (L.Linear(), (floats(3, 7), floats(5, 7), floats(5))),
    (L.Linear(), (floats(2, 3, 7), floats(5, 7), floats(5))),
    (L.Linear(), (floats(2, 3, 7), floats(5, 7))),
    (L.MatMul(), (floats(2, 1, 3, 4), floats(5, 4, 2))),
    (L.MatMul(), (floats(4), floats(5, 4, 2))),
    (L.MatMul(), (floats(3, 4), floats(4))),
]
ACTIVATIONS: list[Case] = [
    (layer, (X2,))
    for layer in (
        *(L.Identity(), L.Relu(), L.LeakyRelu(0.1), L.ThresholdedRelu(0.4), L.Elu(0.7), L.Selu(), L.Celu(1.5), L.Sigmoid()),
        *(L.HardSigmoid(), L.HardSwish(), L.Tanh(), L.Softplus(), L.Softsign(), L.Mish(), L.Gelu(), L.Gelu(approximate=True)),
        *(L.Swish(), L.Swish(1.7), L.Clip(-0.5, 0.25), L.Clip(low=0.0), L.Clip(high=0.0), L.Exp(), L.Neg(), L.Abs(), L.Sign()),
        *(L.Floor(), L.Ceil(), L.Round(), L.Erf(), L.Reciprocal(), L.Cast("float64"), L.Cast("int32")),
    )
] + [(layer, (positive(2, 4, 5),)) for layer in (L.Log(), L.Sqrt())]
ARITHMETIC: list[Case] = [
    *((layer, (X2, floats(4, 1, 1))) for layer in (L.Add(), L.Sub(), L.Mul(), L.Div(), L.Minimum(), L.Maximum(), L.PRelu())),
    *((layer, (floats(8), X2)) for layer in (L.Add(), L.Sub())),
    (L.Pow(), (positive(2, 4, 5), floats(5))),
    (L.Div(), (ints(-7, 7, 9), ints(2, -2, 3))),
    *((layer, (X1, np.round(X1))) for layer in (L.Less(), L.LessOrEqual(), L.Greater(), L.GreaterOrEqual(), L.Equal())),
    *((layer, (X1 > 0, X1 < 1)) for layer in (L.And(), L.Or(), L.Xor())),
    (L.Not(), (X1 > 0,)),
    (L.Where(), (X2 > 0, X2, floats(4, 1, 8))),
]
RESHAPINGS: list[Case] = [
    (L.Reshape(), (X2, ints(0, 2, 2, 0, -1))),
    (L.Reshape(), (X2, ints(2, -1))),
    (L.Reshape(), (X2, ints(6, 12, 8))),
    (L.Flatten(1), (X2,)),
    (L.Flatten(-1), (X2,)),
    (L.Squeeze((0, -1)), (floats(1, 3, 4, 1),)),
    (L.Squeeze(None), (floats(1, 3, 1),)),
    (L.Unsqueeze((0, -1)), (floats(3, 4),)),
]
MOVEMENTS: list[Case] = [
    (L.Transpose((0, 2, 3, 1)), (X2,)),
    (L.Transpose(None), (X1,)),
    (L.Concat(1), (X2, floats(2, 1, 9, 8), floats(2, 3, 9, 8))),
    (L.Concat(-1), (X1, floats(2, 4, 2))),
    (L.Slice(), (X2, ints(1, -6), ints(100, -1), ints(1, 2), ints(1, 2))),
    (L.Slice(), (X2, ints(-1), ints(-100), ints(3), ints(-2))),
    (L.Slice(), (X1, ints(0, 1), ints(1, 3))),
    *((L.Pad(mode), (X2, ints(0, 0, 3, 1, 0, 0, 2, 5))) for mode in L.MODES),
    (L.Pad(), (X2, ints(0, 1, -2, 1, 0, 0, 2, -1), np.float32(7.5).reshape(()))),
    (L.Pad(), (X2, ints(2, 3), np.float32(1).reshape(()), ints(-1))),
    (L.Expand(), (floats(3, 1), ints(2, 1, 5))),
    (L.Tile(), (floats(2, 3), ints(2, 3))),
    (L.DepthToSpace(2, "DCR"), (floats(1, 8, 3, 4),)),
    (L.DepthToSpace(2, "CRD"), (floats(1, 8, 3, 4),)),
    (L.SpaceToDepth(2), (floats(1, 3, 4, 6),)),
    (L.SpaceToDepth(2, "CRD"), (floats(1, 3, 4, 6),)),
    (L.Gather(2), (X2, ints(0, 5, -1))),
    (L.Gather(0), (floats(5, 3), np.array([[0, 1], [2, -1]], np.int64))),
]
#: One that leaves the signal at both ends, and one inside it.
CROPS = (Crop(Fraction(-1, 4), Fraction(3, 2)), Crop(Fraction(1, 4), Fraction(3, 4)))
RESIZES: list[Case] = [
    *((L.Resize(Nearest(), c), (X2, numbers(1, 1, 2, 1.5))) for c in (Coordinates.half_pixel, Coordinates.asymmetric)),
    *((L.Resize(Nearest(r), Coordinates.asymmetric), (X2, numbers(1, 1, 1.5, 0.6))) for r in Rounding),
    *((L.Resize(Linear(), c), (X2, ints(2, 4, 13, 5))) for c in (Coordinates.half_pixel, Coordinates.align_corners)),
    (L.Resize(Linear(), Coordinates.pytorch_half_pixel), (X2, ints(2, 4, 1, 20))),
    (L.Resize(Cubic(), Coordinates.half_pixel), (X2, numbers(1, 1, 2, 0.7))),
    (L.Resize(Cubic(Fraction(-1, 2), True), Coordinates.half_pixel), (X2, numbers(1, 1, 1.7, 2))),
    (L.Resize(Linear(), Coordinates.half_pixel, (2, 3)), (X2, numbers(2, 3))),
    (L.Resize(Linear(antialias=True), Coordinates.half_pixel, (2, 3)), (X2, numbers(0.6, 0.5))),
    (L.Resize(Cubic(exclude_outside=True, antialias=True), Coordinates.half_pixel, (3, 2)), (X2, ints(2, 3))),
    *((L.Resize(f, CROPS, (2, 3)), (X2, ints(6, 5))) for f in (Nearest(), Linear(), Cubic())),
    *((L.Resize(Linear(), axes=(2, 3), aspect=a), (X2, ints(9, 3))) for a in (Aspect.not_larger, Aspect.not_smaller)),
]
SHAPES: list[Case] = [
    (L.Shape(), (X2,)),
    (L.Shape(1, -1), (X2,)),
    (L.Size(), (X2,)),
    (L.ConstantOfShape(0.5), (ints(2, 3),)),
    (L.ConstantOfShape(3, "int64"), (ints(2),)),
    (L.Range(), (np.int64(3).reshape(()), np.int64(-4).reshape(()), np.int64(-2).reshape(()))),
    (L.Range(), tuple(np.float32(x).reshape(()) for x in (0.5, 3.0, 0.75))),
]
#: Every layer; those of ``SHAPES`` fold away before a run.
COMPUTED: list[Case] = [
    *(CONVOLUTIONS + POOLS + NORMALISATIONS + REDUCTIONS + LINEARS),
    *(ACTIVATIONS + ARITHMETIC + RESHAPINGS + MOVEMENTS + RESIZES),
]
CASES: list[Case] = COMPUTED + SHAPES


def label(case: object) -> str:
    return repr(case[0]) if isinstance(case, tuple) else str(case)


def network_of(layer: Layer, operands: tuple[Array, ...]) -> Network:
    """One node: float operands are inputs, integer ones (shapes, starts, pads, ...) constants, as models have them."""
    names = [f"x{i}" for i in range(len(operands))]
    given = {name: Fact(x.dtype.name, x.shape) for name, x in zip(names, operands, strict=True) if x.dtype.kind != "i"}
    if isinstance(layer, L.Resize | L.Range | L.ConstantOfShape | L.Pad):
        given = {name: fact for name, fact in given.items() if name == "x0" and not isinstance(layer, L.Range)}
    if not given and not isinstance(layer, L.ConstantOfShape | L.Range):
        given = {name: Fact(x.dtype.name, x.shape) for name, x in zip(names, operands, strict=True)}
    constants = {name: x for name, x in zip(names, operands, strict=True) if name not in given}
    return Network("case", given, ("y",), (Node("y", layer, tuple(names), "y"),), constants)
