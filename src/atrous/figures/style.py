"""Styles: how each role is painted. No meaning rests on colour alone: padding is dashed, what is never read is crossed out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto
from types import MappingProxyType

from atrous.errors import ArgumentError
from atrous.figures.scene import State


class Ink(Enum):
    """What is drawn that is not a cell."""

    PAPER = auto()
    TEXT = auto()
    FAINT = auto()
    FRAME = auto()
    RIM = auto()
    BEAM = auto()
    LINK = auto()
    STRONG = auto()
    CROSS = auto()
    AXIS = auto()
    TOP = auto()
    SIDE = auto()
    FRONT = auto()
    FIRST = auto()
    SECOND = auto()
    THIRD = auto()


Role = State | Ink


@dataclass(frozen=True, slots=True)
class Paint:
    """Fill and stroke as #rrggbb or empty for none; width and dash length in pixels; ``text`` is what is legible on it."""

    fill: str = ""
    stroke: str = ""
    width: float = 1.0
    dash: float = 0.0
    text: str = ""

    @property
    def letters(self) -> str:
        """The colour of words of this role."""
        return self.text or self.fill


@dataclass(frozen=True)
class Style:
    """A name, and one paint for each role.

    >>> LIGHT.paint(State.PADDING).dash > 0
    True
    """

    name: str
    paints: Mapping[Role, Paint]

    def paint(self, role: Role) -> Paint:
        return self.paints[role]

    @property
    def paper(self) -> str:
        """The colour behind everything."""
        return self.paints[Ink.PAPER].fill


@dataclass(frozen=True, slots=True)
class Palette:
    """The few colours from which a style is made."""

    paper: str
    text: str
    faint: str
    line: str
    signal: str
    padding: str
    read: str
    read_line: str
    weight: str
    output: str
    current: str
    on_current: str
    unread: str
    counts: tuple[str, str, str, str]
    curves: tuple[str, str, str]


def _style(name: str, p: Palette) -> Style:
    def cell(fill: str, stroke: str = p.line, width: float = 1.0, dash: float = 0.0, text: str = p.text) -> Paint:
        return Paint(fill, stroke, width, dash, text)

    states: dict[Role, Paint] = {
        State.SIGNAL: cell(p.signal),
        State.PADDING: cell(p.padding, p.faint, dash=3, text=p.faint),
        State.READ: cell(p.read, p.read_line, 1.5),
        State.READ_PADDING: cell(p.padding, p.read_line, 1.5, dash=3),
        State.UNREAD: cell(p.unread, p.line, text=p.faint),
        State.WEIGHT: cell(p.weight),
        State.ZERO: cell(p.paper, p.faint, dash=2, text=p.faint),
        State.PENDING: cell(p.paper, p.faint, dash=0, text=p.faint),
        State.DONE: cell(p.output),
        State.CURRENT: cell(p.current, p.text, 2, text=p.on_current),
        State.INSERTED: cell(p.paper, p.faint, dash=2, text=p.faint),
        State.ADDED: cell(p.read, p.read_line, 1.5),
        State.LARGEST: cell(p.current, p.text, 2, text=p.on_current),
        State.SHARED: cell(p.weight, p.read_line, 1.5),
        State.LINEAR: cell(p.output),
        State.NONLINEAR: cell(p.read, p.read_line, 1.5, dash=4),
        State.FIELD: cell(p.read, p.read_line, 1.5),
        State.HOLE: cell(p.unread, p.line, text=p.faint),
        State.START: cell(p.read, p.read_line, 1.5),
        State.ABSENT: Paint(),
        State.CUT: cell(p.paper, p.faint, dash=3, text=p.faint),
    }
    for state, fill in zip((State.ONCE, State.TWICE, State.OFTEN, State.MOST), p.counts, strict=True):
        states[state] = cell(fill, text=p.on_current if state is State.MOST else p.text)
    inks: dict[Role, Paint] = {
        Ink.PAPER: Paint(fill=p.paper),
        Ink.TEXT: Paint(fill=p.text),
        Ink.FAINT: Paint(fill=p.faint),
        Ink.RIM: Paint(stroke=p.paper, width=6),
        Ink.FRAME: Paint(stroke=p.read_line, width=3),
        Ink.BEAM: Paint(stroke=p.read_line, width=1.2, dash=5),
        Ink.LINK: Paint(stroke=p.line, width=0.7),
        Ink.STRONG: Paint(stroke=p.read_line, width=1.8),
        Ink.CROSS: Paint(stroke=p.faint, width=1.4),
        Ink.AXIS: Paint(stroke=p.faint, width=1),
        Ink.TOP: Paint(fill=p.padding, stroke=p.line),
        Ink.SIDE: Paint(fill=p.unread, stroke=p.line),
        Ink.FRONT: Paint(fill=p.signal, stroke=p.line),
    }
    curves = zip((Ink.FIRST, Ink.SECOND, Ink.THIRD), p.curves, strict=True)
    lines: dict[Role, Paint] = {ink: Paint(colour, colour, 2.5, text=p.text) for ink, colour in curves}
    return Style(name, MappingProxyType({**states, **inks, **lines}))


LIGHT = _style(
    "light",
    Palette(
        *("#ffffff", "#1d2733", "#596471", "#8793a1", "#dbe9f8", "#f3f4f6", "#ffd98a", "#c2570c", "#fbe3ef", "#cfead6"),
        *("#1c7c4a", "#ffffff", "#e6e8eb", ("#e3f1e6", "#a9d8b6", "#63b581", "#1c7c4a"), ("#2563a8", "#c2570c", "#1c7c4a")),
    ),
)
DARK = _style(
    "dark",
    Palette(
        *("#14191f", "#edf1f5", "#98a5b3", "#5d6b7a", "#23405f", "#20262d", "#8a5a10", "#ffb454", "#5a2a48", "#1f5136"),
        *("#6fd69b", "#0c1a12", "#2a3038", ("#1d3528", "#245438", "#2e7549", "#6fd69b"), ("#74b3f2", "#ffb454", "#6fd69b")),
    ),
)
#: Okabe and Ito's colours, which remain apart under the common colour vision deficiencies; the vermilion of outlines is a
#: little darker than theirs, so that words on it are legible.
COLOUR_SAFE = _style(
    "colour-safe",
    Palette(
        *("#ffffff", "#111111", "#5f5f5f", "#888888", "#cfe8f7", "#f4f4f4", "#f6d38b", "#c25400", "#e2aecb", "#bfe3d8"),
        *("#0072b2", "#ffffff", "#e3e3e3", ("#e4f0f7", "#a6cfe7", "#56b4e9", "#0072b2"), ("#0072b2", "#d55e00", "#009e73")),
    ),
)
PRINT = _style(
    "print",
    Palette(
        *("#ffffff", "#000000", "#555555", "#555555", "#ffffff", "#ffffff", "#cccccc", "#000000", "#ebebeb", "#ebebeb"),
        *("#333333", "#ffffff", "#ffffff", ("#f2f2f2", "#cfcfcf", "#9c9c9c", "#333333"), ("#000000", "#666666", "#949494")),
    ),
)

STYLES = MappingProxyType({style.name: style for style in (LIGHT, DARK, COLOUR_SAFE, PRINT)})


def as_style(value: Style | str) -> Style:
    """A style, or the built-in one of this name.

    >>> as_style("dark").name
    'dark'
    """
    if isinstance(value, Style):
        return value
    if value not in STYLES:
        raise ArgumentError(f"style: got {value!r}; there are {', '.join(STYLES)}")
    return STYLES[value]
