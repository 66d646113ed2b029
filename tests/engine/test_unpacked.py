"""Calls whose weights come along: packed by generated code from the third call on, with the same bits."""

from __future__ import annotations

import ctypes
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import atrous
from atrous.engine import calls
from atrous.engine.chain import chained
from atrous.engine.codelets.gather import CHUNK
from atrous.engine.compiler import default_compiler
from atrous.engine.memory import common_arena, release
from atrous.engine.packing import Gathering, Packing, Target, find_packing, numbered
from atrous.engine.schedule import Schedule
from atrous.engine.unpacked import KEEP_BYTES, KINDS, Kinds, Latest
from atrous.engine.view import Address, Buffer, Home
from atrous.errors import ArgumentError
from atrous.problem import Problem
from tests.engine.running import call, program_of, same_bits
from tests.strategies import operands

PROBLEMS = [
    "conv:f32:n2:c5:i9x11:k7:w3x3:p1:b",
    "conv:f32:c64:i14x14:k130:w3x3:p1",
    "conv:f32:c64:i14x15:k96:w1x1:b",
    "conv:f32:c3:i33x35:k21:w7x7:s2:p3:b",
    "conv:f32:c40:i20x9:k40:w5x5:p2:g40:b",
    "conv:f32:c24:i12x12:k48:w3x3:p1:g6:b",
    "conv:f64:c9:i50:k17:w4:d3:p5:b",
    "conv:f32:c8:i6x7x8:k20:w3x3x3:p1",
    "conv:f32:c1:i70x40:k4:w5x5:p2:b",
    "convt:f32:c8:i6x6:k16:w2x2:s2",
    "convt:f32:c6:i30:k37:w16:s8:p4:b",
    "convt:f64:n2:c6:i9x8:k10:w3x4:s2:p1:b",
    "convt:f32:c8:i9x8:k12:w3x3:s2:p1:g4:b",
    "convt:f32:c5:i4x5x3:k20:w2x3x2:s3:b",
    "conv:f32:n2:c256:i9x7:k256:w3x3:p1:b",
    "conv:f32:c520:i7x5:k300:w3x3:p1",
]


@pytest.mark.parametrize("text", PROBLEMS)
def test_every_call_gives_the_bits_of_packed_weights(text: str) -> None:
    """The same signal and sizes with other weights each time."""
    problem = Problem.parse(text)
    x, *_ = operands(problem)
    rng = np.random.default_rng(1)
    calls._kinds = Kinds()
    for _ in range(5):
        w = rng.standard_normal(problem.weight_shape).astype(x.dtype)
        bias = rng.standard_normal(problem.filters).astype(x.dtype) if problem.bias else None
        assert same_bits(call(problem, x, w, bias), program_of(problem, w, bias, accuracy="strict")(x))
    assert len(calls._kinds._ready) == 1, "and the last three took the short way"


@pytest.mark.parametrize("text", PROBLEMS)
def test_what_others_left_in_the_shared_memory_does_not_matter(text: str) -> None:
    problem = Problem.parse(text)
    x, w, bias = operands(problem)
    wanted = program_of(problem, w, bias, accuracy="strict")(x)
    for _ in range(5):
        for seat in common_arena()._seats:
            ctypes.memset(seat.address(2**22), 0xFF, 2**22)  # NaN in any type
        assert same_bits(call(problem, x, w, bias), wanted)


def test_callers_at_the_same_time_get_their_own_results() -> None:
    """Of one kind and of several, small ones side by side and large ones in turn, each with weights of its own."""
    texts = (PROBLEMS[0], PROBLEMS[5], "conv:f32:c64:i28x28:k64:w3x3:p1")
    rng = np.random.default_rng(7)
    work = []
    for text in texts:
        problem = Problem.parse(text)
        for _ in range(4):
            x, w, bias = operands(problem)
            w = rng.standard_normal(w.shape).astype(w.dtype)
            work.append((problem, x, w, bias, program_of(problem, w, bias, accuracy="strict")(x)))

    def many(number: int) -> bool:
        turns = range(number, number + 60)
        return all(same_bits(call(*part), wanted) for *part, wanted in (work[turn * 5 % len(work)] for turn in turns))

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(many, range(8)))


def test_kinds_share_their_scratch_memory() -> None:
    """As large as the largest of them needs, for each core; not the sum."""
    release()
    sizes = [seat.size for seat in common_arena()._seats]
    assert not any(sizes)
    calls._kinds = Kinds()
    rng, needs = np.random.default_rng(8), []
    for size in range(20, 60, 4):
        x = rng.standard_normal((1, 64, size, size)).astype("float32")
        w = rng.standard_normal((64, 64, 3, 3)).astype("float32")
        for _ in range(3):
            atrous.conv(x, w, padding=1)
        needs.append(calls._kinds._ready[next(reversed(calls._kinds._ready))].scratch_bytes)
    assert all(need > w.nbytes for need in needs)
    assert sum(seat.size for seat in common_arena()._seats) <= len(sizes) * max(needs)
    assert sum(needs) > 3 * len(sizes) * max(needs) / 2, "so there was something to save"
    release()
    assert not any(seat.size for seat in common_arena()._seats)


