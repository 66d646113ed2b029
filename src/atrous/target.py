"""The CPU that code is generated for: vectors, registers, caches, cores. A frozen value that the planner reads."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from atrous.errors import ArgumentError
from atrous.geometry.sizes import ITEMSIZE

_CPU0_CACHES = Path("/sys/devices/system/cpu/cpu0/cache")
_UNITS = {"K": 2**10, "M": 2**20, "G": 2**30}


@dataclass(frozen=True, slots=True)
class Caches:
    """Data cache sizes in bytes as one core sees them; ``l3`` is shared by cores and 0 where there is none.

    The defaults are the least that CPUs of the last ten years have.
    """

    l1: int = 32 * 2**10
    l2: int = 256 * 2**10
    l3: int = 0

    @classmethod
    def of_host(cls, folder: Path = _CPU0_CACHES) -> Caches:
        """The host's, from Linux's description of core 0; the defaults for what it does not tell."""
        found: dict[int, int] = {}
        for index in sorted(folder.glob("index*")):
            try:
                kind = (index / "type").read_text().strip()
                level = int((index / "level").read_text())
                size = _bytes((index / "size").read_text().strip())
            except (OSError, ValueError):
                continue
            if kind in ("Data", "Unified") and size:
                found[level] = size
        return cls(found.get(1, cls().l1), found.get(2, cls().l2), found.get(3, 0))


def _bytes(text: str) -> int:
    """``48K`` in bytes."""
    return int(text[:-1]) * _UNITS[text[-1]] if text[-1:] in _UNITS else int(text)


def available_cores() -> int:
    """How many cores this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return max(1, len(os.sched_getaffinity(0)))
    return os.cpu_count() or 1


@dataclass(frozen=True, slots=True)
class Target:
    """A CPU as the planner sees it. ``name`` and ``features`` are LLVM's.

    >>> target = Target("znver4", "x86_64", frozenset({"avx2", "fma", "avx512f"}), cores=2)
    >>> target.vector_bytes, target.vector_registers, target.lanes("float32"), target.lanes("float64")
    (64, 32, 16, 8)
    """

    name: str
    arch: str
    features: frozenset[str] = frozenset()
    caches: Caches = field(default_factory=Caches)
    cores: int = 1

    @classmethod
    def from_host(cls, cpu_name: str, features: Mapping[str, bool] | Iterable[str]) -> Target:
        """The machine this runs on; name and features as LLVM detects them (a mapping names those that are on and off)."""
        on = (name for name, present in features.items() if present) if isinstance(features, Mapping) else features
        return cls(cpu_name, _architecture(), frozenset(on), Caches.of_host(), available_cores())

    @property
    def vector_bytes(self) -> int:
        """Bytes of the widest vector register."""
        if self.arch == "x86_64":
            return 64 if "avx512f" in self.features else 32 if "avx" in self.features else 16
        return 16

    @property
    def vector_bits(self) -> int:
        """Bits of the widest vector register."""
        return 8 * self.vector_bytes

    @property
    def vector_registers(self) -> int:
        """How many vector registers instructions can name."""
        if self.arch == "x86_64":
            return 32 if "avx512f" in self.features else 16
        return 32

    @property
    def fma(self) -> bool:
        """Whether one instruction multiplies and adds with one rounding."""
        return self.arch != "x86_64" or "fma" in self.features or "avx512f" in self.features

    def lanes(self, dtype: str) -> int:
        """Elements of one vector register."""
        if dtype not in ITEMSIZE:
            raise ArgumentError(f"dtype: got {dtype!r}; vectors hold {' or '.join(ITEMSIZE)}")
        return self.vector_bytes // ITEMSIZE[dtype]


def _architecture() -> str:
    """The machine's architecture under LLVM's names."""
    machine = platform.machine().lower()
    return {"amd64": "x86_64", "arm64": "aarch64"}.get(machine, machine)
