"""The machine and the libraries of a run, described so that its numbers can be read elsewhere."""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from atrous.bench.peers import version_of
from atrous.bench.peers.peer import Peer
from atrous.engine.compiler import host
from atrous.target import Caches, available_cores

_CPU, _MEMORY = Path("/proc/cpuinfo"), Path("/proc/meminfo")


def describe() -> dict[str, Any]:
    """The CPU, its caches in bytes, cores, memory and system."""
    target = host()
    caches: Caches = target.caches
    return {
        "cpu": _field(_CPU, "model name") or platform.processor() or platform.machine(),
        "llvm_name": target.name,
        "vector_bits": target.vector_bits,
        "cores": available_cores(),
        "l1_bytes": caches.l1,
        "l2_bytes": caches.l2,
        "l3_bytes": caches.l3,
        "memory_bytes": 1024 * int((_field(_MEMORY, "MemTotal") or "0 kB").split()[0]),
        "system": f"{platform.system()} {platform.release()}",
        "load": os.getloadavg()[0],
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def versions(peers: Sequence[Peer]) -> dict[str, str]:
    """The version of every library that is there, and of what runs them."""
    found = {peer.distribution: version_of(peer) for peer in peers}
    kept = {name: version for name, version in found.items() if version is not None}
    return {"python": platform.python_version(), "numpy": np.__version__, **kept}


def _field(path: Path, name: str) -> str | None:
    """The first value of this name in one of Linux's tables."""
    try:
        found = re.search(rf"^{name}\s*:\s*(.+)$", path.read_text(), re.MULTILINE)
    except OSError:
        return None
    return found[1].strip() if found else None
