"""A figure: the scenes of its steps in one style; shows itself in notebooks, and is saved in the format of a suffix."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path

from atrous.errors import ArgumentError
from atrous.figures.drawing import Drawing
from atrous.figures.formats import format_of
from atrous.figures.frames import Frames
from atrous.figures.layout import draw_scene
from atrous.figures.player import to_frame
from atrous.figures.scene import Scene
from atrous.figures.style import LIGHT, Style, as_style
from atrous.figures.svg import to_svg
from atrous.files import refuse_existing, write_whole


@dataclass(frozen=True, slots=True, repr=False)
class Figure:
    """One or more steps of a picture, at least one; ``name`` is what a file is called if nobody says.

    ``seconds`` is how long films show a step (the last one longer); ``scale`` is the pixels of images per unit of the drawing.
    """

    name: str
    scenes: tuple[Scene, ...]
    style: Style = LIGHT
    seconds: float = 1.0
    scale: float = 2.0

    def __post_init__(self) -> None:
        if not 0.02 <= self.seconds <= 600:
            raise ArgumentError(f"seconds: got {self.seconds}; a step of a film is shown for 0.02 to 600 seconds")
        if not 0.25 <= self.scale <= 8:
            raise ArgumentError(f"scale: got {self.scale}; images have 0.25 to 8 pixels per unit of the drawing")

    def __repr__(self) -> str:
        steps = "1 step" if len(self) == 1 else f"{len(self)} steps"
        return f"<Figure {self.name}: {self.scenes[0].title}, {steps}, {self.style.name}>"

    def __len__(self) -> int:
        """How many steps it has."""
        return len(self.scenes)

    def step(self, number: int) -> Figure:
        """The figure of one step alone, counted from 1."""
        if not 1 <= number <= len(self):
            have = "is step 1 only" if len(self) == 1 else f"are steps 1 to {len(self)}"
            raise ArgumentError(f"step: got {number}; there {have} of {self.name!r}")
        return replace(self, name=f"{self.name}-{number}", scenes=(self.scenes[number - 1],))

    def styled(self, style: Style | str) -> Figure:
        """The same in another style: ``"light"``, ``"dark"``, ``"colour-safe"`` or ``"print"``, or one of your own."""
        return replace(self, style=as_style(style))

    def drawings(self) -> tuple[Drawing, ...]:
        """One for each step, all of one size."""
        drawn = [draw_scene(scene) for scene in self.scenes]
        width, height = max(drawing.width for drawing in drawn), max(drawing.height for drawing in drawn)
        return tuple(replace(drawing, width=width, height=height) for drawing in drawn)

    def svg(self) -> str:
        """The last step as an SVG document."""
        return to_svg(self.drawings()[-1], self.style)

    def save(self, path: str | os.PathLike[str], *, overwrite: bool = False) -> tuple[Path, ...]:
        """Write the figure in the format that the name ends in, with all its steps; returns the files written.

        ``.svg`` (animated if there are several steps), ``.gif``, ``.png`` (one file a step, numbered), ``.pdf`` and ``.tex``
        (one page a step), ``.html`` (a page that plays them). The same figure gives the same bytes.

        Raises ``ArgumentError`` for a suffix of no format, and ``FileError`` if a file exists and ``overwrite`` is not given.
        """
        target = Path(path)
        files = format_of(target).write(self._frames(), target)
        for file in files:  # all of them before the first is written
            refuse_existing(file, overwrite=overwrite)
        for file, content in files.items():
            write_whole(file, content, overwrite=overwrite)
        return tuple(files)

    def _frames(self) -> Frames:
        return Frames(self.drawings(), self.style, self.seconds, self.scale)

    def _repr_svg_(self) -> str | None:
        """What a notebook shows of one step."""
        return self.svg() if len(self) == 1 else None

    def _repr_html_(self) -> str | None:
        """What a notebook shows of several steps: the player."""
        return to_frame(self._frames()) if len(self) > 1 else None
