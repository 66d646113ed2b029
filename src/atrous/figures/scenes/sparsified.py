"""A dilated kernel is a dense one with zeros in it: both on the same signal, with the same result."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np

from atrous import reference
from atrous.errors import ArgumentError
from atrous.figures.scene import Cell, Grid, Link, Part, Scene, Spot, State
from atrous.figures.scenes.arrangement import Numbers
from atrous.figures.scenes.convolution import numbers_of
from atrous.figures.scenes.windowed import View, input_grids, kernel_grids, output_grids
from atrous.figures.settings import Layer, as_layer
from atrous.geometry import Window


def sparsified(size: int = 13, kernel: int = 3, dilation: int = 4, x: object = None, w: object = None) -> tuple[Scene, ...]:
    """One scene for each output on one axis: the dilated kernel above, the dense filter with its zeros below.

    ``x`` (size) and ``w`` (kernel) are the numbers, by default small integers. The dense filter is computed on its own.

    >>> scenes = sparsified(11, 2, 3, w=(1, -1))
    >>> [[cell.value for cell in scenes[-1].grid(name).cells[0]] for name in ("dilated", "dense")]
    [[3.0, 2.0, 2.0, 1.0, 1.0, 0.0, -4.0, -3.0], [3.0, 2.0, 2.0, 1.0, 1.0, 0.0, -4.0, -3.0]]
    """
    layer = as_layer(size, kernel=kernel, dilation=dilation)
    if layer.axes != 1:
        raise ArgumentError(f"size: got {size}; this figure is of one axis")
    numbers = numbers_of(layer, x, w)
    window = Window(kernel, dilation=dilation)
    filled = np.zeros((1, 1, window.extent))
    filled[..., ::dilation] = numbers.w
    dense = reference.conv(numbers.x[None], filled, None, (Window(window.extent),))[0]
    return tuple(_step(layer, numbers, dense, position) for position in range(layer.outputs[0]))


def _step(layer: Layer, numbers: Numbers, dense: np.ndarray[tuple[int, ...], np.dtype[np.float64]], position: int) -> Scene:
    view, at = View.of(layer), (0, 0, position)
    window = view.windows[2]
    slope, offset = window.centre
    start = Fraction(window.needs(position, position + 1)[0])
    (inputs,) = input_grids(view, at, numbers.x.reshape(view.space))
    (filter_,) = kernel_grids(view.windows, numbers.w.reshape(1, 1, -1))
    (top,) = output_grids(view.outputs, at, numbers.y.reshape(view.outputs))
    (bottom,) = output_grids(view.outputs, at, dense.reshape(view.outputs))
    taps = tuple(cell if cell.state is State.WEIGHT else Cell(State.ABSENT) for cell in filter_.cells[0])
    kernel, dilation, extent = window.kernel, window.dilation, window.extent
    rows: tuple[Grid, ...] = (
        replace(inputs, label=f"input {layer.space[0]}"),
        Grid("kernel", (taps,), f"kernel {kernel}, dilation {dilation}", offset=start),
        replace(top, name="dilated", label=f"its output, {layer.outputs[0]}", pitch=slope, offset=offset),
        replace(filter_, name="filter", label=f"dense filter {extent}, {extent - kernel} of it zeros", offset=start),
        replace(bottom, name="dense", label="its output", pitch=slope, offset=offset),
    )
    where = [j for j, cell in enumerate(taps) if cell.state is State.WEIGHT]
    read = [j for j, cell in enumerate(inputs.cells[0]) if cell.state is State.READ]
    links = [Link(Spot(0, 0, 0, i), Spot(1, 0, 0, t)) for i, t in zip(read, where, strict=True)]
    links += [Link(Spot(1, 0, 0, t), Spot(2, 0, 0, position)) for t in where]
    bands: tuple[tuple[Part, ...], ...] = tuple((row,) for row in rows)
    caption = (
        f"step {position + 1} of {layer.outputs[0]}: both kernels give the same number",
        f"size 1 + ({kernel} − 1)·{dilation} = {extent}: the map is {layer.space[0] - layer.outputs[0]} shorter than the input",
    )
    legend = (State.SIGNAL, State.READ, State.WEIGHT, State.ZERO, State.CURRENT)
    title = "A dilated kernel is a regularly sparsified filter"
    return Scene(title, bands, caption, legend, tuple(links), (), True, position + 1, layer.outputs[0])
