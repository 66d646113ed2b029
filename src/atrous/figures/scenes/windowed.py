"""What all layers with sliding windows show alike: the padded input, the kernel's support on it, and the output as it fills.

Signals of one and two axes are drawn as if they had three, with windows of one tap on the axes before: a grid is rows by
columns, and the first axis is a row of grids.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any, TypeVar

import numpy as np

from atrous.errors import ArgumentError
from atrous.figures.scene import Cell, Grid, Region, Spot, State
from atrous.figures.settings import Layer
from atrous.geometry import Window

Array = np.ndarray[Any, np.dtype[Any]]
Index = tuple[int, ...]
Item = TypeVar("Item")
SHOWN_AXES = 3


def lifted(values: Sequence[Item], fill: Item) -> tuple[Item, Item, Item]:
    """Values of 1 to 3 axes as three, ``fill`` before them.

    >>> lifted((4, 5), 1)
    (1, 4, 5)
    """
    first, second, third = (*(fill,) * (SHOWN_AXES - len(values)), *values)
    return first, second, third


@dataclass(frozen=True, slots=True)
class View:
    """A layer on three axes: its windows, sizes and outputs, and the coordinates that are shown of its padded input."""

    layer: Layer
    windows: tuple[Window, Window, Window]
    space: tuple[int, int, int]
    outputs: tuple[int, int, int]
    #: On each axis, the coordinates that some output reads.
    ever: tuple[frozenset[int], frozenset[int], frozenset[int]]

    @classmethod
    def of(cls, layer: Layer) -> View:
        windows = lifted([window for window in layer.windows if isinstance(window, Window)], Window(1))
        outputs = lifted(layer.outputs, 1)
        first, second, third = (frozenset(w.reads(0, o)) for w, o in zip(windows, outputs, strict=True))
        return cls(layer, windows, lifted(layer.space, 1), outputs, (first, second, third))

    @property
    def shown(self) -> tuple[range, range, range]:
        """All coordinates of each axis of the input with its padding, and whatever a window reads beyond."""
        first, second, third = (_shown(w, n, o) for w, n, o in zip(self.windows, self.space, self.outputs, strict=True))
        return first, second, third

    @property
    def positions(self) -> tuple[Index, ...]:
        """The outputs in the order in which the steps compute them."""
        return tuple(product(*map(range, self.outputs)))

    def now(self, at: Index | None) -> tuple[frozenset[int], ...]:
        """On each axis, the coordinates that output ``at`` reads (``None``: before the first, none)."""
        if at is None:
            return (frozenset(),) * SHOWN_AXES
        return tuple(frozenset(window.inputs(o)) for window, o in zip(self.windows, at, strict=True))

    def real(self, index: Index) -> bool:
        """Whether a coordinate lies in the signal and not on its padding."""
        return all(0 <= i < n for i, n in zip(index, self.space, strict=True))

    def input_state(self, now: tuple[frozenset[int], ...], index: Index) -> State:
        """What an input is while these are read."""
        if all(i in axis for i, axis in zip(index, now, strict=True)):
            return State.READ if self.real(index) else State.READ_PADDING
        if not self.real(index):
            return State.PADDING
        return State.SIGNAL if all(i in axis for i, axis in zip(index, self.ever, strict=True)) else State.UNREAD


def _shown(window: Window, size: int, outputs: int) -> range:
    lo, hi = window.needs(0, outputs)
    return range(min(0, lo, -window.pad_lo), max(size, hi, size + window.pad_hi))


def output_label(at: Index) -> str:
    """How a caption names an output.

    >>> output_label((2,)), output_label((0, 1))
    ('2', '(0, 1)')
    """
    return str(at[0]) if len(at) == 1 else f"({', '.join(map(str, at))})"


def plane(rows: range, columns: range, cell: Callable[[int, int], Cell]) -> tuple[tuple[Cell, ...], ...]:
    """The cells of a grid, each made from its coordinates."""
    return tuple(tuple(cell(i, j) for j in columns) for i in rows)


def input_grids(view: View, at: Index | None, x: Array | None) -> tuple[Grid, ...]:
    """The padded input while output ``at`` is computed, one grid for each place on the first of three axes.

    ``x`` (D, H, W) are the numbers that are shown, those of one channel; padding shows its zeros with them.
    """
    depths, rows, columns = view.shown
    now = view.now(at)

    def cell(index: Index) -> Cell:
        state = view.input_state(now, index)
        padded = state in (State.PADDING, State.READ_PADDING)
        return Cell(state, None if x is None else 0.0 if padded else float(x[index]))

    def grid(d: int) -> Grid:
        cells = plane(rows, columns, lambda i, j: cell((d, i, j)))
        frame = support(view, at) if at is not None and d in now[0] else None
        name = "input" if len(depths) == 1 else f"input, {d}"
        return Grid(name, cells, "", (rows[0], columns[0]), view.layer.channels, frame)

    return tuple(grid(d) for d in depths)


def support(view: View, at: Index) -> Region:
    """Where the kernel lies on the input's grid, holes of its dilation included."""
    (top, bottom), (left, right) = (view.windows[axis].needs(at[axis], at[axis] + 1) for axis in (1, 2))
    _, rows, columns = view.shown
    return Region(top - rows[0], left - columns[0], bottom - rows[0], right - columns[0])


