"""Convolution, step by step: one scene for each output, with the kernel on its inputs and the sum written out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np

from atrous import reference
from atrous.figures.scene import Beam, Grid, Link, Part, Scene, Spot, State
from atrous.figures.settings import Layer
from atrous.figures.text import each, number, product, sizes
from atrous.figures.windowed import (
    Array,
    Index,
    View,
    given,
    input_grids,
    kernel_grids,
    lifted,
    output_grids,
    output_label,
    spots,
    terms,
)
from atrous.geometry import Window

#: Longer sums than this are told by their result alone.
LONGEST_SUM = 10


@dataclass(frozen=True, slots=True)
class Numbers:
    """The numbers of a convolution, float64: ``x`` (C, *space), ``w`` (K, C/groups, *kernel), ``y`` (K, *out)."""

    x: Array
    w: Array
    y: Array


def numbers_of(layer: Layer, x: object = None, w: object = None) -> Numbers:
    """The caller's numbers, or small integers that stay the same from call to call; the output is `reference`'s."""
    rng = np.random.default_rng(0)
    windows = tuple(window for window in layer.windows if isinstance(window, Window))
    signal, kernel = (layer.channels, *layer.space), tuple(window.kernel for window in windows)
    weights = (layer.filters, layer.channels // layer.groups, *kernel)
    left = given("x", x, signal, rng.integers(0, 5, signal).astype(np.float64))
    right = given("w", w, weights, rng.integers(-1, 3, weights).astype(np.float64))
    return Numbers(left, right, reference.conv(left[None], right, None, windows, layer.groups)[0])


def convolution(layer: Layer, numbers: Numbers | None = None, title: str = "") -> tuple[Scene, ...]:
    """One scene for each output position of a convolution, in order; ``numbers`` are written into the cells if given."""
    view = View.of(layer)
    return tuple(_step(view, numbers, title or _title(layer), i) for i in range(len(view.positions)))


def setting(layer: Layer, title: str = "") -> Scene:
    """The scene before the first step: input with its padding, kernel, empty output."""
    view = View.of(layer)
    bands = _bands(view, None, None)
    return Scene(title or _title(layer), bands, ("before the first step",), _legend(view), aligned=layer.axes == 1)


def _step(view: View, numbers: Numbers | None, title: str, step: int) -> Scene:
    at = view.positions[step]
    bands = _bands(view, at, numbers)
    flat = view.layer.axes == 1
    links, beams = (_links(bands), ()) if flat else ((), _beams(bands, at))
    caption = _caption(view, at, numbers, step)
    return Scene(title, bands, caption, _legend(view), links, beams, flat, step + 1, len(view.positions))


def _title(layer: Layer) -> str:
    """What the layer is, its settings other than the default ones, and the size that follows."""
    windows = layer.windows
    told = [f"kernel {sizes(w.kernel for w in windows)}"]
    if any(w.pad_lo or w.pad_hi for w in windows):
        told.append(f"padding {each([w.pad_lo if w.pad_lo == w.pad_hi else f'{w.pad_lo}+{w.pad_hi}' for w in windows])}")
    told += [f"stride {each([w.stride for w in windows])}"] if any(w.stride > 1 for w in windows) else []
    told += [f"dilation {each([w.dilation for w in windows])}"] if any(w.dilation > 1 for w in windows) else []
    told += [f"groups {layer.groups}"] if layer.groups > 1 else []
    return f"Convolution: {', '.join(told)}"


def _legend(view: View) -> tuple[State, ...]:
    shown = {State.READ}.union(*(grid.states for grid in input_grids(view, None, None)))
    dilated = [State.ZERO] if any(window.dilation > 1 for window in view.windows) else []
    found = [state for state in State if state in shown]
    return (*found, State.WEIGHT, *dilated, State.CURRENT)


def _bands(view: View, at: Index | None, numbers: Numbers | None) -> tuple[tuple[Part, ...], ...]:
    layer = view.layer
    x, w, y = (None, None, None) if numbers is None else _shown_numbers(numbers)
    inputs = _named(input_grids(view, at, x), _size("input", layer.channels, layer.space))
    kernel = tuple(window.kernel for window in layer.windows)
    filters = f"{layer.filters} kernels" if layer.filters > 1 else "kernel"
    kernels = _named(
        kernel_grids(view.windows, w, layer.channels // layer.groups), _size(filters, layer.channels // layer.groups, kernel)
    )
    outputs = _named(output_grids(view.outputs, at, y, layer.filters), _size("output", layer.filters, layer.outputs))
    if layer.axes == 2:
        return ((*inputs, *kernels, *outputs),)
    if layer.axes == 1:
        return _aligned(view, at, inputs, kernels, outputs)
    return (inputs, kernels, outputs)


def _shown_numbers(numbers: Numbers) -> tuple[Array, Array, Array]:
    """Those of the first channel and the first filter, on three axes."""
    x, w, y = numbers.x[0], numbers.w[0, 0], numbers.y[0]
    return x.reshape(lifted(x.shape, 1)), w.reshape(lifted(w.shape, 1)), y.reshape(lifted(y.shape, 1))


def _size(name: str, channels: int, space: Sequence[int]) -> str:
    return f"{name} {sizes((channels, *space) if channels > 1 else space)}"


def _named(grids: tuple[Grid, ...], label: str) -> tuple[Grid, ...]:
    """Labelled: the first grid with the whole signal's size; the places on the first of three axes by their number."""
    if len(grids) == 1:
        return (replace(grids[0], label=label),)
    return tuple(replace(grid, label=label if i == 0 else grid.name.partition(", ")[2]) for i, grid in enumerate(grids))


