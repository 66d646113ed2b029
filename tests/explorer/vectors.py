"""What the page's JavaScript must calculate: arguments and results of each of its formulas, by ``atrous.geometry``."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from math import prod
from typing import Any

from atrous.geometry import (
    Same,
    TransposedWindow,
    Window,
    ceil_div,
    convolution_cost,
    coverage,
    fully_connected_cost,
    visits,
)
from atrous.geometry import unread as unread_by_cause
from atrous.geometry.nearest import nearest

#: How many random windows.
WINDOWS = 400


@dataclass(frozen=True, slots=True)
class Vector:
    """A call of an exported function of ``geometry.js`` and what it must give; whole numbers of any size as they are."""

    name: str
    arguments: list[Any]
    wanted: Any


def as_given(window: Window) -> dict[str, int]:
    """A window as JavaScript has it."""
    numbers = {"kernel": window.kernel, "stride": window.stride, "dilation": window.dilation}
    return {**numbers, "before": window.pad_lo, "after": window.pad_hi}


def random_window(draw: random.Random) -> tuple[Window, int]:
    """A window and a size; one in some ten gives no output."""
    kernel, stride, dilation = draw.randint(1, 6), draw.randint(1, 5), draw.choice((1, 1, 2, 3, 4))
    window = Window(kernel, stride, dilation, draw.randint(0, 4), draw.randint(0, 4))
    return window, draw.randint(1, 30)


def vectors(seed: int) -> list[Vector]:
    """All of them."""
    draw = random.Random(seed)
    found = [Vector("windowOf", [{"kernel": 3}], as_given(Window(3)))]
    for _ in range(WINDOWS):
        window, size = random_window(draw)
        found += _of_window(window, size, draw)
    # PyTorch refuses a pooling whose padding is more than half of its kernel
    found += [Vector("poolPadding", [kernel], max(p for p in range(9) if 2 * p <= kernel)) for kernel in range(1, 9)]
    return found + list(_of_costs(draw)) + list(_of_shifts(draw))


def _of_window(window: Window, size: int, draw: random.Random) -> Iterator[Vector]:
    given, outputs, some = as_given(window), window.output_size(size), draw.randint(-2, 12)
    counts = coverage([window], [size, max(0, outputs)]).counts
    left, taps = unread_by_cause(window, size), range(window.kernel)
    start = some * window.stride - window.pad_lo
    yield Vector("extent", [given], window.extent)
    yield Vector("paddedSize", [given, size], window.pad_lo + size + window.pad_hi)
    yield Vector("paddedRange", [given, size], [-window.pad_lo, size + window.pad_hi])
    yield Vector("paddedAt", [given, start], start + window.pad_lo)
    same = Same().pads(0, Window(window.kernel), size)
    assert Window(window.kernel, pad_lo=same[0], pad_hi=same[1]).output_size(size) == size
    yield Vector("keeping", [window.kernel], {"before": same[0], "after": same[1]})
    yield Vector("outputSize", [given, size], outputs)
    yield Vector("sizeLoss", [given, size], size - outputs)
    yield Vector("inputs", [given, some], [start + t * window.dilation for t in taps])
    assert set(window.inputs(some)) == {start + t * window.dilation for t in taps}
    yield Vector("landing", [given, some, size], list(window.landing(some, size)))
    yield Vector("centre", [given, some], float(window.centre[0] * some + window.centre[1]))
    for index in {0, size - 1, draw.randrange(size)}:
        pairs = [
            {"output": o, "tap": t}
            for t in taps
            for o in window.outputs_of_tap(t, size)
            if o * window.stride - window.pad_lo + t * window.dilation == index
        ]
        yield Vector("reached", [given, index, size], sorted(pairs, key=lambda pair: pair["output"]))
    yield Vector("visits", [given, size], list(counts))
    assert sum(n * places for n, places in visits(window, size)) == sum(counts)
    yield Vector("unreadInputs", [given, size], [i for i, count in enumerate(counts) if not count])
    causes = {"stride": left.stride, "floor": left.floor, "gridding": left.gridding, "total": left.total}
    yield Vector("unread", [given, size], causes)
    yield Vector("realTaps", [given, size], window.real_taps(size))
    yield Vector("allTaps", [given, size], window.taps(size))
    twin = TransposedWindow(window.kernel, window.stride, window.dilation, window.pad_lo, window.pad_hi)
    yield Vector("transposedSize", [given, size], twin.output_size(size))
    yield Vector("transposedInputs", [given, some], list(twin.inputs(some)))
    dense = list(range(window.extent))
    yield Vector("sparsified", [given], [i // window.dilation if i % window.dilation == 0 else None for i in dense])
    remedies = {"input": "size"}
    wanted = [{"argument": remedies.get(r.argument, r.argument), "value": r.value} for r in nearest(window, size)]
    yield Vector("nearest", [given, size], wanted)


def _of_costs(draw: random.Random) -> Iterator[Vector]:
    for _ in range(WINDOWS // 4):
        axes = draw.randint(1, 3)
        each = [random_window(draw) for _ in range(axes)]
        groups, bias = draw.choice((1, 1, 2, 3)), draw.random() < 0.5
        channels, filters = groups * draw.randint(1, 2048), groups * draw.randint(1, 2048)
        windows, sizes = [window for window, _ in each], [size for _, size in each]
        if min(w.output_size(n) for w, n in each) < 1:
            continue
        cost = convolution_cost(channels, filters, windows, sizes, groups, bias)
        given = {"channels": channels, "filters": filters, "sizes": sizes, "groups": groups, "bias": bias}
        wanted = {"parameters": cost.parameters, "macs": cost.macs, "realMacs": cost.real_macs}
        yield Vector("convolutionCost", [{**given, "windows": [as_given(w) for w in windows]}], wanted)
        # beyond what a double holds exactly
        inputs, outputs = ([draw.randint(1, 40000) for _ in range(draw.randint(1, 3))] for _ in range(2))
        full = fully_connected_cost(inputs, outputs, bias)
        yield Vector("fullyConnectedCost", [inputs, outputs, bias], {"parameters": full.parameters, "macs": full.macs})
        yield Vector("product", [inputs], prod(inputs))
        yield Vector("bytes", [sizes[0], 8], 8 * sizes[0])
    image = [3, 256, 256]
    yield Vector("fullyConnectedCost", [image, image], {"parameters": 38_654_705_664, "macs": 38_654_705_664})
    yield Vector("bytes", [38_654_705_664], fully_connected_cost(image, image).bytes())


def _of_shifts(draw: random.Random) -> Iterator[Vector]:
    """A shift by a multiple of the stride moves the field of an output onto that of another one; others move it nowhere."""
    for _ in range(WINDOWS // 4):
        window, size = random_window(draw)
        shift, output = draw.randint(0, 9), draw.randint(0, 9)
        lo = window.needs(output, output + 1)[0] - shift
        old = Fraction(lo + window.pad_lo, window.stride)
        whole = Fraction(shift, window.stride)
        yield Vector("outputShift", [window.stride, shift], whole.numerator if whole.denominator == 1 else None)
        near = {whole.numerator // whole.denominator, ceil_div(shift, window.stride)}
        yield Vector("alignedShifts", [window.stride, shift], sorted(n * window.stride for n in near))
        there = old.denominator == 1 and 0 <= old < window.output_size(size)
        yield Vector("outputBefore", [as_given(window), size, shift, output], old.numerator if there else None)
        place, sizes = [draw.randint(-1, 4), draw.randint(-1, 4)], [draw.randint(1, 4), draw.randint(1, 4)]
        yield Vector("onSignal", [place, sizes], all(0 <= at < n for at, n in zip(place, sizes, strict=True)))
