"""The code of every codelet, read: only what the CPU has, no spills in the main loops, and never much of it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from importlib import import_module
from pkgutil import iter_modules

import numpy as np
import pytest

from atrous.engine import codelets
from atrous.engine.cache import ObjectCache
from atrous.engine.codelets import gather, nest, repack, upsampling
from atrous.engine.codelets.convolution import Convolution
from atrous.engine.codelets.winograd import CHANNEL_UNROLL
from atrous.engine.compiler import Compiler, Emit
from atrous.engine.epilogue import Epilogue
from atrous.engine.plan import FILTERS, TABLE, Codelet, Plan, Signal, name
from atrous.engine.planner import plan
from atrous.engine.program import Program
from atrous.geometry.padding import Explicit
from atrous.geometry.resample import Coordinates, Linear
from atrous.graph.fact import Array, Fact
from atrous.graph.layer import Layer
from atrous.graph.layers import activation as act
from atrous.graph.layers import linear, movement, normalisation, reduction, softmax
from atrous.graph.layers.pooling import AveragePool, MaxPool
from atrous.graph.layers.resize import Resize
from atrous.graph.layers.unpooling import MaxUnpool
from atrous.graph.network import Network, Node
from atrous.problem import Problem
from atrous.target import Target
from tests.engine.running import program_of, same_bits
from tests.engine.test_targets import AVX2, AVX512, NEON, ON_X86, SSE, Spy, compiler, runs
from tests.strategies import operands

#: Layers of each kind of convolution, (task, output sizes): what the planner is asked for.
LAYERS = {
    "dense": (Convolution("float32", 64, 64, 1, (3, 3), (1, 1), (1, 1), 64), (56, 56)),
    "float64": (Convolution("float64", 64, 64, 1, (3, 3), (1, 1), (1, 1), 64), (56, 56)),
    "pointwise": (Convolution("float32", 64, 256, 1, (1, 1), (1, 1), (1, 1), 64), (56, 56)),
    "first": (Convolution("float32", 3, 64, 1, (7, 7), (2, 2), (1, 1), 3), (112, 112)),
    "few": (Convolution("float32", 21, 3, 1, (5, 5), (1, 1), (1, 1), 21), (64, 64)),
    "signal": (Convolution("float32", 16, 16, 1, (31,), (1,), (1,), 16), (16000,)),
    "volume": (Convolution("float32", 32, 32, 1, (3, 3, 3), (1, 1, 1), (1, 1, 1), 32), (32, 32, 32)),
    "depthwise": (Convolution("float32", 1, 1, 64, (3, 3), (1, 1), (1, 1), 64), (56, 56)),
    "strided": (Convolution("float32", 1, 1, 64, (3, 3), (2, 2), (1, 1), 64), (28, 28)),
    "large": (Convolution("float32", 1, 1, 64, (31, 31), (1, 1), (1, 1), 64), (56, 56)),
    "groups": (Convolution("float32", 4, 4, 32, (3, 3), (1, 1), (1, 1), 128), (56, 56)),
}
TARGETS = (AVX512, AVX2, SSE, NEON)
CASES = [
    (codelet, layer)
    for codelet in (*TABLE, *FILTERS)
    for layer, (c, _) in LAYERS.items()
    if all(codelet.applies(c, target) for target in TARGETS)
]
CASE = pytest.mark.parametrize(("codelet", "layer"), CASES, ids=[f"{name(codelet)}-{layer}" for codelet, layer in CASES])
TARGET = pytest.mark.parametrize("target", TARGETS, ids=["AVX-512", "AVX2", "SSE2", "NEON"])

WIDE = r"%zmm|%k[1-7]\b|%[xy]mm(?:1[6-9]|2\d|3[01])\b"  # what AVX-512 adds
VEX = r"%ymm|^\s+v[a-z]\w+\s.*%[xyz]mm"  # what AVX adds


def planned(target: Target, codelet: Codelet, layer: str) -> Plan:
    """The best plan of one codelet for a layer."""
    c, sizes = LAYERS[layer]
    found = plan(c, Signal(1, sizes, sizes), target, (codelet,))
    assert found.codelet is codelet
    return found


@cache
def code(target: Target, codelet: Codelet, layer: str) -> str:
    """The assembly of that plan's kernel."""
    found = planned(target, codelet, layer)
    return compiler(target).assembly(lambda e: codelet.emit(e, LAYERS[layer][0], found.register))


