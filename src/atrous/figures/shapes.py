"""The shapes of the parts of a scene: how large each is, and the marks that draw it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from atrous.figures.charts import bars_marks, bars_size, chart_marks, chart_size
from atrous.figures.drawing import Image, Label, Layer, Mark, Path, Rect
from atrous.figures.scene import Bars, Cell, Chart, Grid, Part, Picture, State
from atrous.figures.size import Size
from atrous.figures.style import Ink
from atrous.figures.text import number
from atrous.figures.volumes import extrude, volume_marks, volume_size

#: How far one channel lies behind another, and all of them together, in sides of a cell.
CHANNEL, ALL_CHANNELS = 0.3, 1.3
#: A volume recedes to the right and, by this share of it, upwards.
SLANT = 0.6
#: The smallest cells whose numbers are legible, in pixels.
LEGIBLE = 15.0


@dataclass(frozen=True, slots=True)
class Placed:
    """A part with its upper left corner; ``unit`` is the side of a cell."""

    part: Part
    x: float
    y: float
    unit: float
    size: Size

    @classmethod
    def sample(cls, state: State, x: float, y: float, side: float) -> Placed:
        """One cell as a legend shows it."""
        grid = Grid("sample", ((Cell(state),),))
        return cls(grid, x, y, side, part_size(grid, side))

    def moved(self, x: float) -> Placed:
        """The same, further to the right."""
        return replace(self, x=self.x + x)

    @property
    def right(self) -> float:
        return self.x + self.size.width

    def cell(self, row: int, column: int) -> tuple[float, float, float, float]:
        """(x, y, width, height) of one cell of a grid."""
        pitch = float(self.part.pitch) if isinstance(self.part, Grid) else 1.0
        return self.x + column * pitch * self.unit, self.y + row * self.unit, self.unit, self.unit


def part_size(part: Part, unit: float) -> Size:
    """How much room a part takes."""
    if isinstance(part, Grid):
        t = _recession(part, unit)
        width = (float(part.pitch) * (part.columns - 1) + 1) * unit
        return Size(width + t, part.rows * unit, t * SLANT)
    if isinstance(part, Chart):
        return chart_size(part)
    if isinstance(part, Picture):
        return Size(part.width, part.width * part.pixels.rows / part.pixels.columns)
    return bars_size(part) if isinstance(part, Bars) else volume_size(part)


def part_marks(placed: Placed, ground: Layer, cells: Layer) -> Iterator[Mark]:
    """What draws a part."""
    part = placed.part
    if isinstance(part, Grid):
        yield from _grid_marks(placed, part, ground, cells)
    elif isinstance(part, Chart):
        yield from chart_marks(part, placed.x, placed.y)
    elif isinstance(part, Bars):
        yield from bars_marks(part, placed.x, placed.y)
    elif isinstance(part, Picture):
        yield from _picture_marks(placed, part)
    else:
        yield from volume_marks(part, placed.x, placed.y)


def _picture_marks(placed: Placed, picture: Picture) -> Iterator[Mark]:
    x, y, width, height = placed.x, placed.y, placed.size.width, placed.size.height
    yield Image(x, y, width, height, picture.pixels)
    for frame in picture.frames:
        left, top, right, bottom = (
            x + frame.left * width,
            y + frame.top * height,
            x + frame.right * width,
            y + frame.bottom * height,
        )
        corners = ((left, top), (right, top), (right, bottom), (left, bottom))
        # a rim of paper, as a frame alone is lost on a map of its own color
        for ink in (Ink.RIM, Ink.FRAME):
            yield Path(corners, ink, Layer.FRAMES, closed=True)


def _recession(grid: Grid, unit: float) -> float:
    return min(CHANNEL * (grid.depth - 1), ALL_CHANNELS) * unit


def _grid_marks(placed: Placed, grid: Grid, ground: Layer, cells: Layer) -> Iterator[Mark]:
    t = _recession(grid, placed.unit)
    if t:
        yield from _channels_behind(placed, grid, t, ground)
    size = min(0.42, 1.5 / _longest(grid)) * placed.unit
    for i, row in enumerate(grid.cells):
        for j, cell in enumerate(row):
            if cell.state is State.ABSENT:
                continue
            x, y, w, h = placed.cell(i, j)
            yield Rect(x, y, w, h, cell.state, cells)
            if cell.state in (State.UNREAD, State.CUT, State.HOLE):
                yield from _cross(x, y, w, cells, numbered=cell.value is not None)
            if cell.value is not None and placed.unit >= LEGIBLE:
                yield Label(x + w / 2, y + h / 2, number(cell.value), size, cell.state, layer=Layer(max(cells, Layer.CROSSES)))
    if grid.frame is not None:
        yield from _frame(placed, grid, t)


def _channels_behind(placed: Placed, grid: Grid, t: float, ground: Layer) -> Iterator[Mark]:
    """The box of all channels, over those cells that are there."""
    there = [(i, j) for i, row in enumerate(grid.cells) for j, cell in enumerate(row) if cell.state is not State.ABSENT]
    if there:
        (top, left), (bottom, right) = (tuple(pick(axis) for axis in zip(*there, strict=True)) for pick in (min, max))
        (x, y, _, _), (a, b, w, h) = placed.cell(top, left), placed.cell(bottom, right)
        yield from extrude(x, y, a + w - x, b + h - y, t, t * SLANT, grid.depth, ground)


def _longest(grid: Grid) -> int:
    """The letters of the longest number, so that all numbers of a grid have one size."""
    return max((len(number(c.value)) for row in grid.cells for c in row if c.value is not None), default=1)


def _cross(x: float, y: float, w: float, cells: Layer, numbered: bool) -> Iterator[Mark]:
    """Crossed out; a number is struck through once, so that it stays legible."""
    lo, hi = (0.12 * w, 0.88 * w) if numbered else (0.3 * w, 0.7 * w)
    for a, b in (((lo, hi), (hi, lo)), ((lo, lo), (hi, hi)))[: 1 if numbered else 2]:
        yield Path(((x + a[0], y + a[1]), (x + b[0], y + b[1])), Ink.CROSS, Layer(max(cells, Layer.CROSSES)))


def _frame(placed: Placed, grid: Grid, t: float) -> Iterator[Mark]:
    """The outline of the kernel's support, through all channels."""
    assert grid.frame is not None
    x, y, _, _ = placed.cell(grid.frame.top, grid.frame.left)
    a, b, w, h = placed.cell(grid.frame.bottom - 1, grid.frame.right - 1)
    right, bottom = a + w, b + h
    corners = ((x, y), (right, y), (right, bottom), (x, bottom))
    yield Path(corners, Ink.FRAME, Layer.FRAMES, closed=True)
    if t:
        back = tuple((u + t, v - t * SLANT) for u, v in corners)
        yield Path(back, Ink.BEAM, Layer.FRAMES, closed=True)
        for front, behind in zip(corners, back, strict=True):
            yield Path((front, behind), Ink.BEAM, Layer.FRAMES)
