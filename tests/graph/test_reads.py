"""The geometry rule of every layer, by brute force: what lies outside the pulled-back box never changes the output box."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from atrous.geometry import Box, pull_back
from atrous.graph.fact import Array, Fact
from atrous.graph.layer import Fused, Step
from atrous.graph.layers import Add, Mul, Pad, Relu, Resize, Sub
from tests.graph.cases import COMPUTED, CONVOLUTIONS, Case, floats, label

FUSED: list[Case] = [
    (
        Fused(CONVOLUTIONS[0][0], (Step(Relu()), Step(Sub(), 1, 1), Step(Mul(), 1), Step(Add(), 1)), 3),
        (*CONVOLUTIONS[0][1], floats(2, 5, 13), floats(5, 1), floats(1)),
    )
]


def shaken(operand: Array, box: Box, rng: np.random.Generator) -> Array:
    """The operand with other elements outside the box."""
    if operand.dtype.kind == "b":
        other = rng.random(operand.shape) < 0.5
    else:
        other = (operand + rng.integers(1, 9, operand.shape)).astype(operand.dtype)
    where = box.clip(operand.shape).slices()
    other[where] = operand[where]
    return other


@pytest.mark.parametrize("case", COMPUTED + FUSED, ids=label)
@settings(max_examples=8, deadline=None)
@given(data=st.data())
def test_what_lies_outside_the_needed_box_changes_nothing(case: Case, data: st.DataObject) -> None:
    layer, operands = case
    whole = layer.evaluate(*operands)
    ends = [sorted(data.draw(st.tuples(st.integers(0, n), st.integers(0, n)))) for n in whole.shape]
    box = Box(tuple(lo for lo, _ in ends), tuple(hi for _, hi in ends))
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    facts = [Fact.of(operand) for operand in operands]
    boxes = [pull_back(box, pulls) for pulls in layer.reads(*facts)]
    # shapes, starts and scales are read while planning, whatever the box
    fixed = [fact.dtype == "int64" or (i > 0 and isinstance(layer, Resize | Pad)) for i, fact in enumerate(facts)]
    other = [x if keep else shaken(x, need, rng) for x, need, keep in zip(operands, boxes, fixed, strict=True)]
    np.testing.assert_array_equal(layer.evaluate(*other)[box.slices()], whole[box.slices()])


@pytest.mark.parametrize("case", COMPUTED + FUSED, ids=label)
def test_every_operand_axis_has_its_rule(case: Case) -> None:
    layer, operands = case
    facts = [Fact.of(operand) for operand in operands]
    reads, output = layer.reads(*facts), layer.infer(*facts)
    assert [len(pulls) for pulls in reads] == [fact.rank for fact in facts]
    assert all(0 <= pull.axis < max(1, output.rank) for pulls in reads for pull in pulls)
