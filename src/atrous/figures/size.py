"""How much room a part of a figure takes."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Size:
    """Width and height in pixels; ``rise`` is what stands out above (the channels that lie behind)."""

    width: float
    height: float
    rise: float = 0.0
