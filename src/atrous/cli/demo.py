"""``atrous demo``: the main job on a photograph."""

from __future__ import annotations


def demo() -> None:
    """Denoise a large photograph in a fixed memory budget, twice with unlike tiles, and compare the bits."""
