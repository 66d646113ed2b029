"""GIF: all steps as a film that starts again."""

from __future__ import annotations

from io import BytesIO
from typing import Any

from atrous.figures.frames import Frames
from atrous.figures.raster import to_images


def write_gif(frames: Frames) -> bytes:
    """An animated GIF that repeats, each step shown for its time; a frame holds only what changed."""
    first, *rest = to_images(frames)
    times = [round(1000 * frames.seconds)] * len(rest) + [round(1000 * frames.held)]
    film: dict[str, Any] = {"append_images": rest, "duration": times, "loop": 0} if rest else {}
    file = BytesIO()
    first.save(file, "GIF", save_all=True, optimize=False, disposal=1, **film)
    return file.getvalue()
