"""Memory that is used again: results whose arrays died, scratch between calls, and what ``release`` gives back."""

from __future__ import annotations

import gc

import numpy as np
import pytest

import atrous
from atrous.engine import memory
from atrous.engine.memory import KEEP_BYTES, LEAST_BYTES, Seat, new_array

F32 = np.dtype("float32")
LARGE = (LEAST_BYTES // 4,)


@pytest.fixture(autouse=True)
def _nothing_kept() -> None:
    memory.release()


def test_a_dead_result_gives_its_memory_to_the_next_of_its_size() -> None:
    first = new_array(LARGE, F32)
    place = first.ctypes.data
    del first
    assert memory.kept_bytes() == LEAST_BYTES
    again = new_array((2, LEAST_BYTES // 8), F32)
    assert again.ctypes.data == place
    assert memory.kept_bytes() == 0
    assert new_array(LARGE, F32).ctypes.data != place, "what lives is nobody else's"


def test_views_keep_the_memory() -> None:
    whole = new_array(LARGE, F32)
    whole[:] = 7
    part = whole.reshape(2, -1)[1, 5:10]
    other = memoryview(part)
    del whole
    del part
    gc.collect()
    assert memory.kept_bytes() == 0
    new_array(LARGE, F32)[:] = 1
    assert list(other) == [7] * 5
    other.release()
    del other
    gc.collect()
    assert memory.kept_bytes() == 2 * LEAST_BYTES


def test_results_are_ordinary_arrays() -> None:
    result = new_array((4, LEAST_BYTES // 16), F32)
    assert type(result) is np.ndarray
    assert result.flags.carray
    assert result.ctypes.data % 4096 == 0
    result[:] = 3
    assert np.array_equal(result.copy(), np.full(result.shape, 3, F32))


def test_what_is_kept_is_bounded_and_can_be_released() -> None:
    size = KEEP_BYTES // 4
    arrays = [new_array((size // 4,), F32) for _ in range(7)]
    del arrays
    assert memory.kept_bytes() == KEEP_BYTES
    new_array((KEEP_BYTES // 4 + LEAST_BYTES,), F32)  # larger than the bound: never kept
    assert memory.kept_bytes() == KEEP_BYTES
    memory.release()
    assert memory.kept_bytes() == 0


def test_a_program_writes_its_results_into_memory_of_dead_ones() -> None:
    f = atrous.Conv(np.ones((8, 1, 1, 1), "float32"), threads=1)
    x = np.ones((1, 1, 256, 256), "float32")
    places = {f(x).ctypes.data for _ in range(5)}
    assert len(places) == 1
    held = [f(x) for _ in range(3)]
    assert len({y.ctypes.data for y in held}) == 3
    f._program.bind({"x": x.shape}).release()
    assert memory.kept_bytes() == 0


def test_an_arena_grows_and_is_used_again() -> None:
    arena = Seat(0)
    first = arena.address(5 * 2**20)
    assert first % (2 * 2**20) == 0, "large memory begins on a huge page"
    assert arena.address(10) == first
    larger = arena.address(9 * 2**20)
    assert arena.address(9 * 2**20) == larger
    arena.release()
