"""The 3x3 layers of ResNet-50 against the machine's peak and PyTorch, in turn in one run.

    python bench/resnet50_3x3.py [--threads 2] [--rounds 5]

Peak is a loop of independent fused multiply-adds, generated like the kernels are. For each layer: the kernel alone
(channels-last in and out), the whole call on NCHW arrays, PyTorch on channels-last and on NCHW tensors; medians over rounds
A A A B B B A A A B B B, the share of the peak, and the largest error against float64 relative to the largest output.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import numpy as np
from llvmlite import ir

import atrous
from atrous import reference
from atrous.engine.compiler import default_compiler
from atrous.engine.emit import F32, Emitter
from atrous.engine.program import Bound, Program
from atrous.engine.runtime import execute
from atrous.geometry.padding import Explicit
from atrous.graph.fact import Array, Fact
from atrous.graph.layers.convolution import Conv
from atrous.graph.network import Network, Node

#: Name, channels in and out, height and width.
LAYERS = (("conv2_x", 64, 56), ("conv3_x", 128, 28), ("conv4_x", 256, 14), ("conv5_x", 512, 7))
_CHAINS, _TURNS = 16, 20_000
_REPEATS, _PAUSE = 5, 0.25


def emit_peak(e: Emitter) -> None:
    """Independent chains of multiply-adds in registers; each unit of work runs ``_TURNS`` of each chain."""
    words, first, last = e.function.args
    kind = ir.VectorType(F32, e.target.lanes("float32"))
    start = e.load(words, kind)
    with e.loop(first, last, carry=[start] * _CHAINS) as units:
        with e.loop(0, _TURNS, carry=units.values, nonempty=True) as turns:
            turns.next = [e.fma(start, value, value) for value in turns.values]
        units.next = turns.results
    total = units.results[0]
    for value in units.results[1:]:
        total = e.b.fadd(total, value)
    e.store(total, e.at(words, kind.count, F32))
    e.end()


def peak_call(threads: int) -> tuple[Callable[[], object], float]:
    """A call that runs at the peak, and its FLOP."""
    compiler, units = default_compiler(), 8 * threads
    words = np.zeros(64, np.float32)
    steps = np.array([[compiler.kernel(f"bench peak {_CHAINS} x {_TURNS}", emit_peak), words.ctypes.data, units]], np.int64)
    flop = 2.0 * units * _TURNS * _CHAINS * compiler.target.lanes("float32")
    return lambda: (execute(compiler, steps, threads), words), flop


def one_layer(channels: int, size: int, threads: int) -> tuple[Program, Array, Array]:
    """A program of one layer, its input and its weights."""
    rng = np.random.default_rng(channels)
    w = (rng.standard_normal((channels, channels, 3, 3)) * (2 / (9 * channels)) ** 0.5).astype(np.float32)
    x = rng.standard_normal((1, channels, size, size)).astype(np.float32)
    layer = Conv((3, 3), (1, 1), (1, 1), Explicit(((1, 1), (1, 1))))
    node = Node("conv", layer, ("x", "w"), "y")
    return Program(Network("layer", {"x": Fact.of(x)}, ("y",), (node,), {"w": w}), threads), x, w


def kernel_call(bound: Bound, x: Array, y: Array, threads: int) -> Callable[[], object]:
    """The step of the convolution alone: the busiest of the tape, between the changes of layout."""
    template = bound.template(bound.whole())
    template.point(bound.arena.address(template.arena_bytes), {"x": x.ctypes.data, "y": y.ctypes.data})
    template.job.run(threads)  # its addresses are set now
    steps = template.job.steps
    step = steps[len(steps) // 2 : len(steps) // 2 + 1]
    return lambda: (execute(bound.compiler, step, threads), template, x, y)


def peers(x: Array, w: Array, threads: int) -> dict[str, Callable[[], object]]:
    """PyTorch on both layouts; none if it is not installed."""
    try:
        import torch
    except ImportError:
        return {}
    torch.set_num_threads(threads)
    signal, weights = torch.from_numpy(x), torch.from_numpy(w)
    last = torch.channels_last
    near, packed = signal.to(memory_format=last), weights.to(memory_format=last)
    conv2d, no_grad = torch.nn.functional.conv2d, torch.no_grad()
    return {
        "torch channels-last": no_grad(lambda: conv2d(near, packed, padding=1)),
        "torch NCHW": no_grad(lambda: conv2d(signal, weights, padding=1)),
    }


def medians(calls: dict[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Median seconds of each call, taken in turn, a few at a time after one that warms up.

    Before each turn there is a pause: the threads of PyTorch spin for up to 0.2 s after a call, on the cores of the next one.
    """
    times: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(rounds):
        for name, call in calls.items():
            time.sleep(_PAUSE)
            call()
            for _ in range(_REPEATS):
                begin = time.perf_counter()
                call()
                times[name].append(time.perf_counter() - begin)
    return {name: float(np.median(seen)) for name, seen in times.items()}


def measure(name: str, channels: int, size: int, threads: int, rounds: int) -> None:
    """Print one layer's rows."""
    program, x, w = one_layer(channels, size, threads)
    y = program(x)
    exact = reference.conv(x, w, None, Conv((3, 3), (1, 1), (1, 1), Explicit(((1, 1), (1, 1)))).windows((size, size)), 1)
    error = float(np.abs(y - exact).max() / np.abs(exact).max())
    flop = 2.0 * y.size * channels * 9
    top, top_flop = peak_call(threads)
    calls = {"peak": top, "kernel": kernel_call(program.bind(), x, np.empty_like(y), threads)}
    calls |= {"call on NCHW": lambda: program(x, out=y), **peers(x, w, threads)}
    seen = medians(calls, rounds)
    peak = top_flop / seen.pop("peak") / 1e9
    print(f"{name}: {channels} to {channels} channels, {size}x{size}; peak {peak:.0f} GFLOP/s, error {error:.1e}")
    for what, seconds in seen.items():
        rate = flop / seconds / 1e9
        print(f"  {what:<20} {seconds * 1e3:8.3f} ms  {rate:6.1f} GFLOP/s  {rate / peak:4.0%} of the peak")


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args(arguments)
    print(f"atrous {atrous.__version__} on {default_compiler().target.name}, {options.threads} threads")
    for layer in LAYERS:
        measure(*layer, options.threads, options.rounds)


if __name__ == "__main__":
    main()