def _aligned(
    view: View, at: Index | None, inputs: tuple[Grid, ...], kernels: tuple[Grid, ...], outputs: tuple[Grid, ...]
) -> tuple[tuple[Part, ...], ...]:
    """Three rows over one axis: the kernel lies under the inputs it reads, each output under the middle of its window."""
    window = view.windows[2]
    first = view.shown[2][0]
    slope, offset = window.centre
    start = window.needs(at[2] if at else 0, (at[2] if at else 0) + 1)[0]
    return (
        (replace(inputs[0], offset=Fraction(first)),),
        (replace(kernels[0], offset=Fraction(start)),),
        (replace(outputs[0], pitch=slope, offset=offset),),
    )


def _links(bands: tuple[tuple[Part, ...], ...]) -> tuple[Link, ...]:
    """In one dimension: each input that is read to its weight, each weight to the sum."""
    (inputs,), (kernel,), (output,) = bands
    assert isinstance(inputs, Grid)
    assert isinstance(kernel, Grid)
    assert isinstance(output, Grid)
    read = [j for j, cell in enumerate(inputs.cells[0]) if cell.state in (State.READ, State.READ_PADDING)]
    taps = [j for j, cell in enumerate(kernel.cells[0]) if cell.state is State.WEIGHT]
    done = next(j for j, cell in enumerate(output.cells[0]) if cell.state is State.CURRENT)
    down = [Link(Spot(0, 0, 0, i), Spot(1, 0, 0, t)) for i, t in zip(read, taps, strict=True)]
    return (*down, *(Link(Spot(1, 0, 0, t), Spot(2, 0, 0, done)) for t in taps))


def _beams(bands: tuple[tuple[Part, ...], ...], at: Index) -> tuple[Beam, ...]:
    """In two dimensions: from the kernel's support to the output that it gives. Places of a third axis are framed only."""
    grid = bands[0][0]
    if len(bands) > 1 or not isinstance(grid, Grid) or grid.frame is None:
        return ()
    first, last = spots(grid.frame, 0, 0)
    target = Spot(0, len(bands[0]) - 1, at[1], at[2])
    return (Beam(first, last, target, target),)


def _caption(view: View, at: Index, numbers: Numbers | None, step: int) -> tuple[str, ...]:
    layer = view.layer
    name = output_label(at[-layer.axes :])
    head = f"step {step + 1} of {len(view.positions)}: output {name}"
    taps = list(terms(view, at))
    padded = sum(not view.real(index) for _, index in taps)
    if numbers is None:
        count = f"{len(taps)} taps" + (f", {padded} of them on padding" if padded else "")
        deep = f", over {layer.channels // layer.groups} channels" if layer.channels > layer.groups else ""
        return (f"{head} is the weighted sum of {count}{deep}",)
    x, w, y = _shown_numbers(numbers)
    total = number(float(y[at]))
    if layer.channels // layer.groups > 1:
        return (head, f"the sum of {len(taps)} products in each of {layer.channels // layer.groups} channels = {total}")
    values = [(float(x[i]) if view.real(i) else 0.0, float(w[t])) for t, i in taps]
    if len(values) > LONGEST_SUM:
        return (head, f"the sum of {len(values)} products = {total}")
    return (head, f"{' + '.join(product(a, b) for a, b in values)} = {total}")
