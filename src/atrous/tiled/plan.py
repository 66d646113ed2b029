"""Tile plans: which boxes of the output are computed one after the other, and what that costs, known before it starts."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from math import prod

from atrous.geometry import Box, ceil_div
from atrous.tiled.memory import megabytes


@dataclass(frozen=True, slots=True)
class MemoryLine:
    """One part of a run's peak memory."""

    what: str
    size: int


@dataclass(frozen=True)
class TilePlan:
    """How a network runs over an input of any size: a grid of output tiles, each computed from its input box with halo.

    ``tile`` and ``grid`` have one number for each axis of the network's output ``(N, C, *space)``; ``halo`` is, for each
    axis of its input, how far a tile reads beyond its own part before and after; ``overhead`` is the share of work
    (multiply-adds and elements) done more than once, relative to the whole run; ``memory`` adds up to the planned peak.
    """

    network: str
    input: str
    input_shape: tuple[int, ...]
    output: str
    output_shape: tuple[int, ...]
    tile: tuple[int, ...]
    halo: tuple[tuple[int, int], ...]
    overhead: float
    memory: tuple[MemoryLine, ...]
    budget: int

    @property
    def grid(self) -> tuple[int, ...]:
        """How many tiles there are along each axis of the output."""
        return tuple(ceil_div(n, t) for n, t in zip(self.output_shape, self.tile, strict=True))

    @property
    def count(self) -> int:
        """How many tiles there are."""
        return prod(self.grid)

    @property
    def peak(self) -> int:
        """Bytes of the whole process at the planned peak."""
        return sum(line.size for line in self.memory)

    def tiles(self) -> Iterator[Box]:
        """The boxes of the output, in the order they are computed: rows of tiles, so that neighbours share what was read."""
        for index in itertools.product(*(range(n) for n in self.grid)):
            lo = tuple(i * t for i, t in zip(index, self.tile, strict=True))
            yield Box(lo, tuple(min(a + t, n) for a, t, n in zip(lo, self.tile, self.output_shape, strict=True)))

    def __str__(self) -> str:
        halo = ", ".join(f"{lo}+{hi}" for lo, hi in self.halo[2:]) or "none"
        whole = "the whole output at once" if self.count == 1 else f"{self.count} tiles of {_times(self.tile)}"
        lines = [
            f"{self.network}: {self.input} {_times(self.input_shape)} to {self.output} {_times(self.output_shape)}",
            f"  tiles      {whole}" + (f" ({_times(self.grid)})" if self.count > 1 else ""),
            f"  halo       {halo} along the spatial axes of the input",
            f"  overhead   {self.overhead:.1%} more work than the whole run",
            f"  memory     {megabytes(self.peak)} at the peak, of a budget of {megabytes(self.budget)}",
        ]
        lines += [f"    {megabytes(line.size):>14}  {line.what}" for line in self.memory if line.size]
        return "\n".join(lines)


def _times(shape: tuple[int, ...]) -> str:
    return "×".join(map(str, shape))
