"""Exact execution on inputs of any size: lazily read sources, lazily written sinks, tile plans that keep a memory budget."""

from atrous.tiled.plan import MemoryLine, TilePlan
from atrous.tiled.run import plan, run

__all__ = ["MemoryLine", "TilePlan", "plan", "run"]