def output_grids(outputs: tuple[int, int, int], at: Index | None, y: Array | None, depth: int = 1) -> tuple[Grid, ...]:
    """The output as far as it is computed when ``at`` is the last one; ``y`` (D, H, W) are the numbers shown."""
    depths, rows, columns = map(range, outputs)

    def cell(index: Index) -> Cell:
        if at is None or index > at:
            return Cell(State.PENDING)
        state = State.CURRENT if index == at else State.DONE
        return Cell(state, None if y is None else float(y[index]))

    def grid(d: int) -> Grid:
        cells = plane(rows, columns, lambda i, j: cell((d, i, j)))
        return Grid("output" if len(depths) == 1 else f"output, {d}", cells, "", (0, 0), depth)

    return tuple(grid(d) for d in depths)


def kernel_grids(windows: tuple[Window, Window, Window], w: Array | None, depth: int = 1) -> tuple[Grid, ...]:
    """The kernel as the dense filter that it is: its taps, and the zeros that a dilation puts between them.

    ``w`` (D, H, W) are the numbers shown, one for each tap.
    """
    depths, rows, columns = (range(window.extent) for window in windows)

    def cell(index: Index) -> Cell:
        tap = tuple(divmod(i, window.dilation) for i, window in zip(index, windows, strict=True))
        if any(rest for _, rest in tap):
            return Cell(State.ZERO, None if w is None else 0.0)
        return Cell(State.WEIGHT, None if w is None else float(w[tuple(t for t, _ in tap)]))

    def grid(d: int) -> Grid:
        cells = plane(rows, columns, lambda i, j: cell((d, i, j)))
        return Grid("kernel" if len(depths) == 1 else f"kernel, {d}", cells, "", (0, 0), depth)

    return tuple(grid(d) for d in depths)


def terms(view: View, at: Index) -> Iterator[tuple[Index, Index]]:
    """For each tap of output ``at``, in order: its place in the kernel, and the input it reads (padding included)."""
    reads = [tuple(window.inputs(o)) for window, o in zip(view.windows, at, strict=True)]
    for tap in product(*(range(window.kernel) for window in view.windows)):
        yield tap, tuple(read[t] for read, t in zip(reads, tap, strict=True))


def spots(region: Region, band: int, part: int) -> tuple[Spot, Spot]:
    """The first and the last cell of a region of a grid."""
    return Spot(band, part, region.top, region.left), Spot(band, part, region.bottom - 1, region.right - 1)


def given(name: str, values: object, shape: Sequence[int], made: Array) -> Array:
    """The caller's numbers as float64 of this shape, or the ones made up; one axis of size one may be left out."""
    if values is None:
        return made
    array = np.asarray(values, dtype=np.float64)
    if array.size != made.size or tuple(n for n in array.shape if n > 1) != tuple(n for n in shape if n > 1):
        raise ArgumentError(f"{name}: got numbers of shape {array.shape}; this layer has {tuple(shape)}")
    return array.reshape(shape)
