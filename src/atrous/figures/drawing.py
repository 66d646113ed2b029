"""Drawings: marks at coordinates in pixels, painted by role. What every output format draws; the first mark lies lowest."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum, IntEnum

from atrous.figures.fonts import UNITS, letter_widths
from atrous.figures.pixels import Pixels
from atrous.figures.scene import State
from atrous.figures.style import Ink, Role


class Layer(IntEnum):
    """What lies above what; within a layer, marks lie in their order."""

    GROUND = 0
    CELLS = 1
    CROSSES = 2
    BEAMS = 3
    OVER = 4
    OVER_CELLS = 5
    LINKS = 6
    FRAMES = 7
    WORDS = 8


class Anchor(Enum):
    """Which point of a text stands at its coordinates (vertically it is always the middle)."""

    START = "start"
    MIDDLE = "middle"
    END = "end"


@dataclass(frozen=True, slots=True)
class Rect:
    """A rectangle from its upper left corner."""

    x: float
    y: float
    width: float
    height: float
    role: Role
    layer: Layer = Layer.CELLS


@dataclass(frozen=True, slots=True)
class Path:
    """A line through points, or a filled polygon if it is closed."""

    points: tuple[tuple[float, float], ...]
    role: Role
    layer: Layer = Layer.LINKS
    closed: bool = False


@dataclass(frozen=True, slots=True)
class Label:
    """One line of text; it is written in what its role says is legible on it."""

    x: float
    y: float
    text: str
    size: float
    role: Role
    anchor: Anchor = Anchor.MIDDLE
    bold: bool = False
    layer: Layer = Layer.WORDS
    #: With a rim of paper around it, so that lines behind it do not make it illegible.
    rim: bool = False

    @property
    def baseline(self) -> float:
        """Where the letters stand: the middle of a line of figures and capitals lies 0.35 of its size above it."""
        return self.y + 0.35 * self.size


@dataclass(frozen=True, slots=True)
class Image:
    """Pixels in a rectangle from its upper left corner."""

    x: float
    y: float
    width: float
    height: float
    pixels: Pixels
    role: Role = Ink.AXIS
    layer: Layer = Layer.CELLS


Mark = Rect | Path | Label | Image

#: Cells share their edges. The outlines of what is weak would cut those of the others, so it lies lower; what is read or
#: computed now lies highest.
_WEAK = (State.ABSENT, State.PADDING, State.CUT, State.PENDING, State.ZERO, State.INSERTED)
_READ = (State.READ_PADDING, State.READ, State.FIELD, State.START, State.ADDED, State.SHARED)
_NOW = (*_READ, State.LARGEST, State.CURRENT)
_HEIGHT: dict[Role, int] = {
    role: height for height, role in enumerate((*_WEAK, *(state for state in State if state not in _WEAK + _NOW), *_NOW))
}


@dataclass(frozen=True, slots=True)
class Drawing:
    """Marks on a page of this size, and what a person who does not see it is told."""

    width: float
    height: float
    marks: tuple[Mark, ...]
    title: str
    description: str = ""

    @classmethod
    def of(cls, width: float, height: float, marks: Iterable[Mark], title: str, description: str = "") -> Drawing:
        """A drawing of marks in any order; within a layer, areas lie below lines, and lines below words."""
        return cls(width, height, tuple(sorted(marks, key=level)), title, description)


def level(mark: Mark) -> tuple[Layer, int, int]:
    """How high a mark lies; those of one level lie in their order."""
    kind = (Image, Rect, Path, Label).index(type(mark))
    return mark.layer, kind, _HEIGHT.get(mark.role, 0) if isinstance(mark, Rect) else 0


def text_width(text: str, size: float, bold: bool = False) -> float:
    """How wide a line of text is in pixels, in the font of figures; letters that it lacks count as wide as high.

    >>> text_width("3×3", 20)
    42.20703125
    """
    widths = letter_widths(bold=bold)
    return sum(widths.get(letter, UNITS) for letter in text) * size / UNITS


def fitted(dash: float, side: float) -> float:
    """The length of dash and gap next to ``dash`` with which all sides of a cell end in the middle of a dash.

    Cells share their edges: dashes that start at different corners would fill each other's gaps.

    >>> fitted(3, 42), fitted(3, 15)
    (3.0, 3.75)
    """
    return side / (2 * max(1, round(side / (2 * dash))))
