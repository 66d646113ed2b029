"""Minimal filtering: right within its errors, and the same bits for any box, tile of registers and number of threads."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import atrous
from atrous.engine.codelets import winograd2, winograd3, winograd4, winograd6
from atrous.engine.compiler import default_compiler
from atrous.engine.lowering.requests import requests
from atrous.engine.plan import FILTERS, TABLE, name
from atrous.engine.planner import ACCURACIES, family
from atrous.engine.program import Program
from atrous.engine.view import Layout
from atrous.errors import ArgumentError
from atrous.geometry import Box
from atrous.geometry.padding import Explicit
from atrous.graph.fact import Array, Fact
from atrous.graph.layers import Add, Conv, Relu
from atrous.graph.network import Network, Node
from atrous.problem import Problem
from tests.engine.running import program_of, random_box, run_box, same_bits
from tests.oracles import by_definition
from tests.strategies import operands

#: The largest error against float64, relative to the largest output.
ERRORS = {winograd2: 3e-6, winograd3: 6e-6, winograd4: 1e-5, winograd6: 5e-5}
RNG = np.random.default_rng(1)
#: Kernels of 3 taps on their filtered axes, and others, which fall into pieces.
PLAIN = [(3, 3), (3, 3), (3, 1), (1, 3), (3,), (3, 3, 3), (2, 3, 3), (4, 1, 3)]
PIECES = [(2,), (4,), (5,), (7,), (11,), (5, 5), (7, 3), (1, 7), (5, 1), (2, 2), (11, 8), (2, 5, 4), (3, 1, 7)]


@st.composite
def filtered(draw: st.DrawFn) -> Problem:
    """A convolution that tiles can compute: around the seams of tiles, residue classes and vectors."""
    kernel = draw(st.sampled_from(PLAIN if draw(st.booleans()) else PIECES))
    deep = len(kernel) == 3
    dilations = tuple(draw(st.sampled_from([1, 1, 2, 3, 5])) if k > 1 else 1 for k in kernel)
    pads = tuple((draw(st.integers(0, k * d)), draw(st.integers(0, k * d))) for k, d in zip(kernel, dilations, strict=True))
    space = tuple(draw(st.integers(1, 9 if deep else 23)) for _ in kernel)
    strides = (draw(st.integers(1, 3)), 1, 1) if deep else tuple(1 for _ in kernel)
    padded = zip(space, pads, kernel, dilations, strict=True)
    assume(all(n + lo + hi > (k - 1) * d for n, (lo, hi), k, d in padded))
    return Problem(
        draw(st.integers(1, 3)),
        draw(st.sampled_from([1, 3, 8, 15, 16, 17, 37])),
        space,
        draw(st.sampled_from([1, 5, 16, 17, 33, 50])),
        kernel,
        strides,
        dilations,
        pads,
        bias=draw(st.booleans()),
        dtype=draw(st.sampled_from(["float32", "float64"])),
    )


def forced(problem: Problem, codelet: object, pick: int = 0) -> str:
    """A plan for the problem: one of the register tiles."""
    (request,) = requests(problem)
    found = next(each for each in FILTERS if each.__name__ == codelet.__name__)  # type: ignore[attr-defined]
    tile = found.candidates(request.c, default_compiler().target)
    tile = tile[pick % len(tile)]
    return f"{name(found)} {tile}"


@settings(max_examples=60)
@given(filtered(), st.data(), st.integers(0, 99), st.integers(0, 9))
def test_equal_to_the_definition_and_any_box_the_whole(problem: Problem, data: st.DataObject, pick: int, seed: int) -> None:
    x, w, bias = operands(problem, seed)
    (request,) = requests(problem)
    target = default_compiler().target
    codelet = data.draw(st.sampled_from([each for each in ERRORS if each.applies(request.c, target)]))
    made = program_of(problem, w, bias, plans={"layer": forced(problem, codelet, pick)})
    y, wanted = made(x), by_definition(problem, x, w, bias)
    scale = {"float32": 1.0, "float64": 1e-8}[problem.dtype]
    assert np.abs(y - wanted).max() <= scale * ERRORS[codelet] * max(1.0, np.abs(wanted).max())
    rng = np.random.default_rng(seed)
    for _ in range(3):
        box = random_box(rng, y.shape)
        assert same_bits(run_box(made, x, box, threads=2), y[box.slices()].copy())


@pytest.mark.parametrize("codelet", [winograd2, winograd3, winograd4, winograd6])
def test_all_register_tiles_threads_and_places_in_a_batch_give_the_same_bits(codelet: object) -> None:
    problem = Problem.parse("conv:f32:n3:c21:i19x14:k50:w3x3:d1x2:p1x2:b")
    x, w, bias = operands(problem)
    expected = program_of(problem, w, bias, plans={"layer": forced(problem, codelet)})(x)
    for pick in range(1, 60, 5):
        made = program_of(problem, w, bias, plans={"layer": forced(problem, codelet, pick)}, threads=1 + pick % 3)
        assert same_bits(made(x), expected)
        assert same_bits(made(x[1:2]), expected[1:2].copy())


def test_bands_of_a_large_signal_have_seams_that_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    problem = Problem.parse("conv:f32:c16:i70x33:k16:w3x3:p1:b")
    x, w, bias = operands(problem)
    plans = {"layer": forced(problem, winograd4)}
    expected = program_of(problem, w, bias, plans=plans)(x)
    monkeypatch.setattr("atrous.engine.lowering.filtering.BAND", 2**16)
    made = program_of(problem, w, bias, plans=plans)
    assert same_bits(made(x), expected)
    bound = made.bind({"x": x.shape})
    assert len(bound.schedule(bound.whole()).launches) > 6


def residual(channels: int) -> Network:
    """A block with a residual connection and a plain layer after it: epilogues with operands, and a halo of two layers."""
    weights = {n: (RNG.standard_normal((channels, channels, 3, 3)) / 12).astype("float32") for n in "vw"}
    biases = {f"b{n}": RNG.standard_normal(channels).astype("float32") for n in "vw"}
    conv = Conv((3, 3), (1, 1), (1, 1), Explicit(((1, 1), (1, 1))))
    nodes = (
        Node("first", conv, ("x", "v", "bv"), "a"),
        Node("relu", Relu(), ("a",), "r"),
        Node("second", conv, ("r", "w", "bw"), "c"),
        Node("sum", Add(), ("c", "x"), "s"),
        Node("last", Relu(), ("s",), "y"),
    )
    return Network("residual", {"x": Fact("float32", ("N", channels, "H", "W"))}, ("y",), nodes, weights | biases)


def test_a_residual_block_by_tiles_and_in_boxes() -> None:
    network, x = residual(24), RNG.standard_normal((2, 24, 37, 29)).astype("float32")
    plain = Program(network, accuracy="strict")(x)
    made = Program(network, plans={"first": "winograd4 p8v2r2", "second": "winograd2 p7v2"})
    y = made(x)
    assert np.abs(y - plain).max() <= 1e-5 * np.abs(plain).max()
    assert not same_bits(y, plain)
    for seed in range(8):
        box = random_box(np.random.default_rng(seed), y.shape)
        assert same_bits(run_box(made, x, box, threads=2), y[box.slices()].copy())


def test_a_box_reads_what_its_tiles_read() -> None:
    """Tiles of 4 by 4 outputs: an output inside one needs all that the tile reads, and no more."""
    problem = Problem.parse("conv:f32:c8:i40x40:k8:w3x3:p1")
    x, w, bias = operands(problem)
    made = program_of(problem, w, bias, plans={"layer": forced(problem, winograd4)}).bind({"x": x.shape})
    assert made.demand({"y": Box((0, 0, 9, 38), (1, 8, 10, 39))})["x"] == Box((0, 0, 7, 35), (1, 8, 13, 40))


LARGE = "conv:f32:c64:i56x56:k64:w3x3:p1"


def chosen(text: str, accuracy: str = "default", **signal: object) -> tuple[object, ...]:
    (request,) = requests(Problem.parse(text))
    return family(request.c, replace(request.signal, **signal), default_compiler().target, accuracy)


def test_the_family_does_not_depend_on_the_batch_or_the_layouts_around() -> None:
    (codelet,) = chosen(LARGE)
    assert codelet in FILTERS
    for layout in (None, Layout.ROWS, Layout.CHANNELS):
        assert chosen(LARGE, batch=16, source=layout, wanted=layout) == (codelet,)


@pytest.mark.parametrize(
    "text",
    [
        "conv:f32:c64:i16064:k128:w2:d64",
        "conv:f32:c64:i56x56:k64:w3x3:s2:p1",
        "conv:f32:c64:i56x56:k64:w3x3:p1:g64",
        "conv:f32:c3:i56x56:k64:w3x3:p1",
    ],
)
def test_where_tiles_are_not_taken(text: str) -> None:
    assert chosen(text) == TABLE


def test_strict_takes_plain_sums_alone() -> None:
    assert chosen(LARGE, "strict") == TABLE
    assert ACCURACIES["default"] == FILTERS[:3]


def test_weights_that_are_not_finite_are_never_transformed() -> None:
    problem = Problem.parse(LARGE)
    x, w, bias = operands(problem)
    w[3, 2, 1, 1] = np.inf
    made = program_of(problem, w, bias)
    made(x)
    assert all(plan.codelet in TABLE for plan in made.planner.chosen.values())


def test_infinity_spreads_over_its_tiles_and_not_under_strict() -> None:
    """The documented rule: an output is not finite if a tile's input is not, where the definition would have a number."""
    problem = Problem.parse("conv:f32:c16:i24x24:k16:w3x3:p1")
    x, w, bias = operands(problem)
    x[0, 5, 9, 9] = np.inf
    by_tiles = program_of(problem, w, bias, plans={"layer": forced(problem, winograd4)})(x)
    strict = program_of(problem, w, bias, accuracy="strict")(x)
    odd = ~np.isfinite(by_tiles).all(axis=(0, 1))
    assert odd[8:12, 8:12].all()
    assert not odd[:4].any()
    assert not odd[12:].any()
    assert np.argwhere(~np.isfinite(strict).all(axis=(0, 1))).tolist() == [[i, j] for i in (8, 9, 10) for j in (8, 9, 10)]


