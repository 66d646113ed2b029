"""Pooling, step by step: the largest input under each window, or the mean of those that count."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from atrous import reference
from atrous.errors import ArgumentError
from atrous.figures.scene import Beam, Cell, Grid, Part, Scene, Spot, State
from atrous.figures.scenes.windowed import Array, Index, View, given, input_grids, output_grids, output_label, spots, terms
from atrous.figures.settings import Layer
from atrous.figures.text import number, sizes
from atrous.geometry import Window

#: Longer lists of values than this are not told.
LONGEST = 12


@dataclass(frozen=True, slots=True)
class Pool:
    """A kind of pooling: its name, its oracle, whether padding counts as zeros, and which of the values read decides alone."""

    name: str
    oracle: Callable[[Array, tuple[Window, ...]], Array]
    padding_counts: bool
    wins: Callable[[float, float], bool]
    words: str


def _maximum(x: Array, windows: tuple[Window, ...]) -> Array:
    return reference.max_pool(x, windows)


def _mean(x: Array, windows: tuple[Window, ...]) -> Array:
    return reference.average_pool(x, windows, False)


def _mean_with_padding(x: Array, windows: tuple[Window, ...]) -> Array:
    return reference.average_pool(x, windows, True)


def _is_output(value: float, output: float) -> bool:
    return value == output


def _none(value: float, output: float) -> bool:
    return False


MAXIMUM = Pool("Max pooling", _maximum, False, _is_output, "the largest of")
MEAN = Pool("Average pooling", _mean, False, _none, "the mean of")
MEAN_WITH_PADDING = Pool("Average pooling, padding counted", _mean_with_padding, True, _none, "the mean of")


def pooling(layer: Layer, pool: Pool, x: object = None, title: str = "") -> tuple[Scene, ...]:
    """One scene for each output of one channel: what its window reads, and the number that comes of it.

    ``x`` (*space) are the numbers, by default small integers that stay the same from call to call.

    >>> from atrous.figures.settings import as_layer
    >>> pooling(as_layer(4, kernel=2, stride=2), MAXIMUM, (1, 5, 2, 2))[0].caption
    ('step 1 of 2: output 0', 'the largest of 1, 5 = 5')
    """
    if (layer.channels, layer.filters) != (1, 1):
        raise ArgumentError(f"channels: got {layer.channels}; pooling treats each channel alike and is drawn for one")
    view = View.of(layer)
    windows = tuple(window for window in layer.windows if isinstance(window, Window))
    made = np.random.default_rng(0).integers(0, 10, layer.space).astype(np.float64)
    signal = given("x", x, layer.space, made)
    result = pool.oracle(signal[None, None], windows)[0, 0]
    shown = signal.reshape(view.space), result.reshape(view.outputs)
    return tuple(_step(view, pool, shown, at, n + 1, title) for n, at in enumerate(view.positions))


def _step(view: View, pool: Pool, numbers: tuple[Array, Array], at: Index, step: int, title: str) -> Scene:
    x, y = numbers
    inputs = tuple(_counted(grid, pool, float(y[at])) for grid in input_grids(view, at, x))
    outputs = output_grids(view.outputs, at, y)
    inputs = (replace(inputs[0], label=f"input {sizes(view.layer.space)}"), *inputs[1:])
    outputs = (replace(outputs[0], label=f"output {sizes(view.layer.outputs)}"), *outputs[1:])
    bands: tuple[tuple[Part, ...], ...] = ((*inputs, *outputs),) if view.layer.axes < 3 else (inputs, outputs)
    beams: tuple[Beam, ...] = ()
    frame = inputs[0].frame
    if view.layer.axes < 3 and frame is not None:
        target = Spot(0, 1, at[1], at[2])
        beams = (Beam(*spots(frame, 0, 0), target, target),)
    values = [float(x[i]) if view.real(i) else 0.0 for _, i in terms(view, at) if _counts(view, pool, i)]
    listed = ", ".join(map(number, values)) if len(values) <= LONGEST else f"{len(values)} values"
    name = output_label(at[-view.layer.axes :])
    caption = (
        f"step {step} of {len(view.positions)}: output {name}",
        f"{pool.words} {listed or 'nothing'} = {number(float(y[at]))}",
    )
    return Scene(
        title or _title(pool, view.layer), bands, caption, _legend(view, pool), (), beams, False, step, len(view.positions)
    )


def _counts(view: View, pool: Pool, index: Index) -> bool:
    """Whether a place that is read takes part: inputs do, padding by the kind of pooling, and never what a ceil mode adds."""
    padded = (-w.pad_lo <= i < n + w.pad_hi for i, n, w in zip(index, view.space, view.windows, strict=True))
    return view.real(index) or (pool.padding_counts and all(padded))


def _counted(grid: Grid, pool: Pool, output: float) -> Grid:
    """Without numbers on padding that does not count, and with the value that decides marked."""

    def cell(old: Cell) -> Cell:
        if old.state in (State.PADDING, State.READ_PADDING):
            return old if pool.padding_counts else Cell(old.state)
        wins = old.state is State.READ and old.value is not None and pool.wins(old.value, output)
        return replace(old, state=State.LARGEST) if wins else old

    return replace(grid, cells=tuple(tuple(map(cell, row)) for row in grid.cells))


def _legend(view: View, pool: Pool) -> tuple[State, ...]:
    found = {State.READ, State.CURRENT}.union(*(grid.states for grid in input_grids(view, None, None)))
    found |= {State.LARGEST} if pool.wins(0.0, 0.0) else set()
    return tuple(state for state in State if state in found)


def _title(pool: Pool, layer: Layer) -> str:
    rounded = any(isinstance(window, Window) and window.ceil for window in layer.windows)
    return f"{pool.name}: {layer.words}" + (", sizes rounded up" if rounded else "")
