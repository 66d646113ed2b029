"""What tiling asks of a compiled network. ``engine`` provides it; tests provide an oracle that computes the same slowly."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from atrous.geometry import Box
from atrous.graph.fact import Array, Fact
from atrous.graph.network import Network


class Bound(Protocol):
    """A compiled network with the shapes of its inputs fixed."""

    @property
    def network(self) -> Network:
        """The network as it runs, with concrete shapes."""
        ...

    @property
    def facts(self) -> Mapping[str, Fact]:
        """The facts of all values of ``network``."""
        ...

    def demand(self, wanted: Mapping[str, Box], /) -> dict[str, Box]:
        """The box of every value that the wanted boxes of the outputs need."""
        ...

    def arena_bytes(self, demand: Mapping[str, Box], /) -> int:
        """Bytes of scratch that computing these boxes takes."""
        ...

    def run(
        self, demand: Mapping[str, Box], inputs: Mapping[str, Array], outputs: Mapping[str, Array], threads: int, /
    ) -> None:
        """Compute: ``inputs`` hold exactly the demanded boxes, ``outputs`` receive exactly the wanted ones."""
        ...

    def release(self) -> None:
        """Let go of scratch memory that was kept from tile to tile."""
        ...


class Program(Protocol):
    """A compiled network."""

    @property
    def network(self) -> Network:
        """The network that was compiled."""
        ...

    def bind(self, shapes: Mapping[str, tuple[int, ...]], /) -> Bound:
        """Fix the shapes of the inputs."""
        ...