def stays_within(target: Target, text: str) -> None:
    """No instruction and no register that the target lacks."""
    if target.arch != "x86_64":
        assert not re.search(r"%[re]?[xyz]mm|%r[a-d]x", text)
        assert not re.search(r"\b(z\d+\.[bhsd]|p\d+/[mz]|ptrue)\b", text), "NEON, not SVE"
        return
    assert target is AVX512 or not re.search(WIDE, text)
    assert target is not SSE or not re.search(VEX, text, re.M)
    assert target.fma or not re.search(r"\bvfn?m(add|sub)", text)


#: How each target multiplies and adds whole vectors.
VECTORS = {
    AVX512: r"\bvfmadd\w+p[sd]\b.*%zmm",
    AVX2: r"\bvfmadd\w+p[sd]\b.*%ymm",
    SSE: r"\bmulp[sd]\b.*%xmm",
    NEON: r"\bfmla\s+v",
}


@TARGET
@CASE
def test_convolutions_use_the_vectors_of_the_target_and_no_others(target: Target, codelet: Codelet, layer: str) -> None:
    text = code(target, codelet, layer)
    stays_within(target, text)
    if codelet is not nest:  # which computes one element at a time
        assert re.search(VECTORS[target], text)


# -- kernels of all other layers ----------------------------------------------------------------------------------------

SQUARE = ((2, 2), (2, 2), (1, 1), Explicit(((0, 0), (0, 0))))
X = np.linspace(-1, 1, 18 * 20 * 33, dtype="float32").reshape(1, 18, 20, 33)
#: One layer at least for each kernel without a convolution, and what it reads.
OTHERS: list[tuple[str, Layer, tuple[Array, ...]]] = [
    ("pointwise", act.Exp(), (X,)),
    ("pointwise", act.Tanh(), (X.astype("float64"),)),
    ("pointwise", act.Gelu(), (X,)),
    ("pointwise", act.Cast("uint8"), (X,)),
    ("pool", MaxPool(*SQUARE), (X,)),
    ("pool", AveragePool(*SQUARE), (X.astype("float64"),)),
    ("channelwise", normalisation.LRN(9), (X,)),
    ("reduction", reduction.ReduceMean((2, 3), True), (X,)),
    ("reduction", reduction.ReduceMax((1,), True), (X.astype("float64"),)),
    ("softmax", softmax.Softmax(1, 1), (X,)),
    ("softmax", softmax.Softmax(-1, -1), (X.astype("float64"),)),
    ("matmul", linear.MatMul(), (X[0], np.ascontiguousarray(X[0].transpose(0, 2, 1)))),
    ("transpose", movement.Transpose((0, 2, 3, 1)), (X,)),
    ("transpose", movement.Transpose((0, 2, 3, 1)), (X.astype("float64"),)),
    ("weave", movement.Transpose((0, 2, 3, 1)), (X[:, :3].copy(),)),
    ("take", Resize(Linear(), Coordinates.half_pixel), (X, np.array([1, 1, 2, 2], np.float32))),
    ("scatter", MaxUnpool((2, 2), (2, 2), SQUARE[3]), (X, np.arange(X.size * 4, 0, -4).reshape(X.shape))),
    ("lookup", movement.Gather(3), (X, np.arange(-33, 33))),
    ("lookup", movement.Gather(2), (X, np.arange(-20, 20, dtype="int32").reshape(5, 8))),
]
#: Those of two signals; others have one, and constants.
OF_TWO = (linear.MatMul, movement.Gather, MaxUnpool)
OTHER = pytest.mark.parametrize("number", range(len(OTHERS)), ids=[f"{kind}-{layer!r}"[:30] for kind, layer, _ in OTHERS])


def made(number: int, **options: object) -> Program:
    """The program of one of those layers."""
    _, layer, arrays = OTHERS[number]
    signals = 2 if isinstance(layer, OF_TWO) else 1
    names = [f"v{place}" for place in range(len(arrays))]
    inputs = {each: Fact(array.dtype.name, array.shape) for each, array in zip(names[:signals], arrays, strict=False)}
    constants = dict(zip(names[signals:], arrays[signals:], strict=True))
    network = Network("one", inputs, ("y",), (Node("node", layer, tuple(names), "y"),), constants)
    return Program(network, **options)  # type: ignore[arg-type]


@cache
def kernels(target: Target, number: int) -> dict[str, str]:
    """The assembly of all kernels of one of those layers, by key."""
    spy = Spy(target)
    bound = made(number, compiler=spy).bind(None)
    bound.schedule(bound.whole())
    return spy.texts


