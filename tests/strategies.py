"""Random convolution problems, shared by all tests: 1 to 3 axes, everything uneven, small enough to check by a slow oracle."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from hypothesis import strategies as st

from atrous.geometry import TransposedWindow, Window
from atrous.problem import Problem

Array = np.ndarray[Any, np.dtype[Any]]
Draw = st.DrawFn

#: The largest signal on each axis, so that a problem stays cheap whatever else is drawn.
LARGEST = {1: 40, 2: 12, 3: 6}


def around(lanes: Sequence[int], largest: int) -> list[int]:
    """Sizes where vector code has its seams: 1, v-1, v, v+1, 2v, 4v-1, 4v, 4v+1 for each vector width v, up to ``largest``."""
    near = {1, 2, 3} | {size for v in lanes for size in (v - 1, v, v + 1, 2 * v, 4 * v - 1, 4 * v, 4 * v + 1)}
    return sorted(size for size in near if 1 <= size <= largest)


@st.composite
def windows(draw: Draw, largest_kernel: int = 4) -> Window:
    """One window, uneven padding below its extent, with or without ceil mode."""
    kernel, stride, dilation = draw(st.integers(1, largest_kernel)), draw(st.integers(1, 4)), draw(st.integers(1, 4))
    pad = st.integers(0, (kernel - 1) * dilation)
    return Window(kernel, stride, dilation, draw(pad), draw(pad), draw(st.booleans()))


@st.composite
def transposed_windows(draw: Draw, largest_kernel: int = 4) -> TransposedWindow:
    """One transposed window, uneven padding below its extent, output padding below stride or dilation."""
    kernel, stride, dilation = draw(st.integers(1, largest_kernel)), draw(st.integers(1, 4)), draw(st.integers(1, 4))
    pad, extra = st.integers(0, (kernel - 1) * dilation), st.integers(0, max(stride, dilation) - 1)
    return TransposedWindow(kernel, stride, dilation, draw(pad), draw(pad), draw(extra))


def smallest_input(window: Window | TransposedWindow) -> int:
    """The smallest signal that gives an output."""
    return next(size for size in range(1, 10_000) if window.output_size(size) >= 1)


@st.composite
def sizes_for(draw: Draw, window: Window | TransposedWindow, largest: int, lanes: Sequence[int] = (4, 8, 16)) -> int:
    """A signal size with an output: any, or one whose output lies at a seam of the vector code."""
    least = smallest_input(window)
    largest = max(least, largest)
    seams = [size for size in around(lanes, largest) if size >= least]
    return draw(st.one_of(st.integers(least, largest), st.sampled_from(seams)) if seams else st.integers(least, largest))


@st.composite
def channel_counts(draw: Draw, lanes: Sequence[int], largest: int) -> tuple[int, int, int]:
    """(channels, filters, groups): dense, grouped or depthwise (with or without a multiplier)."""
    kind = draw(st.sampled_from(["dense", "dense", "grouped", "depthwise"]))
    count = st.sampled_from(around(lanes, largest))
    if kind == "dense":
        return (draw(count), draw(count), 1)
    groups = draw(st.integers(2, 4) if kind == "grouped" else count)
    small = st.integers(1, max(1, min(5, largest // groups)))
    return (groups * (draw(small) if kind == "grouped" else 1), groups * draw(small), groups)


@st.composite
def problems(
    draw: Draw,
    axes: int | None = None,
    transposed: bool | None = None,
    dtypes: Sequence[str] = ("float32", "float64"),
    lanes: Sequence[int] = (4, 8, 16),
    largest_channels: int = 18,
) -> Problem:
    """A convolution with at least one output, around the seams of vectors of ``lanes`` elements.

    ``axes`` and ``transposed`` fix what they name; otherwise both are drawn. At most about two million multiply-adds.
    """
    axes = draw(st.integers(1, 3)) if axes is None else axes
    transposed = draw(st.booleans()) if transposed is None else transposed
    largest_kernel = 4 if axes < 3 else 3
    found: list[Window | TransposedWindow] = [
        draw(transposed_windows(largest_kernel) if transposed else windows(largest_kernel)) for _ in range(axes)
    ]
    found = [window if isinstance(window, TransposedWindow) else _floor(window) for window in found]
    space = tuple(draw(sizes_for(window, LARGEST[axes], lanes)) for window in found)
    channels, filters, groups = draw(channel_counts(lanes, largest_channels if axes < 3 else min(9, largest_channels)))
    return Problem(
        batch=draw(st.integers(1, 2)),
        channels=channels,
        space=space,
        filters=filters,
        kernel=tuple(window.kernel for window in found),
        strides=tuple(window.stride for window in found),
        dilations=tuple(window.dilation for window in found),
        pads=tuple((window.pad_lo, window.pad_hi) for window in found),
        groups=groups,
        bias=draw(st.booleans()),
        transposed=transposed,
        output_padding=tuple(w.output_padding for w in found if isinstance(w, TransposedWindow)),
        dtype=draw(st.sampled_from(list(dtypes))),
    )


@st.composite
def other_sizes(draw: Draw, problem: Problem) -> Problem:
    """The same layer on another batch of signals of other sizes."""
    found = problem.transposed_windows if problem.transposed else problem.windows
    space = tuple(draw(sizes_for(window, LARGEST[problem.axes])) for window in found)
    return replace(problem, batch=draw(st.integers(1, 3)), space=space)


def _floor(window: Window) -> Window:
    """Without ceil mode, which only pools have."""
    return Window(window.kernel, window.stride, window.dilation, window.pad_lo, window.pad_hi)


def operands(problem: Problem, seed: int = 0) -> tuple[Array, Array, Array | None]:
    """x, w and bias (or ``None``) of a problem, normally distributed."""
    rng = np.random.default_rng(seed)
    x, w = (rng.standard_normal(shape).astype(problem.dtype) for shape in (problem.input_shape, problem.weight_shape))
    return x, w, rng.standard_normal(problem.filters).astype(problem.dtype) if problem.bias else None
