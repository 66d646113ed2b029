"""What a peer is: a library in one way of using it, and what it makes of a task."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from atrous.bench.tasks import LayerTask, NetworkTask, Ready


@dataclass(frozen=True, slots=True)
class Peer:
    """One way of one library. ``layer`` and ``network`` make a call of a task; ``None`` where the peer has no part.

    They run in the peer's own process and import the library there. What a peer cannot do it refuses with an
    ``UnsupportedError`` that says why; whatever else it raises is reported as a failure.
    """

    name: str
    #: What is measured, in a few words.
    what: str
    #: The distribution whose version is reported; without it the peer is absent.
    distribution: str
    layer: Callable[[LayerTask], Ready] | None
    network: Callable[[NetworkTask], Ready] | None = None
    #: The project's own calls: they are what peers are compared with.
    own: bool = False
