"""Every fast codelet with every register tile against the plain loop nest, bit for bit: one order of operations for all."""

from __future__ import annotations

from dataclasses import replace
from types import ModuleType

import pytest

from atrous.engine.codelets import direct, direct_from_rows, direct_in_rows, direct_to_rows, grouped, nest, planes, rows
from atrous.engine.codelets.convolution import Convolution, Register
from atrous.engine.compiler import default_compiler
from atrous.engine.lowering.requests import requests
from atrous.engine.plan import TABLE, Plan, Signal
from atrous.engine.planner import plan
from atrous.engine.view import Layout
from atrous.graph.fact import Array
from atrous.problem import Problem
from tests.engine.running import program_of, same_bits
from tests.strategies import operands


def results(problem: Problem, plan: Plan) -> list[Array]:
    """The problem by a plan on three row lengths: shorter than a tile, across tiles, and long."""
    _, w, bias = operands(problem)
    program = program_of(problem, w, bias, plans={"layer": str(plan)})
    found = []
    for row in (3, problem.space[-1], 61):
        x = operands(replace(problem, space=(*problem.space[:-1], row)), seed=row)[0]
        found.append(program(x))
    return found


def tiles(problem: Problem, codelet: ModuleType) -> list[Register]:
    """The register tiles that a codelet has for all parts of a problem."""
    target = default_compiler().target
    found = [codelet.candidates(request.c, target) for request in requests(problem)]
    return [tile for tile in found[0] if all(tile in others for others in found)]


DENSE = (
    "conv:f32:n2:c5:i6x29:k35:w3x3:p1:b",
    "conv:f64:c6:i5x31:k21:w3x3:s2x1:d1x2:p2+1:g3:b",
    "conv:f32:c3:i40:k1:w5:s2:p3+0",
    "conv:f32:c2:i4x3x17:k50:w2x3x2:p1:b",
    "convt:f64:c4:i5x18:k9:w3x4:s2x3:p1",
)
ROWS = (
    "conv:f32:n2:c5:i6x29:k7:w3x3:p1:b",
    "conv:f64:c6:i5x31:k21:w3x3:s2x2:d1x2:p2+1:g3:b",
    "conv:f32:c3:i40:k1:w5:s3:p3+0",
    "conv:f32:c2:i4x3x17:k5:w2x3x2:s1x2x4:p1:b",
    "conv:f32:c9:i4x50:k4:w3x3:d2x16:p2x16:b",
    "conv:f32:c4:i7x30:k4:w3x3:p1:g4",
)
DEPTHWISE = (
    "conv:f32:n2:c37:i6x29:k37:w3x3:p1:g37:b",
    "conv:f64:c8:i33:k8:w11:s2:p5:g8",
    "conv:f32:c5:i9x4x30:k5:w3x2x5:s2x1x2:d2x1x3:p2x2x6:g5",
    "conv:f32:c3:i30x15:k3:w31x31:p15:g3:b",
    "convt:f32:c5:i4x9:k5:w3x3:s2:g5:b",
)
GROUPED = (
    "conv:f32:n2:c20:i6x29:k20:w3x3:p1:g5:b",
    "conv:f64:c12:i33:k12:w5:s2:p2:g6:b",
    "conv:f32:c40:i5x30:k20:w3x3:d1x2:p1x2:g5",
    "conv:f32:c24:i5x30:k24:w3x3:p1:g3:b",
    "conv:f32:c12:i3x4x18:k24:w2x1x3:g12:b",
    "conv:f32:c48:i4x20:k48:w1x1:g12:b",
)
PLANES = (
    "conv:f32:n2:c5:i6x29:k5:w3x3:p1:g5:b",
    "conv:f64:c4:i33:k4:w11:s2:p5:g4",
    "conv:f32:c3:i9x4x30:k3:w3x2x5:s2x1x2:d2x1x3:p2x2x6:g3",
    "conv:f32:c3:i30x15:k3:w31x31:p15:g3:b",
    "conv:f32:c2:i7x50:k6:w5x3:d1x17:p2x17:g2:b",
    "conv:f32:c3:i13x30:k3:w3x5:s2x2:p1x2:g3:b",
    "conv:f32:c3:i23x30:k3:w3x3:d4x5:p4x5:g3:b",
    "conv:f64:n2:c3:i3x16x9:k3:w2x5x3:s1x3x1:p0x3x1:g3",
    "conv:f32:c20:i7x7:k20:w7x7:p3:g20:b",
)


@pytest.mark.parametrize(
    ("codelet", "text"),
    [
        *((codelet, text) for codelet in (direct, direct_from_rows, direct_to_rows, direct_in_rows) for text in DENSE[:4]),
        (direct, DENSE[4]),
        *((grouped, text) for text in (*DEPTHWISE, *GROUPED)),
        *((planes, text) for text in PLANES),
        (direct, DEPTHWISE[0]),
        *((rows, text) for text in ROWS),
    ],
)
def test_register_tiles_equal_the_loop_nest(codelet: ModuleType, text: str) -> None:
    problem = Problem.parse(text)
    expected = results(problem, Plan.parse("nest p1v1"))
    every = (codelet, text) in ((direct, DENSE[0]), (grouped, DEPTHWISE[0]), (planes, PLANES[0]), (rows, ROWS[0]))
    tried = tiles(problem, codelet)[:: 1 if every else 3]
    for tile in tried:
        plan = Plan(codelet, tile)  # type: ignore[arg-type]
        if any(not same_bits(a, b) for a, b in zip(results(problem, plan), expected, strict=True)):
            raise AssertionError(f"{text} by {plan} differs from the loop nest")
    assert len(tried) >= 2


def test_the_planner_finds_a_codelet_for_every_convolution_and_layout() -> None:
    target = default_compiler().target
    dense = Convolution("float32", 32, 32, 1, (3, 3), (1, 1), (1, 1), 32)
    inside = Signal(1, (56, 56), (56, 56), Layout.CHANNELS, Layout.CHANNELS)
    callers = replace(inside, source=Layout.ROWS, wanted=Layout.ROWS)
    assert plan(dense, inside, target).codelet is direct
    for wanted in Layout:
        assert plan(dense, replace(inside, wanted=wanted, strict=True), target).codelet.WRITES is wanted
    assert plan(replace(dense, outputs=1), callers, target).codelet is rows
    assert plan(replace(dense, channels=1, outputs=1, groups=32), inside, target).codelet is grouped
    assert plan(replace(dense, channels=1, outputs=1, groups=32), callers, target).codelet is planes
    assert plan(replace(dense, finite=False), inside, target).codelet is nest
    assert plan(dense, inside, target, TABLE[-1:]).codelet is nest
    assert str(plan(dense, inside, target)).startswith("direct p")
