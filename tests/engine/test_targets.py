"""The same emitters for other CPUs: AVX2 and SSE code run here too, NEON code is read."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from atrous.engine.cache import ObjectCache
from atrous.engine.codelets import direct, direct_from_rows, direct_in_rows, direct_to_rows, grouped, planes, rows
from atrous.engine.codelets.convolution import Convolution
from atrous.engine.compiler import Compiler, Emit, feature_string, host
from atrous.engine.plan import Codelet, Signal
from atrous.engine.planner import plan
from atrous.engine.program import Program
from atrous.graph.fact import Array
from atrous.graph.networks import lenet
from atrous.problem import Problem
from atrous.target import Target
from tests.engine.running import TOLERANCE, error, program_of, same_bits
from tests.oracles import by_definition
from tests.strategies import operands

ON_X86 = pytest.mark.skipif(host().arch != "x86_64", reason="needs an x86-64 processor")

AVX512 = Target("skylake-avx512", "x86_64", frozenset({"avx512f", "avx512vl", "avx512bw", "avx512dq", "avx2", "fma"}))
AVX2 = Target("haswell", "x86_64", frozenset({"avx", "avx2", "fma"}))
SSE = Target("x86-64", "x86_64", frozenset({"sse2"}))
NEON = Target("cortex-a76", "aarch64", frozenset({"neon"}))

PROBLEMS = [
    "conv:f32:n2:c5:i9x37:k19:w3x3:p1:b",
    "conv:f64:c6:i21:k9:w5:s2:d2:p3+1:g3",
    "conv:f32:c37:i9x20:k37:w3x3:s1x2:p1:g37:b",
    "convt:f32:c4:i5x6x7:k3:w2x3x3:s2:p0+1:o1:b",
]


@cache
def compiler(target: Target) -> Compiler:
    return Compiler(target, ObjectCache(None))


@cache
def result(target: Target, text: str) -> Array:
    problem = Problem.parse(text)
    x, w, bias = operands(problem)
    answer: Array = program_of(problem, w, bias, compiler=compiler(target), threads=2)(x)
    return answer


def runs(target: Target) -> bool:
    return target.arch == host().arch and target.features <= host().features


@ON_X86
@pytest.mark.parametrize("text", PROBLEMS)
@pytest.mark.parametrize("target", [AVX512, AVX2, SSE], ids=["AVX-512", "AVX2", "SSE2"])
def test_code_for_lesser_cpus_gives_the_right_result(target: Target, text: str) -> None:
    if not runs(target):
        pytest.skip(f"this processor lacks {sorted(target.features - host().features)}")
    problem = Problem.parse(text)
    x, w, bias = operands(problem)
    assert error(result(target, text), by_definition(problem, x, w, bias)) <= TOLERANCE[problem.dtype]
    if target.fma == host().fma:
        assert same_bits(result(target, text), result(host(), text)), "the order of operations does not depend on vectors"


@ON_X86
def test_a_network_on_avx2_has_the_bits_of_the_host() -> None:
    """Without activations that vector widths could round otherwise: pools, convolutions, linear layers, ReLU."""
    if not (runs(AVX2) and host().fma):
        pytest.skip("this processor has no AVX2")
    network = lenet()
    shape = next(iter(network.inputs.values())).shape
    x = np.random.default_rng(0).standard_normal((2, *shape[1:])).astype("float32")
    assert same_bits(Program(network, compiler=compiler(AVX2))(x), Program(network)(x))


class Spy(Compiler):
    """Keeps the assembly of all kernels that a program asks for, without running them."""

    def __init__(self, target: Target) -> None:
        super().__init__(target, ObjectCache(None))
        self.texts: dict[str, str] = {}

    def kernel(self, key: str, emit: Emit) -> int:
        if key not in self.texts:
            self.texts[key] = self.assembly(emit)
        return 0


@cache
def assembly(target: Target) -> dict[str, str]:
    """All kernels of all problems, and the native region."""
    spy = Spy(target)
    for text in PROBLEMS:
        problem = Problem.parse(text)
        _, w, bias = operands(problem)
        bound = program_of(problem, w, bias, compiler=spy).bind({"x": problem.input_shape})
        bound.schedule(bound.whole())
    return spy.texts


def lines(target: Target, pattern: str) -> Iterator[str]:
    for text in assembly(target).values():
        yield from (line for line in text.splitlines() if re.search(pattern, line))


def test_x86_code_stays_within_its_vectors() -> None:
    assert any(lines(AVX512, r"\bvfmadd\w+p[sd]\b.*%zmm"))
    assert any(lines(AVX2, r"\bvfmadd\w+p[sd]\b.*%ymm"))
    assert not list(lines(AVX2, r"%zmm|%k[1-7]\b|%ymm(1[6-9]|2\d|3[01])\b"))
    assert any(lines(SSE, r"\bmulps\b.*%xmm"))
    assert not list(lines(SSE, r"%zmm|%ymm|\bv(fmadd|mul|add|mov)\w*\b"))


def test_arm_code_is_neon() -> None:
    assert any(lines(NEON, r"\bfmla\s+v\d+\.4s"))
    assert any(lines(NEON, r"\bfmla\s+v\d+\.2d"))
    assert not list(lines(NEON, r"%[xyz]mm"))
    assert any(lines(NEON, r"\byield\b")), "who waits lets others run"
    assert any(lines(NEON, r"\bbl\s+syscall\b")), "and sleeps after a while"


@ON_X86
def test_what_a_virtual_machine_hides_is_not_used() -> None:
    """A CPU's name implies AVX-512; the features say what there really is."""
    hidden = Target("znver4", "x86_64", frozenset({"avx2", "fma"}))
    compiled = Spy(hidden)
    problem = Problem.parse(PROBLEMS[0])
    _, w, bias = operands(problem)
    bound = program_of(problem, w, bias, compiler=compiled).bind({"x": problem.input_shape})
    bound.schedule(bound.whole())
    text = "\n".join(compiled.texts.values())
    assert "%ymm" in text
    assert not re.search(r"%zmm|%k[1-7]\b|%ymm(1[6-9]|2\d|3[01])\b", text)
    features = feature_string(hidden).split(",")
    assert "-avx512f" in features
    assert "+avx2" in features
    assert features.index("-avx512f") < features.index("+avx2"), "switching off comes first: it takes along what builds on it"
    assert not {"-sse2", "-64bit", "-cx8"} & set(features)


