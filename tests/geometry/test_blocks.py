"""Maps that do not slide, against enumeration and NumPy's padding modes."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from atrous.geometry.blocks import Blocks, Clamped, Mirrored

INTERVALS = st.tuples(st.integers(0, 20), st.integers(1, 12)).map(lambda pair: (pair[0], pair[0] + pair[1]))


@given(st.integers(1, 5), st.integers(1, 5), INTERVALS)
def test_outputs_of_a_block_read_their_own_block(inputs: int, outputs: int, interval: tuple[int, int]) -> None:
    blocks = {o // outputs for o in range(*interval)}
    assert Blocks(inputs, outputs).needs(*interval) == (min(blocks) * inputs, (max(blocks) + 1) * inputs)


@given(st.integers(1, 9), st.integers(0, 8), INTERVALS)
def test_borders_that_repeat_the_signal_are_numpys(size: int, pad: int, interval: tuple[int, int]) -> None:
    for step, mode in ((Mirrored(size, pad), "reflect"), (Clamped(size, pad), "edge")):
        copied = np.pad(np.arange(size), (pad, 40), mode=mode)[slice(*interval)]
        assert [step.source(o) for o in range(*interval)] == copied.tolist()
        assert step.needs(*interval) == (copied.min(), copied.max() + 1)
        assert step.needs(interval[0], interval[0]) == (0, 0)
