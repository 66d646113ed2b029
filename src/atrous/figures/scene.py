"""Scenes: what a figure shows, before any drawing. Values only; every number in them was computed by `geometry` or `reference`.

A scene is a few bands, one below the other; a band holds parts side by side: grids of cells, charts, bars, volumes. Links and
beams lead from cells to cells. Where things stand on paper, and in which colours, is not decided here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from fractions import Fraction

from atrous.figures.pixels import Pixels


class State(Enum):
    """What a cell is at this step; the value is what a legend calls it."""

    SIGNAL = "input"
    PADDING = "padding"
    READ = "read now"
    READ_PADDING = "padding, read now"
    UNREAD = "never read"
    WEIGHT = "kernel"
    ZERO = "zero of the sparsified filter"
    PENDING = "output, not yet computed"
    DONE = "output"
    CURRENT = "output computed now"
    CUT = "computed, cut off by the padding"
    INSERTED = "zero put between inputs"
    ADDED = "added to now"
    LARGEST = "largest of those read"
    SHARED = "shared with the neighbor before"
    LINEAR = "linear: weighted sums"
    NONLINEAR = "not linear: an activation function"
    FIELD = "in the receptive field"
    HOLE = "a hole: between them, but without influence"
    START = "a step of the kernel starts here"
    ABSENT = "not there yet"
    ONCE = "read once"
    TWICE = "read twice"
    OFTEN = "read 3 or 4 times"
    MOST = "read 5 times or more"


@dataclass(frozen=True, slots=True)
class Cell:
    """One element: its state, and its number if the figure shows numbers."""

    state: State
    value: float | None = None


@dataclass(frozen=True, slots=True)
class Region:
    """The cells ``[top, bottom) x [left, right)`` of a grid: the frame drawn around a kernel's support."""

    top: int
    left: int
    bottom: int
    right: int


@dataclass(frozen=True, slots=True)
class Grid:
    """Rows of cells, ``depth`` channels deep; a signal of one axis is one row.

    ``cells[0][0]`` has the coordinates ``origin`` in the signal; padding has negative ones. In an aligned scene the middle of
    column ``j`` stands at ``offset + pitch*j`` on the axis that all grids share. ``frame`` outlines where the kernel lies.
    """

    name: str
    cells: tuple[tuple[Cell, ...], ...]
    label: str = ""
    origin: tuple[int, int] = (0, 0)
    depth: int = 1
    frame: Region | None = None
    pitch: Fraction = Fraction(1)
    offset: Fraction = Fraction(0)

    @property
    def rows(self) -> int:
        return len(self.cells)

    @property
    def columns(self) -> int:
        return len(self.cells[0])

    @property
    def states(self) -> frozenset[State]:
        """All states that occur."""
        return frozenset(cell.state for row in self.cells for cell in row)

    def find(self, *states: State) -> tuple[tuple[int, int], ...]:
        """The coordinates in the signal of all cells in one of these states.

        >>> grid = Grid("input", ((Cell(State.PADDING), Cell(State.READ)),), origin=(0, -1))
        >>> grid.find(State.READ), grid.find(State.PADDING)
        (((0, 0),), ((0, -1),))
        """
        top, left = self.origin
        return tuple(
            (top + i, left + j) for i, row in enumerate(self.cells) for j, cell in enumerate(row) if cell.state in states
        )


@dataclass(frozen=True, slots=True)
class Series:
    """Points of one curve, joined in their order."""

    name: str
    points: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class Chart:
    """Curves over two axes from zero to ``reach`` (the same in all steps); points carry their numbers where there is room."""

    x_name: str
    y_name: str
    series: tuple[Series, ...]
    reach: tuple[float, float]


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar: what it counts, how many, and the words at its end."""

    name: str
    value: int
    text: str


@dataclass(frozen=True, slots=True)
class Bars:
    """Bars over a logarithmic axis: lengths grow by the same step for every factor of ten."""

    unit: str
    bars: tuple[Bar, ...]


@dataclass(frozen=True, slots=True)
class Volume:
    """One activation map stack of a network: channels deep, rows by columns, with the layer that made it."""

    name: str
    channels: int
    rows: int
    columns: int
    state: State = State.SIGNAL


@dataclass(frozen=True, slots=True)
class Frame:
    """A rectangle on a picture, in shares of its height and width from the upper left corner."""

    top: float
    left: float
    bottom: float
    right: float


@dataclass(frozen=True, slots=True)
class Picture:
    """An image: so wide on paper, with frames around what is marked on it."""

    name: str
    pixels: Pixels
    width: float
    label: str = ""
    frames: tuple[Frame, ...] = ()


Part = Grid | Chart | Bars | Volume | Picture


@dataclass(frozen=True, slots=True)
class Spot:
    """One cell: of part ``part`` in band ``band``, in row and column counted from the grid's first cell."""

    band: int
    part: int
    row: int
    column: int


@dataclass(frozen=True, slots=True)
class Link:
    """A line from a cell to a cell; a strong one is on the path that the step is about."""

    source: Spot
    target: Spot
    strong: bool = True


@dataclass(frozen=True, slots=True)
class Beam:
    """Lines from the corners of one region to the corners of another: what is read, and what comes of it."""

    source: Spot
    source_corner: Spot
    target: Spot
    target_corner: Spot


@dataclass(frozen=True, slots=True)
class Scene:
    """What one step of a figure shows.

    ``title`` is the same for all steps of a figure, ``caption`` belongs to the step (``step`` of ``steps``, from 1).
    ``legend`` lists the states that are explained, for all steps alike, so that frames keep their layout.
    """

    title: str
    bands: tuple[tuple[Part, ...], ...]
    caption: tuple[str, ...] = ()
    legend: tuple[State, ...] = ()
    links: tuple[Link, ...] = ()
    beams: tuple[Beam, ...] = ()
    aligned: bool = False
    step: int = 1
    steps: int = 1

    def grids(self) -> Iterator[Grid]:
        """All grids, from top left to bottom right."""
        return (part for band in self.bands for part in band if isinstance(part, Grid))

    def grid(self, name: str) -> Grid:
        """The first grid of this name."""
        return next(grid for grid in self.grids() if grid.name == name)
