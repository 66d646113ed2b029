"""Kernels touch no byte outside of the callers' arrays: those here end, or begin, where the process may not read."""

from __future__ import annotations

import subprocess
import sys

import pytest

SCRIPT = """
import sys
import numpy as np
from atrous.geometry import Box, Explicit
from atrous.graph.layers.pooling import AveragePool, MaxPool
from atrous.problem import Problem
from tests.guarded import guarded
from tests.engine.running import program_of, random_box, single
from tests.strategies import operands

rng = np.random.default_rng(0)
for text in sys.argv[1:]:
    problem = Problem.parse(text)
    x, w, bias = operands(problem)
    sizes = [(size,) * problem.axes for size in (3, 1, 1)]
    pools = [kind(*sizes, Explicit(((1, 1),) * problem.axes)) for kind in (MaxPool, AveragePool)]
    programs = [single(pool, problem.dtype, problem.channels, problem.axes, {}) for pool in pools]
    programs.append(program_of(problem, w, bias))
    for program in programs:
        bound = program.bind({"x": x.shape})
        whole = program(x)
        for turn in range(6):
            box = Box.full(whole.shape) if turn < 2 else random_box(rng, whole.shape)
            boxes = bound.demand({"y": box})
            for at_end in (False, True):
                given = {"x": guarded(x[boxes["x"].slices()], at_end)} if "x" in boxes else {}
                part = guarded(np.zeros(boxes["y"].shape, whole.dtype), at_end)
                bound.run(boxes, given, {"y": part}, 2)
                assert part.tobytes() == whole[boxes["y"].slices()].tobytes()
print("done")
"""

PROBLEMS = [
    "conv:f32:c1:i9x31:k1:w3x3:p1",  # one channel: signals are read and written where they lie, without a copy
    "conv:f32:n2:c1:i7x40:k1:w3x5:s1x2:p2:b",
    "conv:f64:c1:i45:k1:w4:d3:p2+1",
    "conv:f32:c1:i5x6x19:k1:w3x3x3:p1",
    "convt:f32:c1:i5x17:k1:w3x3:s2:p1",
    "convt:f32:c1:i37:k1:w32:s8:p3",  # phases side by side
    "convt:f32:n3:c5:i3x11:k2:w2x6:s2x3:b",
    "convt:f32:c2:i5x40:k2:w5x5:s2:p2:g2",
    "convt:f32:c3:i4x5x19:k3:w3x4x9:s1x4x5:p1:g3:b",
    "conv:f32:c5:i6x23:k7:w3x3:p1",
    "conv:f32:c17:i1x1:k33:w1x1",
    "conv:f64:c18:i5x9:k18:w3x3:p1:g18",
    "conv:f32:c1:i4x9:k35:w3x3:p1",
]


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs mprotect")
def test_no_byte_outside_is_touched() -> None:
    """In a process of its own, since a byte too far ends it."""
    result = subprocess.run(
        [sys.executable, "-X", "faulthandler", "-c", SCRIPT, *PROBLEMS],
        capture_output=True,
        timeout=300,
        text=True,
        check=False,
    )
    assert (result.returncode, result.stdout) == (0, "done\n"), result.stderr
