"""Arrays put into the order of their axes by generated copies: NumPy's elements, whatever the axes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from atrous.engine.compiler import default_compiler
from atrous.engine.lowering.arranging import LEAST_BYTES, arranged
from atrous.engine.lowering.tape import Tape
from atrous.engine.schedule import Schedule
from tests.engine.running import same_bits

TAPE = Tape(Schedule(), default_compiler(), {})


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    ("shape", "order"),
    [
        ((1, 9, 32, 64, 9), (0, 1, 4, 3, 2)),
        ((3, 5, 48, 133, 1), (0, 1, 4, 3, 2)),
        ((300, 301), (1, 0)),
        ((2, 3, 16, 17, 147), (0, 1, 4, 3, 2)),
        ((61, 64, 50), (2, 0, 1)),
    ],
)
def test_a_transpose_is_arranged(dtype: str, shape: tuple[int, ...], order: tuple[int, ...]) -> None:
    array = np.random.default_rng(0).standard_normal(shape).astype(dtype).transpose(order)
    assert array.nbytes >= LEAST_BYTES
    made = arranged(TAPE, array)
    assert made.flags.c_contiguous
    assert same_bits(made, array.copy("C"))


def test_what_is_in_order_is_not_copied() -> None:
    array = np.ones((600, 600), "float32")
    assert arranged(TAPE, array) is array
    small = np.arange(6.0).reshape(2, 3).T
    assert same_bits(arranged(TAPE, small), small.copy("C"))


@pytest.mark.parametrize("view", [np.s_[::-1], np.s_[:, ::2], np.s_[5:, 3:]])
def test_views_that_begin_or_walk_otherwise(view: Any) -> None:
    array = np.random.default_rng(1).standard_normal((700, 400)).astype("float32").T[view]
    assert same_bits(arranged(TAPE, array), array.copy("C"))
