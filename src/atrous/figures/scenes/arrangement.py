"""How the channels, kernels and groups of a convolution become bands of grids.

Each group is a convolution of its own, so groups are drawn one below the other. Within a group, volumes show channels as
depth; numbers need every channel's own grid, or its own row if the signal has one axis.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np

from atrous.errors import ArgumentError
from atrous.figures.scene import Beam, Grid, Link, Part, Spot, State
from atrous.figures.scenes.windowed import Array, Index, View, input_grids, kernel_grids, lifted, output_grids, spots
from atrous.figures.text import sizes

#: Kernels drawn one by one; more are one volume that says how many it stands for.
KERNELS = 4
#: Grids of numbers that fit on a page.
NUMBERED = 16

Bands = tuple[tuple[Part, ...], ...]


@dataclass(frozen=True, slots=True)
class Numbers:
    """The numbers of a convolution, float64: ``x`` (C, *space), ``w`` (K, C/groups, *kernel), ``y`` (K, *out)."""

    x: Array
    w: Array
    y: Array

    def first(self) -> tuple[Array, Array, Array]:
        """Those of the first channel, kernel and map, each on three axes."""
        return _plane(self.x), _plane(self.w[0]), _plane(self.y)

    def group(self, index: int, groups: int) -> Numbers:
        """Those of one group."""
        (x, w, y) = (np.split(array, groups)[index] for array in (self.x, self.w, self.y))
        return Numbers(x, w, y)


@dataclass(frozen=True, slots=True)
class Arrangement:
    """The bands of one step, and what leads from the inputs that are read to the output that is computed."""

    bands: Bands
    links: tuple[Link, ...] = ()
    beams: tuple[Beam, ...] = ()

    def __add__(self, below: Arrangement) -> Arrangement:
        """Another one below this one."""
        down = len(self.bands)
        links = (Link(_down(link.source, down), _down(link.target, down), link.strong) for link in below.links)
        beams = (Beam(*(_down(s, down) for s in (b.source, b.source_corner, b.target, b.target_corner))) for b in below.beams)
        return Arrangement((*self.bands, *below.bands), (*self.links, *links), (*self.beams, *beams))


def _down(spot: Spot, bands: int) -> Spot:
    return replace(spot, band=spot.band + bands)


def arrange(view: View, at: Index | None, numbers: Numbers | None) -> Arrangement:
    """All groups of a layer while output position ``at`` is computed (``None``: before the first), in every filter at once."""
    groups = view.layer.groups
    found = Arrangement(())
    for index in range(groups):
        member = _Group(view, at, None if numbers is None else numbers.group(index, groups), index)
        found += member.arrangement()
    return found


@dataclass(frozen=True, slots=True)
class _Group:
    view: View
    at: Index | None
    numbers: Numbers | None
    index: int

    @property
    def channels(self) -> int:
        return self.view.layer.channels // self.view.layer.groups

    @property
    def filters(self) -> int:
        return self.view.layer.filters // self.view.layer.groups

    def arrangement(self) -> Arrangement:
        axes = self.view.layer.axes
        if axes == 1:
            return self._rows()
        single = self.channels == self.filters == 1
        if self.numbers is None or single:
            return self._volumes()
        if axes == 3:
            seen = f"{self.channels} channels and {self.filters} kernels"
            raise ArgumentError(f"numbers: got {seen} on three axes; leave numbers out, or draw one channel and one kernel")
        return self._numbered(self.numbers)

    def _named(self, name: str, channels: int, space: Sequence[int]) -> str:
        groups = self.view.layer.groups
        text = f"{name} {sizes((channels, *space) if channels > 1 else space)}"
        return f"group {self.index + 1} of {groups}: {text}" if groups > 1 and name == "input" else text

    def _volumes(self) -> Arrangement:
        """Input, kernels and output beside each other; the places of a third axis as one band each."""
        view, layer = self.view, self.view.layer
        x, w, y = (None, None, None) if self.numbers is None else self.numbers.first()
        inputs = _labelled(input_grids(view, self.at, x), self._named("input", self.channels, layer.space))
        inputs = tuple(replace(grid, depth=self.channels) for grid in inputs)
        one_by_one = 1 < self.filters <= KERNELS and layer.axes == 2
        name = "kernel" if self.filters == 1 else "kernel 1" if one_by_one else f"{self.filters} kernels"
        kernel = [window.kernel for window in layer.windows]
        kernels = _labelled(kernel_grids(view.windows, w, self.channels), self._named(name, self.channels, kernel))
        for further in range(2, self.filters + 1) if one_by_one else ():
            kernels += tuple(replace(grid, label=f"kernel {further}") for grid in kernels[:1])
        outputs = _labelled(
            output_grids(view.outputs, self.at, y, self.filters), self._named("output", self.filters, layer.outputs)
        )
        if layer.axes == 3:
            return Arrangement((inputs, kernels, outputs))
        band = (*inputs, *kernels, *outputs)
        return Arrangement((band,), beams=tuple(self._beams(inputs[0], len(band) - 1)))

    def _beams(self, grid: Grid, target: int) -> Iterator[Beam]:
        """From the kernel's support to the output that it gives."""
        if self.at is not None and grid.frame is not None:
            spot = Spot(0, target, self.at[1], self.at[2])
            yield Beam(*spots(grid.frame, 0, 0), spot, spot)

    def _numbered(self, numbers: Numbers) -> Arrangement:
        """On two axes: the channels of the input beside each other, below them each kernel with the map that it gives."""
        view, layer = self.view, self.view.layer
        if self.filters * (self.channels + 1) + self.channels > NUMBERED:
            seen = f"{self.channels} channels and {self.filters} kernels"
            raise ArgumentError(f"numbers: got {seen}; at most {NUMBERED} grids of numbers are legible, leave numbers out")
        inputs: list[Part] = []
        for c in range(self.channels):
            label = self._named("input", self.channels, layer.space) + ", channel 1" if c == 0 else f"channel {c + 1}"
            shown = _labelled(input_grids(view, self.at, _plane(numbers.x[c : c + 1])), label)
            inputs += [replace(grid, depth=1) for grid in shown]
        bands: list[tuple[Part, ...]] = [tuple(inputs)]
        for f in range(self.filters):
            kernels = [
                grid
                for c in range(self.channels)
                for grid in _labelled(
                    kernel_grids(view.windows, _plane(numbers.w[f, c : c + 1])), f"kernel {f + 1}, channel {c + 1}"
                )
            ]
            outputs = _labelled(output_grids(view.outputs, self.at, _plane(numbers.y[f : f + 1])), f"activation map {f + 1}")
            bands.append((*kernels, *outputs))
        return Arrangement(tuple(bands))

    def _rows(self) -> Arrangement:
        """On one axis: channels are rows; kernels lie under the inputs they read, outputs under the middle of their window."""
        view, layer = self.view, self.view.layer
        window, position = view.windows[2], 0 if self.at is None else self.at[2]
        slope, offset = window.centre
        start = Fraction(window.needs(position, position + 1)[0])
        x, w, y = (None, None, None) if self.numbers is None else (self.numbers.x, self.numbers.w, self.numbers.y)
        top = _stacked(
            [input_grids(view, self.at, None if x is None else _plane(x[c : c + 1]))[0] for c in range(self.channels)]
        )
        top = replace(top, depth=1, offset=Fraction(view.shown[2][0]), label=self._named("input", self.channels, layer.space))
        kernels = []
        for f in range(self.filters):
            rows = [kernel_grids(view.windows, None if w is None else _plane(w[f, c : c + 1]))[0] for c in range(self.channels)]
            label = self._named("kernel" if self.filters == 1 else f"kernel {f + 1}", self.channels, (window.kernel,))
            kernels.append((replace(_stacked(rows), offset=start, label=label),))
        maps = [
            output_grids(view.outputs, self.at, None if y is None else _plane(y[f : f + 1]))[0] for f in range(self.filters)
        ]
        out = replace(_stacked(maps), pitch=slope, offset=offset, label=self._named("output", self.filters, layer.outputs))
        bands = ((top,), *kernels, (out,))
        return Arrangement(bands, links=tuple(_links(top, kernels[0][0], out)) if self.filters == 1 else ())