def test_accuracy_is_one_of_three() -> None:
    network = residual(16)
    for accuracy in ACCURACIES:
        assert network.compile(accuracy=accuracy)(np.zeros((1, 16, 8, 8), "float32")).shape == (1, 16, 8, 8)
    with pytest.raises(ArgumentError, match="accuracy: got 'exact'; it must be 'strict', 'default', 'fast'"):
        network.compile(accuracy="exact")
    with pytest.raises(ArgumentError, match="accuracy: got 'loose'"):
        atrous.Conv(np.ones((1, 1, 3, 3), "float32"), accuracy="loose")


@pytest.mark.parametrize("accuracy", ["strict", "default", "fast"])
def test_errors_of_each_policy(accuracy: str) -> None:
    """Against float64, on a layer with many channels; the bounds are what the documentation says."""
    problem = Problem.parse("conv:f32:c128:i28x28:k64:w3x3:p1:b")
    x, w, bias = operands(problem)
    w /= np.float32(34)
    y: Array = program_of(problem, w, bias, accuracy=accuracy)(x)
    wanted = by_definition(problem, x, w, bias)
    error = np.abs(y - wanted).max() / np.abs(wanted).max()
    assert error <= {"strict": 4e-6, "default": 1e-5, "fast": 5e-5}[accuracy]
