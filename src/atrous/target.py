"""The CPU that code is generated for: vectors, registers, caches, cores. A frozen value that the planner reads."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from math import gcd
from pathlib import Path

from atrous.errors import ArgumentError
from atrous.geometry.sizes import ITEMSIZE

#: Bytes of a cache line, and of one way of a first data cache: a page, so that no address need be translated.
LINE, WAY = 64, 4096

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


@dataclass(frozen=True, slots=True)
class Rates:
    """What one core does in a cycle, at the most: what a cost model needs to know of it.

    ``fmas`` and ``loads`` count instructions on the widest vectors, ``broadcasts`` loads of one element to all lanes; ``l2``,
    ``l3`` and ``memory`` are the bytes a cycle that come from there when they are read in order. ``latency`` is the length
    of a multiply-add in cycles.
    """

    fmas: float = 2.0
    loads: float = 2.0
    broadcasts: float = 2.0
    l2: float = 32.0
    l3: float = 12.0
    memory: float = 4.0
    latency: int = 4


_SERVER512 = Rates(l2=48.0, l3=10.0)
_CLIENT256 = Rates(l2=32.0, l3=16.0, memory=6.0)
_ZEN256 = Rates(l2=32.0, l3=16.0, memory=6.0)
_APPLE = Rates(4.0, 3.0, 3.0, 32.0, 16.0, 16.0)
_WIDE_ARM = Rates(4.0, 3.0, 3.0, 32.0, 16.0, 6.0)
#: By LLVM's names. Widest vectors are those of ``Target.vector_bytes``: 128 bits on ARM, where LLVM is asked for NEON.
_RATES = {
    # 512 bits in two halves: one multiply-add, one load a cycle
    "znver4": Rates(1.0, 1.0, 1.0, 32.0, 16.0, 6.0),
    "znver5": Rates(2.0, 2.0, 2.0, 48.0, 20.0, 8.0),
    "znver1": Rates(1.0, 1.0, 2.0, 32.0, 16.0, 5.0, 5),
    **dict.fromkeys(("znver2", "znver3"), _ZEN256),
    **dict.fromkeys(("skylake-avx512", "cascadelake", "cooperlake", "cannonlake"), _SERVER512),
    **dict.fromkeys(("icelake-server", "sapphirerapids", "emeraldrapids", "graniterapids"), _SERVER512),
    # one unit of 512 bits, made of the two of 256
    **dict.fromkeys(("icelake-client", "tigerlake", "rocketlake"), Rates(1.0, 2.0, 2.0, 48.0, 16.0, 6.0)),
    **dict.fromkeys(("haswell", "broadwell"), Rates(l2=28.0, l3=14.0, memory=5.0, latency=5)),
    **dict.fromkeys(("skylake", "alderlake", "raptorlake", "meteorlake", "arrowlake", "lunarlake"), _CLIENT256),
    **dict.fromkeys(("sandybridge", "ivybridge"), Rates(1.0, 1.0, 2.0, 24.0, 12.0, 4.0, 8)),
    **dict.fromkeys(("apple-m1", "apple-m2", "apple-m3", "apple-m4", "apple-a14", "apple-a15"), _APPLE),
    **dict.fromkeys(("neoverse-v1", "neoverse-v2", "neoverse-v3", "cortex-x1", "cortex-x2", "cortex-x3"), _WIDE_ARM),
    **dict.fromkeys(("neoverse-n1", "neoverse-n2", "cortex-a76", "cortex-a78"), Rates(l2=28.0, l3=12.0, memory=5.0)),
}

_UNKNOWN = Rates()


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
    >>> target.rates.fmas, Target("haswell", "x86_64").rates.fmas
    (1.0, 2.0)
    """

    name: str
    arch: str
    features: frozenset[str] = frozenset()
    caches: Caches = field(default_factory=Caches)
    cores: int = 1
    #: Bytes of the widest vector register.
    vector_bytes: int = field(init=False, repr=False, compare=False)
    #: What a core does in a cycle, known by its name; middling figures for a CPU that is not known.
    rates: Rates = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        wide = 64 if "avx512f" in self.features else 32 if "avx" in self.features else 16
        object.__setattr__(self, "vector_bytes", wide if self.arch == "x86_64" else 16)
        object.__setattr__(self, "rates", _RATES.get(self.name, _UNKNOWN))

    @classmethod
    def from_host(cls, cpu_name: str, features: Mapping[str, bool] | Iterable[str]) -> Target:
        """The machine this runs on; name and features as LLVM detects them (a mapping names those that are on and off)."""
        on = (name for name, present in features.items() if present) if isinstance(features, Mapping) else features
        return cls(cpu_name, _architecture(), frozenset(on), Caches.of_host(), available_cores())

    def lines(self, step: int, way: int = WAY, size: int | None = None) -> int:
        """How many lines that lie ``step`` bytes apart a cache holds at once: the first, or one of other ``way`` and ``size``.

        A line's place follows from its address modulo the size of a way.

        >>> target = Target("any", "x86_64")
        >>> target.lines(4096), target.lines(2048), target.lines(320)
        (8, 16, 512)
        """
        ways = max(1, (self.caches.l1 if size is None else size) // way)
        return ways * (way // max(LINE, gcd(step, way)))

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