def _plane(array: Array) -> Array:
    """The first channel on three axes."""
    plane: Array = array[0].reshape(lifted(array.shape[1:], 1))
    return plane


def _labelled(grids: tuple[Grid, ...], label: str) -> tuple[Grid, ...]:
    """The first grid with the whole signal's size; with three axes, each with its place on the first of them."""
    if len(grids) == 1:
        return (replace(grids[0], label=label),)
    places = (f"depth {grid.name.partition(', ')[2]}" for grid in grids)
    return tuple(
        replace(grid, label=place if i else f"{label}, {place}")
        for i, (grid, place) in enumerate(zip(grids, places, strict=True))
    )


def _stacked(rows: Sequence[Grid]) -> Grid:
    """Grids of one row as one grid; a frame goes around them all."""
    first = rows[0]
    frame = first.frame and replace(first.frame, bottom=first.frame.top + len(rows))
    return replace(first, cells=tuple(row for grid in rows for row in grid.cells), frame=frame)


def _links(inputs: Grid, kernel: Grid, output: Grid) -> Iterator[Link]:
    """From each input that is read to its weight, from each weight to the sum."""
    read = [j for j, cell in enumerate(inputs.cells[-1]) if cell.state in (State.READ, State.READ_PADDING)]
    taps = [j for j, cell in enumerate(kernel.cells[0]) if cell.state is State.WEIGHT]
    done = [j for j, cell in enumerate(output.cells[0]) if cell.state is State.CURRENT]
    for j in done:
        yield from (Link(Spot(0, 0, inputs.rows - 1, i), Spot(1, 0, 0, t)) for i, t in zip(read, taps, strict=True))
        yield from (Link(Spot(1, 0, kernel.rows - 1, t), Spot(2, 0, 0, j)) for t in taps)
