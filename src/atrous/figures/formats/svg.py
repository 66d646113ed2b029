"""SVG: one step as it is, several as an animation."""

from __future__ import annotations

from atrous.figures.frames import Frames
from atrous.figures.svg import to_animated_svg, to_svg


def write_svg(frames: Frames) -> bytes:
    """An SVG document, UTF-8."""
    return (to_animated_svg(frames) if len(frames.drawings) > 1 else to_svg(frames.last, frames.style)).encode()