@TARGET
@OTHER
def test_other_kernels_use_the_vectors_of_the_target_and_no_others(target: Target, number: int) -> None:
    texts = kernels(target, number)
    own = [text for key, text in texts.items() if f"codelets.{OTHERS[number][0]}" in key]
    assert own, f"{OTHERS[number][1]} is computed by {list(texts)}"
    for text in texts.values():
        stays_within(target, text)
    widest = {AVX512: "%zmm", AVX2: "%ymm", SSE: "%xmm", NEON: r"\b[vq]\d+"}[target]
    assert all(re.search(widest, text) for text in own)


PACKINGS: Sequence[tuple[str, Emit]] = [
    *((f"repack-{dtype}", lambda e, dtype=dtype: repack.emit(e, repack.Repack(dtype))) for dtype in ("float32", "float64")),
    *((f"gather-{dtype}", lambda e, dtype=dtype: gather.emit(e, gather.Gather(dtype))) for dtype in ("float32", "float64")),
]


@TARGET
@pytest.mark.parametrize("emit", [emit for _, emit in PACKINGS], ids=[kind for kind, _ in PACKINGS])
def test_packing_uses_the_vectors_of_the_target_and_no_others(target: Target, emit: Emit) -> None:
    stays_within(target, compiler(target).assembly(emit))


@TARGET
@pytest.mark.parametrize("stride", [2, 3, 8])
def test_upsampling_uses_the_vectors_of_the_target_and_no_others(target: Target, stride: int) -> None:
    strides, kernel = (stride, stride), (2 * stride, 2 * stride)
    tile = upsampling.tile(strides, (1, 64, 56, 56), "float32", target)
    if tile is None:
        assert target in (SSE, AVX2), "few registers"
        return
    c = upsampling.Upsampling("float32", 64, 1, kernel, strides, 1, target.lanes("float32"), tile, Epilogue())
    text = compiler(target).assembly(lambda e: upsampling.emit(e, c))
    stays_within(target, text)
    assert re.search(VECTORS[target], text)


def test_every_codelet_is_read_here() -> None:
    """A new file among the codelets that emits a kernel needs a row in one of the lists above."""
    files = [import_module(f"{codelets.__name__}.{each.name}") for each in iter_modules(codelets.__path__)]
    emitting = {name(file) for file in files if hasattr(file, "emit") or hasattr(file, "emit_window")}
    read = {name(codelet) for codelet, _ in CASES} | {kind for kind, _, _ in OTHERS} | {"repack", "gather", "upsampling"}
    assert read == emitting


# -- the same bits ------------------------------------------------------------------------------------------------------

#: Small problems for each codelet: vectors, tails and borders.
SMALL = {
    "dense": "conv:f32:c5:i6x29:k35:w3x3:p1:b",
    "double": "conv:f64:c6:i5x31:k21:w3x3:s2x1:d1x2:p2+1:b",
    "depthwise": "conv:f32:c37:i6x29:k37:w3x3:p1:g37:b",
    "groups": "conv:f32:c20:i6x29:k20:w3x3:p1:g5:b",
}


