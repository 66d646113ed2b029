"""Memory of this process as Linux counts it."""

from __future__ import annotations

import re
from pathlib import Path

_STATUS, _CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")
_RESET_PEAK = "5"  # proc(5): sets the peak to what is resident now


def peak() -> int | None:
    """The most memory that was resident so far (``VmHWM``), in bytes; ``None`` where the system does not tell."""
    return _field("VmHWM")


def reset_peak() -> int | None:
    """Begin counting the peak anew; what is resident now, in bytes."""
    try:
        _CLEAR.write_text(_RESET_PEAK)
    except OSError:
        return None
    return _field("VmRSS")


def _field(name: str) -> int | None:
    try:
        found = re.search(rf"^{name}:\s+(\d+) kB", _STATUS.read_text(), re.MULTILINE)
    except OSError:
        return None
    return 1024 * int(found[1]) if found else None