@pytest.mark.parametrize("odd", [np.inf, -np.inf, np.nan])
def test_weights_that_are_not_finite(odd: float) -> None:
    """A tap on padding adds nothing, whatever the weight; the next finite weights are computed as before."""
    problem = Problem.parse(PROBLEMS[0])
    x, w, bias = operands(problem)
    strange = w.copy()
    strange[3, 2, 0, 1] = odd
    wanted = program_of(problem, w, bias, accuracy="strict")(x), program_of(problem, strange, bias)(x)
    for _ in range(4):
        assert same_bits(call(problem, x, w, bias), wanted[0])
        assert same_bits(call(problem, x, strange, bias), wanted[1])


def test_weights_of_any_form() -> None:
    problem = Problem.parse(PROBLEMS[0])
    x, w, bias = operands(problem)
    wanted = program_of(problem, w, bias, accuracy="strict")(x)
    for _ in range(4):
        for form in (w, w.copy("F"), w[::-1][::-1], memoryview(w), w.astype(">f4")):
            assert same_bits(call(problem, x, form, bias), wanted)


def test_out_may_be_the_weights() -> None:
    w = np.random.default_rng(0).standard_normal((3, 3, 1, 1)).astype("float32")
    x = np.random.default_rng(1).standard_normal((3, 3, 1, 1)).astype("float32")
    wanted = atrous.conv(x, w)
    for _ in range(4):
        again = w.copy()
        assert same_bits(atrous.conv(x, again, out=again), wanted)


def test_activations_and_options_are_kinds_of_their_own() -> None:
    rng = np.random.default_rng(2)
    x, w = (rng.standard_normal((4, 4, 5, 5)).astype("float32") for _ in range(2))
    for _ in range(4):
        plain, padded, rectified = atrous.conv(x, w), atrous.conv(x, w, padding=1), atrous.conv(x, w, activation="relu")
        assert plain.shape == (4, 4, 1, 1)
        assert padded.shape == (4, 4, 3, 3)
        assert same_bits(rectified, np.maximum(plain, 0))


def test_kinds_are_forgotten() -> None:
    """A bounded number of them, and of bytes."""
    kinds = Kinds()

    class Large:
        bytes = KEEP_BYTES // 2

    for key in range(3 * KINDS):
        for _ in range(2):
            kinds.learn(key, Large)  # type: ignore[arg-type]
    assert len(kinds._ready) == 2
    assert len(kinds._calls) <= KINDS
    assert kinds.ready(3 * KINDS - 1) is not None
    assert kinds.ready(0) is None


def test_a_packing_is_read_off_numbered_weights() -> None:
    """Lanes along the first axis, taps outside channels; a block's table holds the addresses of its vectors."""
    weights = numbered((5, 3, 4), "float32")
    padded = np.zeros((8, 3, 4), "float32")
    padded[:5] = weights
    packed = np.ascontiguousarray(padded.reshape(2, 4, 3, 4).transpose(0, 3, 2, 1))
    (found,) = find_packing([Target(packed, 640)], 4)
    assert isinstance(found, Packing)
    assert (found.starts.tolist(), found.valid.tolist(), found.step) == ([0, 48], [4, 1], 12)
    places = (found.places - 640) // 16
    assert places[0].tolist() == [0, 3, 6, 9, 1, 4, 7, 10, 2, 5, 8, 11]
    assert (places[1] == places[0] + 12).all()


def test_arrays_of_the_same_runs_are_packed_in_one_pass() -> None:
    """Even and odd taps in arrays of their own, as phases are; and one array twice."""
    weights = numbered((4, 6), "float32")
    even, odd = (np.ascontiguousarray(weights[:, phase::2].T) for phase in (0, 1))
    (found,) = find_packing([Target(even, 0), Target(odd, 64), Target(odd.copy(), 128)], 4)
    assert isinstance(found, Packing)
    assert (found.starts.tolist(), found.step) == ([0, 0], 6)
    assert (found.places >= 0).sum(axis=1).tolist() == [6, 3]


def test_vectors_of_nothing_but_padding_are_packed_as_zeros() -> None:
    """Scratch memory holds what others left there."""
    padded = np.zeros((12, 3), "float32")
    padded[:5] = numbered((5, 3), "float32")
    packed = np.ascontiguousarray(padded.reshape(3, 4, 3).transpose(0, 2, 1))
    (found,) = find_packing([Target(packed, 0)], 4)
    assert isinstance(found, Packing)
    assert found.valid.tolist() == [4, 1, 0]
    assert sorted(found.places[found.places >= 0].tolist()) == [*range(0, packed.nbytes, 16)]


