"""Budgets of memory, and what this process uses of it now. All numbers are bytes; 1 MB is 10^6, 1 MiB is 2^20."""

from __future__ import annotations

import ctypes
import os
import re
import resource
import sys
from pathlib import Path

from atrous.errors import ArgumentError

_UNITS = {"": 1, "B": 1} | {f"{letter}{mark}": base**power for mark, base in (("B", 1000), ("iB", 1024), ("", 1000))
                             for power, letter in enumerate("KMGT", 1)}  # fmt: skip
_UNITS_BY_CASE = {unit.upper(): size for unit, size in _UNITS.items()}
_RULE = "it must be a positive number of bytes, or a text such as '300MB', '1.5GB' or '2GiB'"
#: The share of the free memory that a run takes when no budget is given.
DEFAULT_SHARE = 0.5


def parse_memory(memory: int | str | None) -> int:
    """A budget in bytes for the whole process; ``None`` is what it uses now and half of what is free.

    >>> parse_memory("300MB"), parse_memory("2 GiB"), parse_memory(10**9)
    (300000000, 2147483648, 1000000000)
    """
    if memory is None:
        return resident() + int(DEFAULT_SHARE * available())
    if isinstance(memory, str):
        found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([A-Za-z]*)\s*", memory)
        if found is None or found[2].upper() not in _UNITS_BY_CASE:
            raise ArgumentError(f"memory: got {memory!r}; {_RULE}")
        size = int(float(found[1]) * _UNITS_BY_CASE[found[2].upper()])
    elif isinstance(memory, int) and not isinstance(memory, bool):
        size = memory
    else:
        raise ArgumentError(f"memory: got {memory!r}; {_RULE}")
    if size <= 0:
        raise ArgumentError(f"memory: got {memory!r}; {_RULE}")
    return size


def megabytes(size: int) -> str:
    """Bytes as a person reads them.

    >>> megabytes(23_456_789)
    '23.5 MB'
    """
    return f"{size / 1e6:,.1f} MB"


def resident() -> int:
    """Bytes of this process in physical memory now (RSS)."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except OSError:
        return peak_resident()
    return pages * os.sysconf("SC_PAGE_SIZE")


def peak_resident() -> int:
    """The most bytes that this process ever had in physical memory (VmHWM, the peak RSS)."""
    try:
        # Not getrusage, where there is a choice: its peak outlives exec, so a small child of a large process looks large.
        found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    except OSError:
        found = None
    if found:
        return int(found[1]) * 1024
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return used if sys.platform == "darwin" else used * 1024


def release_heap() -> None:
    """Give freed memory of the C heap back to the system, where the C library can: else it counts as ours."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


def available() -> int:
    """Bytes that this process can still take without pushing others out: the machine's, or its container's if less."""
    free = [_meminfo_available(), _cgroup_available()]
    known = [size for size in free if size is not None]
    return min(known) if known else os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2


def _meminfo_available() -> int | None:
    try:
        text = Path("/proc/meminfo").read_text()
    except OSError:
        return None
    found = re.search(r"MemAvailable:\s+(\d+) kB", text)
    return int(found[1]) * 1024 if found else None


def _cgroup_available() -> int | None:
    """What the limit of this process's container leaves (cgroup v2, then v1); ``None`` without one."""
    for limit, used in (("memory.max", "memory.current"), ("memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes")):
        try:
            root = Path("/sys/fs/cgroup")
            return max(0, int((root / limit).read_text()) - int((root / used).read_text()))
        except (OSError, ValueError):
            continue
    return None
