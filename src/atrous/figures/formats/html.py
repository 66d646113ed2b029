"""HTML: one self-contained page that plays all steps."""

from __future__ import annotations

from atrous.figures.frames import Frames
from atrous.figures.player import to_page


def write_html(frames: Frames) -> bytes:
    """An HTML page, UTF-8."""
    return to_page(frames).encode()
