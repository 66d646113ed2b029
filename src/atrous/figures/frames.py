"""What the formats write: the drawings of all steps, the style that paints them, and how fast and how fine they are shown."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from atrous.figures.drawing import Drawing
from atrous.figures.style import Style


@dataclass(frozen=True, slots=True)
class Frames:
    """One drawing or more, all of one size; ``seconds`` a step in films, ``scale`` in pixels per unit in images."""

    drawings: tuple[Drawing, ...]
    style: Style
    seconds: float = 1.0
    scale: float = 2.0

    @property
    def last(self) -> Drawing:
        """The one that is shown where only one can be: all outputs are known in it."""
        return self.drawings[-1]

    @property
    def held(self) -> float:
        """How long the last one is shown, so that the end of the film is seen as one."""
        return 2.5 * self.seconds


#: The files of a format, and what is in each; a format of many steps may need many.
Writer = Callable[[Frames, Path], dict[Path, bytes]]


def single(write: Callable[[Frames], bytes]) -> Writer:
    """The writer of a format that holds all steps in one file."""
    return lambda frames, path: {path: write(frames)}
