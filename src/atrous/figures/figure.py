"""A figure: the scenes of its steps in one style. It shows itself in notebooks; a file name says how it is written."""

from __future__ import annotations

from dataclasses import dataclass, replace

from atrous.figures.drawing import Drawing
from atrous.figures.layout import draw_scene
from atrous.figures.scene import Scene
from atrous.figures.style import LIGHT, Style, as_style
from atrous.figures.svg import to_svg


@dataclass(frozen=True, slots=True)
class Figure:
    """One or more steps of a picture, at least one; ``name`` is what a file is called if nobody says."""

    name: str
    scenes: tuple[Scene, ...]
    style: Style = LIGHT

    def __len__(self) -> int:
        """How many steps it has."""
        return len(self.scenes)

    def step(self, number: int) -> Figure:
        """The figure of one step alone, counted from 1."""
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

    def _repr_svg_(self) -> str:
        return self.svg()
