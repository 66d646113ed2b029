"""Drawings: marks at coordinates in pixels, painted by role. What every output format draws; the first mark lies lowest."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum, IntEnum

from atrous.figures.style import Role


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


Mark = Rect | Path | Label


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


def level(mark: Mark) -> tuple[Layer, int]:
    """How high a mark lies; those of one level lie in their order."""
    return mark.layer, (Rect, Path, Label).index(type(mark))


def text_width(text: str, size: float, bold: bool = False) -> float:
    """About how wide a line of text is, in pixels: formats do not know each other's fonts.

    >>> text_width("abc", 10) < text_width("abcd", 10)
    True
    """
    return sum(0.36 if letter in " .,:;il|()'·" else 0.64 for letter in text) * size * (1.1 if bold else 1.0)