#: Moves of vectors to and from the stack.
_MOVE = r"\bvmov(?:[au]p[sd]|dq[au]\d*)\b.*"
MOVES = _MOVE + r"[xyz]mm.*\(%rsp\)|" + _MOVE + r"\(%rsp\).*[xyz]mm|\b(?:st|ld)[rp]\s+q\d+, .*\[sp"


@pytest.mark.parametrize("codelet", [direct, direct_from_rows, direct_to_rows, direct_in_rows, rows])
@pytest.mark.parametrize("target", [AVX512, AVX2, SSE, NEON], ids=["AVX-512", "AVX2", "SSE2", "NEON"])
def test_register_tiles_fit_the_registers(target: Target, codelet: Codelet) -> None:
    """Accumulators stay in registers in inner loops: hardly a vector goes to the stack or comes from there."""
    c = Convolution("float32", 64, 64, 1, (3, 3), (1, 1), (1, 1), 64)
    chosen = plan(c, Signal(1, (56, 56), (56, 56)), target, (codelet,))
    tile = chosen.register
    accumulators = tile.pixels * tile.vectors // (target.lanes("float32") if codelet is rows else 1)
    assert accumulators < target.vector_registers
    text = compiler(target).assembly(lambda e: chosen.codelet.emit(e, c, tile))
    blocks = re.split(r"^(?:\.L\w+:|# %bb|// %bb)", text, flags=re.M)
    counts = [(len(re.findall("fmadd|fmla|mulps", block)), len(re.findall(MOVES, block))) for block in blocks]
    inner = [(multiplies, moves) for multiplies, moves in counts if multiplies >= 8]
    assert len(inner) >= 2, "one for interior tiles, one for edges"
    if target is not SSE:  # without fused multiply-adds, products need a register of their own
        # Tiles that are transposed leave one accumulator on the stack, which costs nothing that can be measured (stores and
        # loads have ports of their own); at the border, rows are copied to the stack, and masks of AVX2 are vectors too.
        allowed = 50 if codelet is direct else 8
        assert all(moves <= multiplies // allowed for multiplies, moves in inner), f"{chosen} spills: {inner}"


@ON_X86
def test_a_target_plans_for_its_own_vectors() -> None:
    wide, narrow = (replace(host(), name=t.name, features=t.features) for t in (AVX512, AVX2))
    assert (wide.lanes("float32"), narrow.lanes("float32"), SSE.lanes("float64")) == (16, 8, 2)


@pytest.mark.parametrize("codelet", [grouped, planes])
@pytest.mark.parametrize("kernel", [(3, 3), (7, 7), (31,)])
def test_depthwise_tiles_fit_the_registers(kernel: tuple[int, ...], codelet: Codelet) -> None:
    """Hardly a vector goes to the stack while the taps of a tile are summed up."""
    ones = (1,) * len(kernel)
    c = Convolution("float32", 1, 1, 64, kernel, ones, ones, 64)
    chosen = plan(c, Signal(1, (56,) * len(kernel), (56,) * len(kernel)), AVX512, (codelet,))
    text = compiler(AVX512).assembly(lambda e: chosen.codelet.emit(e, c, chosen.register))
    blocks = re.split(r"^(?:\.L\w+:|# %bb)", text, flags=re.M)
    counts = [(len(re.findall("fmadd", block)), len(re.findall(MOVES, block))) for block in blocks]
    # Weights that lie spread on the stack are each read once for all vectors of a row.
    shared = len(planes.parts(chosen.register.pixels, 16)) if codelet is planes else 0
    read = bool(shared) and planes.spreads(c, chosen.register, 16)
    inner = [(multiplies, moves - (multiplies // shared if read else 0)) for multiplies, moves in counts if multiplies >= 8]
    assert inner
    assert all(moves <= multiplies // 10 for multiplies, moves in inner), f"{chosen} spills: {inner}"