@ON_X86
@pytest.mark.parametrize("text", SMALL.values(), ids=list(SMALL))
@pytest.mark.parametrize("codelet", TABLE, ids=name)
def test_avx2_code_of_every_codelet_has_the_bits_of_the_loop_nest(codelet: Codelet, text: str) -> None:
    """Each codelet with tiles of its own for AVX2, run here."""
    if not runs(AVX2):
        pytest.skip("this processor has no AVX2")
    problem = Problem.parse(text)
    c = replace(LAYERS["dense"][0], dtype=problem.dtype, channels=problem.channels // problem.groups, groups=problem.groups)
    c = replace(c, outputs=problem.filters // problem.groups, dilations=problem.dilations, strides=problem.strides, pitch=1)
    if not codelet.applies(c, AVX2):
        pytest.skip(f"{name(codelet)} does not apply to {text}")
    x, w, bias = operands(problem)
    expected = program_of(problem, w, bias, plans={"layer": "nest p1v1"})(x)
    tiles = codelet.candidates(c, AVX2)
    for tile in (tiles[0], tiles[len(tiles) // 2], tiles[-1]):
        forced = {"layer": str(Plan(codelet, tile))}
        result = program_of(problem, w, bias, compiler=compiler(AVX2), threads=2, plans=forced)(x)
        assert same_bits(result, expected), f"{forced['layer']} on AVX2"


@ON_X86
@pytest.mark.parametrize("number", [n for n, (kind, *_) in enumerate(OTHERS) if kind != "pointwise"])
def test_avx2_code_of_other_kernels_has_the_bits_of_the_host(number: int) -> None:
    if not (runs(AVX2) and runs(AVX512)):
        pytest.skip("this processor has no AVX-512 to compare with")
    signals = OTHERS[number][2][: 2 if isinstance(OTHERS[number][1], OF_TWO) else 1]
    assert same_bits(made(number, compiler=compiler(AVX2))(*signals), made(number)(*signals))


# -- spills and size ----------------------------------------------------------------------------------------------------


#: Stores of vectors to the stack. What a loop only reads there (masks, weights spread over lanes) was put there before it.
STORES = r"\bv?mov[au]p[sd]\s+%[xyz]mm\d+, .*\(%rsp\)|\bst[rp]\s+q\d+, .*\[sp"


def inner_loops(text: str, wanted: int | None = None) -> list[tuple[int, int]]:
    """(multiply-adds, stores of vectors to the stack) of the largest pieces of code without labels and jumps.

    ``wanted`` is the number of multiply-adds where others than the largest are asked for.
    """
    blocks = re.split(r"^(?:\.L\w+:|\s+(?:j\w+|b|b\.\w+|cbn?z|tbn?z)\s)", text, flags=re.M)
    counts = [(len(re.findall(r"\bvfmadd|\bfmla", block)), len(re.findall(STORES, block))) for block in blocks]
    if wanted is not None:
        return [each for each in counts if each[0] == wanted]
    largest = max(multiplies for multiplies, _ in counts)
    return [(multiplies, moves) for multiplies, moves in counts if 10 * multiplies >= 9 * largest]


#: Multiply-adds for each store that is allowed. Tiles that are transposed leave an accumulator or two on the stack, edges of
#: rows are masked; stores and loads have ports of their own, and fewer pixels a tile were measured to be slower.
ALLOWED = {"direct": 16, "grouped": 24, "planes": 24, "rows": 9}
#: With 16 registers, the even and odd columns of four vectors do not fit; smaller tiles take 1.1 to 1.5 times as long.
SPILLS = {("planes", "strided", AVX2): 2}


@pytest.mark.parametrize("target", [AVX512, AVX2, NEON], ids=["AVX-512", "AVX2", "NEON"])
@CASE
def test_main_loops_do_not_spill(target: Target, codelet: Codelet, layer: str) -> None:
    """Of the largest loops, one is for the interior of a signal; others for its borders, where masks need registers too."""
    if codelet is nest or not codelet.worthwhile(LAYERS[layer][0], target):
        pytest.skip("computes one element at a time" if codelet is nest else "is never chosen")
    tile = planned(target, codelet, layer).register
    # Transforms have more values than there are registers; products are most of the work.
    products = tile.pixels * tile.vectors * CHANNEL_UNROLL if codelet.GRID > 1 else None
    found = inner_loops(code(target, codelet, layer), products)
    multiplies, moves = min(found, key=lambda each: each[1] / each[0])
    allowed = SPILLS.get((name(codelet), layer, target), ALLOWED.get(name(codelet), 11))
    assert moves <= multiplies // allowed, f"{planned(target, codelet, layer)} spills: {found}"


#: Bytes of code: a first instruction cache.
MOST_CODE = 32 * 1024


class Sizing(Compiler):
    """Makes objects without loading them."""

    def object(self, emit: Emit) -> bytes:
        return bytes(self.machine.emit_object(self._parse("kernel", self._module("kernel", emit))))


@cache
def sizing(target: Target) -> Sizing:
    return Sizing(target, ObjectCache(None))


@TARGET
@CASE
def test_code_is_bounded(target: Target, codelet: Codelet, layer: str) -> None:
    c, found = LAYERS[layer][0], planned(target, codelet, layer)
    assert len(sizing(target).object(lambda e: codelet.emit(e, c, found.register))) <= MOST_CODE


@pytest.mark.parametrize("codelet", [codelet for codelet in TABLE if codelet is not nest], ids=name)
def test_code_does_not_grow_with_the_layer(codelet: Codelet) -> None:
    """Many channels, groups and taps are loops: the code of the best plan stays about as long."""
    few, sizes = LAYERS["depthwise" if codelet.__name__.endswith(("grouped", "planes")) else "dense"]
    if few.channels == 1:
        many = replace(few, groups=4096, pitch=4096, kernel=(51, 51))
    else:
        many = replace(few, channels=2048, outputs=2048, pitch=2048, kernel=(11, 11))
    lengths = []
    for c in (few, many):
        found = plan(c, Signal(1, sizes, sizes), AVX512, (codelet,))
        lengths.append(len(compiler(AVX512).assembly(lambda e, c=c, found=found: codelet.emit(e, c, found.register))))
    assert lengths[1] < 3 * lengths[0]