def test_any_other_order_is_a_table_of_elements() -> None:
    packed = np.ascontiguousarray(numbered((2, 8), "float32")[:, ::-1])
    packed[0, :2] = 0
    (found,) = find_packing([Target(packed, 0)], 4)
    assert isinstance(found, Gathering)
    assert found.table.tolist() == [0, 0, 6, 5, 4, 3, 2, 1, 16, 15, 14, 13, 12, 11, 10, 9]


@pytest.mark.parametrize(("dtype", "odd"), [("float32", None), ("float64", None), ("float32", np.inf), ("float64", np.nan)])
def test_a_gather_is_its_table(dtype: str, odd: float | None) -> None:
    """More than one unit of work, and a tail; padding is 0 whatever the first weight."""
    rng = np.random.default_rng(0)
    table = rng.integers(0, 51, 2 * CHUNK + 5).astype(np.int32)
    weights, scratch = rng.standard_normal(50).astype(dtype), np.zeros(64 + len(table) * np.dtype(dtype).itemsize, np.uint8)
    if odd is not None:
        weights[0] = odd
    schedule, compiler, arena = Schedule(), default_compiler(), Buffer(Home.ARENA, scratch.nbytes)
    Gathering(dtype, 64, table).launch(schedule, compiler, Buffer(Home.INPUT, 0, "w"), arena, Address(arena, 0))
    template = schedule.template(compiler)
    template.point(scratch.ctypes.data, {"w": weights.ctypes.data})
    template.job.run(2)
    assert same_bits(scratch[64:].view(dtype), np.where(table > 0, weights[table - 1], 0).astype(dtype))
    assert scratch[0] == (odd is not None)


def test_blocks_in_order_can_be_packed_one_by_one() -> None:
    weights = numbered((8, 6), "float32")
    packed = np.ascontiguousarray(weights.reshape(2, 4, 6).transpose(0, 2, 1))
    (found,) = find_packing([Target(packed, 640)], 4)
    assert isinstance(found, Packing)
    assert found.parts(2, 640, packed.nbytes)
    assert not found.parts(3, 640, packed.nbytes)
    (turned,) = find_packing([Target(np.ascontiguousarray(packed[::-1]), 640)], 4)
    assert isinstance(turned, Packing)
    assert not turned.parts(2, 640, packed.nbytes)


def test_a_chain_is_its_two_steps_group_by_group() -> None:
    """Two gathers, the second of which reads what the first wrote, but only what the same group did."""
    count, groups = 6 * CHUNK, 3
    rng = np.random.default_rng(0)
    inside = np.concatenate([2 * g * CHUNK + rng.permutation(2 * CHUNK) for g in range(groups)]).astype(np.int32)
    x, scratch = rng.standard_normal(count).astype("float32"), np.zeros(64 + 8 * count, np.uint8)
    schedule, compiler, arena = Schedule(), default_compiler(), Buffer(Home.ARENA, scratch.nbytes)
    flag = Address(arena, 0)
    Gathering("float32", 64, rng.permutation(count).astype(np.int32) + 1).launch(
        schedule, compiler, Buffer(Home.INPUT, 0, "x"), arena, flag
    )
    Gathering("float32", 64 + 4 * count, inside + 1).launch(schedule, compiler, Buffer(Home.INPUT, 0, "y"), arena, flag)
    bases = {"x": x.ctypes.data, "y": scratch.ctypes.data + 64}
    results = []
    for launches in (schedule.launches, [chained(compiler, *schedule.launches, groups)]):
        scratch[:] = 0
        template = Schedule(launches, keep=schedule.keep).template(compiler)
        template.point(scratch.ctypes.data, bases)
        template.job.run(2)
        results.append(scratch.copy())
    assert np.array_equal(*results)
    assert same_bits(np.sort(results[1][64 + 4 * count :].view("float32")), np.sort(x))


def test_pools_are_made_once_a_kind() -> None:
    """The same bits each time, for plain signals and others; kinds are forgotten."""
    calls._pools = Latest(KINDS)
    x = np.random.default_rng(3).standard_normal((2, 5, 9, 11)).astype("float32")
    for pool in (atrous.max_pool, atrous.avg_pool):
        wanted = pool(x, 3, stride=2, padding=1)
        for form in (x, x.copy("F"), x.astype(">f4"), x):
            assert same_bits(pool(form, 3, stride=2, padding=1), wanted)
        assert not same_bits(pool(x, 3, stride=2), wanted)
    for size in range(3, 3 + 2 * KINDS):
        atrous.max_pool(np.ones((1, 1, size), "float32"), 2)
    assert len(calls._pools._made) == KINDS
    with pytest.raises(ArgumentError, match="x"):
        atrous.max_pool(np.ones((1, 1, 2), "float32"), 3)
