"""Problems through the engine: by the calls that users make, and as programs that can be bound to any box."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

import atrous
from atrous.engine.compiler import Compiler, default_compiler
from atrous.engine.program import Program
from atrous.geometry import Box
from atrous.geometry.padding import Explicit
from atrous.graph.fact import Array, Fact
from atrous.graph.layer import Layer
from atrous.graph.layers.convolution import Conv, ConvTranspose
from atrous.graph.network import Network, Node
from atrous.problem import Problem

#: The largest error, relative to the largest output, that a result may have against float64.
TOLERANCE = {"float32": 1e-5, "float64": 1e-12}


def call(problem: Problem, x: Any, w: Any, bias: Any, out: Array | None = None) -> Array:
    """The problem by ``atrous.conv`` or ``atrous.conv_transpose``."""
    arguments: dict[str, Any] = {
        "stride": problem.strides,
        "padding": problem.pads,
        "dilation": problem.dilations,
        "groups": problem.groups,
        "out": out,
    }
    if problem.transposed:
        return atrous.conv_transpose(x, w, bias, output_padding=problem.output_padding, **arguments)
    return atrous.conv(x, w, bias, **arguments)


def layer_of(problem: Problem) -> Layer:
    """The problem as a layer of a network; its padding may crop, which the calls refuse."""
    shape = (problem.kernel, problem.strides, problem.dilations, Explicit(problem.pads))
    if problem.transposed:
        return ConvTranspose(*shape, problem.output_padding, problem.groups)
    return Conv(*shape, problem.groups)


def single(layer: Layer, dtype: str, channels: int, axes: int, constants: Mapping[str, Array], **options: Any) -> Program:
    """A program of one layer for signals ``x`` of any batch and size."""
    fact = Fact(dtype, ("N", channels, *(f"S{axis}" for axis in range(axes))))
    network = Network("single", {"x": fact}, ("y",), (Node("layer", layer, ("x", *constants), "y"),), dict(constants))
    return Program(network, **options)


def program_of(problem: Problem, w: Array, bias: Array | None, **options: Any) -> Program:
    """The problem's layer as a program for signals of any batch and size."""
    constants = {"w": w} if bias is None else {"w": w, "b": bias}
    return single(layer_of(problem), problem.dtype, problem.channels, problem.axes, constants, **options)


def run_box(program: Program, x: Array, box: Box, threads: int = 1) -> Array:
    """One box of the output, from exactly the part of ``x`` that it needs (kernels may make more channels than asked for)."""
    bound = program.bind({"x": x.shape})
    boxes = bound.demand({"y": box})
    dtype = np.dtype(bound.facts["y"].dtype)
    part = np.full(boxes["y"].shape, np.nan if dtype.kind == "f" else -9, dtype)
    given = {"x": x[boxes["x"].slices()].copy()} if "x" in boxes else {}
    bound.run(boxes, given, {"y": part}, threads)
    return part[box.slices(boxes["y"].lo)].copy()


def random_box(rng: np.random.Generator, shape: tuple[int, ...]) -> Box:
    """A box of at least one element inside an array of this shape."""
    lo = tuple(int(rng.integers(0, n)) for n in shape)
    return Box(lo, tuple(int(rng.integers(a + 1, n + 1)) for a, n in zip(lo, shape, strict=True)))


def kernels(compiler: Compiler | None = None) -> int:
    """How many kernels this process has made or loaded so far."""
    return len((compiler or default_compiler())._addresses)


def error(result: Array, expected: Array) -> float:
    """The largest error relative to the largest expected element."""
    assert result.shape == expected.shape
    largest = float(np.abs(expected).max())
    return float(np.abs(result - expected).max()) / (largest or 1.0)


def same_bits(a: Array, b: Array) -> bool:
    """Whether two arrays agree in shape, type and every bit."""
    return a.shape == b.shape and a.dtype == b.dtype and a.tobytes() == b.tobytes()
