"""What a process is asked to measure: a layer, a network, or the machine itself; values that travel as text and numbers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from atrous.bench.arrays import Operands
from atrous.errors import UnsupportedError
from atrous.graph.fact import Array
from atrous.problem import Problem

if TYPE_CHECKING:
    from atrous.bench.peers.peer import Peer


@dataclass(frozen=True, slots=True)
class Ready:
    """A call that may be repeated, and its result as NumPy arrays, channels first, when it has run."""

    call: Callable[[], object]
    results: Callable[[], tuple[Array, ...]] = tuple
    #: FLOP of one call, or bytes of a copy, where only the process knows.
    work: float = 0.0


class Task(Protocol):
    """Anything that a process can be asked to make ready."""

    def prepare(self, peer: Peer) -> Ready:
        """The call of this peer."""


@dataclass(frozen=True, slots=True)
class LayerTask:
    """A convolution, its operands drawn from the seed."""

    text: str
    seed: int
    threads: int

    @property
    def problem(self) -> Problem:
        return Problem.parse(self.text)

    def operands(self) -> Operands:
        """The same arrays in every process."""
        return Operands.of(self.problem, self.seed)

    def prepare(self, peer: Peer) -> Ready:
        if peer.layer is None:
            raise UnsupportedError(f"{peer.name} measures no single layers")
        return peer.layer(self)


@dataclass(frozen=True, slots=True)
class NetworkTask:
    """An ONNX file and the shape of each input, filled from the seed."""

    path: str
    shapes: tuple[tuple[str, tuple[int, ...]], ...]
    seed: int
    threads: int
    dtype: str = "float32"

    def prepare(self, peer: Peer) -> Ready:
        if peer.network is None:
            raise UnsupportedError(f"{peer.name} measures no networks")
        return peer.network(self)
