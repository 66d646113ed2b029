"""Wisdom: the plans that were measured to be the fastest, as text, one line each.

    znver4-5f0c2a9b llvm22.1.0 atrous0.1.0 t2 conv:f32:c64:i56x56:k64:w3x3:p1 rows>rows = direct p14v2 i2 @ 1073.4us

Before the equals sign stands what it was measured for: the CPU with a hash of its features and caches, the versions of LLVM
and atrous, the cores, the problem and the layouts around it. Lines of other machines and versions may lie in the same file;
they are never used. Lines that begin with # are remarks.
"""

from __future__ import annotations

import hashlib
import re
import warnings
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from llvmlite import binding as llvm

from atrous import __version__
from atrous.engine.cache import ObjectCache
from atrous.engine.plan import Plan, Request
from atrous.errors import ArgumentError, FileError
from atrous.files import write_whole
from atrous.target import Target

#: The file's name in the cache folder.
FILE = "wisdom.txt"

_LINE = re.compile(
    r"(?P<cpu>\S+) llvm(?P<llvm>\S+) atrous(?P<atrous>\S+) t(?P<cores>[1-9]\d{0,4}) (?P<problem>\S+ \w+>\w+)"
    r" = (?P<plan>[^=@]+?) @ (?P<micros>\d{1,12}(\.\d{1,6})?)us"
)


@dataclass(frozen=True, slots=True)
class Machine:
    """What of a machine and its software measured times depend on."""

    cpu: str
    llvm: str
    atrous: str
    cores: int

    def __str__(self) -> str:
        return f"{self.cpu} llvm{self.llvm} atrous{self.atrous} t{self.cores}"

    @classmethod
    def of(cls, target: Target) -> Machine:
        """This version of atrous on a CPU."""
        caches = target.caches
        seen = f"{target.arch} {sorted(target.features)} {caches.l1} {caches.l2} {caches.l3}"
        digest = hashlib.sha256(seen.encode()).hexdigest()[:8]
        return cls(f"{target.name}-{digest}", ".".join(map(str, llvm.llvm_version_info)), __version__, target.cores)

    def differs(self, other: Machine) -> str:
        """What of another one is not as here, for people."""
        parts = [
            (label, mine, theirs)
            for label, mine, theirs in (
                ("CPU", self.cpu, other.cpu),
                ("LLVM", self.llvm, other.llvm),
                ("atrous", self.atrous, other.atrous),
                ("cores", self.cores, other.cores),
            )
            if mine != theirs
        ]
        return ", ".join(f"{label} {theirs} (here {mine})" for label, mine, theirs in parts)


@dataclass(frozen=True, slots=True)
class Entry:
    """One line: where, for what, which plan, and how long it took."""

    machine: Machine
    problem: str
    plan: Plan
    seconds: float

    def __str__(self) -> str:
        return f"{self.machine} {self.problem} = {self.plan} @ {self.seconds * 1e6:.1f}us"

    @classmethod
    def parse(cls, line: str) -> Entry:
        """The entry that a line spells; ``ArgumentError`` for one that does not."""
        found = _LINE.fullmatch(line.strip())
        if not found:
            raise ArgumentError("wisdom: a line reads CPU llvmX atrousX tN PROBLEM LAYOUTS = PLAN @ TIMEus")
        machine = Machine(found["cpu"], found["llvm"], found["atrous"], int(found["cores"]))
        return cls(machine, found["problem"], Plan.parse(found["plan"]), float(found["micros"]) / 1e6)


Key = tuple[Machine, str]


class Wisdom:
    """Entries by machine and problem, read from ``file`` when they are first asked for, and written back on ``save``."""

    def __init__(self, store: ObjectCache | None = None) -> None:
        self._store = store
        self._entries: dict[Key, Entry] | None = None

    @property
    def entries(self) -> Mapping[Key, Entry]:
        """All that is known, of all machines."""
        if self._entries is None:
            self._entries = {(each.machine, each.problem): each for each in self._read()}
        return self._entries

    def find(self, request: Request, target: Target) -> Entry | None:
        """What was measured for a request on this machine."""
        if not self.entries or not request.named:
            return None
        return self.entries.get((_machine(target), str(request)))

    def finder(self, target: Target) -> Callable[[Request], Plan | None]:
        """``find`` for one machine, as a planner asks it."""

        def plan(request: Request) -> Plan | None:
            found = self.find(request, target)
            return None if found is None else found.plan

        return plan

    def learn(self, entries: Iterable[Entry]) -> None:
        """Add entries, which replace older ones of the same key, in memory and in the file."""
        known = dict(self.entries)
        if self._store is not None:
            known |= {(each.machine, each.problem): each for each in self._read(quiet=True)}  # what others wrote meanwhile
        known |= {(each.machine, each.problem): each for each in entries}
        self._entries = known
        if self._store is not None:
            self._store.write(FILE, self.text().encode())

    def forget(self) -> int:
        """Delete all entries; returns how many there were."""
        count = len(self.entries)
        self._entries = {}
        if self._store is not None:
            self._store.write(FILE, b"")
        return count

    def text(self) -> str:
        """All entries as lines, in order."""
        return "".join(f"{line}\n" for line in sorted(map(str, self.entries.values())))

    def _read(self, quiet: bool = False) -> list[Entry]:
        data = None if self._store is None else self._store.read(FILE)
        if not data:
            return []
        found, damaged = _entries(data.decode(errors="replace"))
        if damaged and not quiet:
            assert self._store is not None
            number, line = damaged[0]
            warnings.warn(
                f"wisdom: {len(damaged)} lines of {self._store.folder}/{FILE} cannot be read and are not used, the first is "
                f"line {number}: {line[:80]!r}; tune again, or delete them",
                RuntimeWarning,
                stacklevel=4,
            )
        return found


def _entries(text: str) -> tuple[list[Entry], list[tuple[int, str]]]:
    """The entries of a text, and the lines, with their numbers, that are none."""
    found, damaged = [], []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        try:
            found.append(Entry.parse(line))
        except ArgumentError:
            damaged.append((number, line))
    return found, damaged


@cache
def _machine(target: Target) -> Machine:
    return Machine.of(target)


def default_wisdom() -> Wisdom:
    """The user's wisdom, kept beside the compiled kernels: in ``$ATROUS_CACHE``, else in the user's cache folder."""
    return _wisdom_of(ObjectCache.default().folder)


@cache
def _wisdom_of(folder: Path | None) -> Wisdom:
    return Wisdom(ObjectCache(folder))


@dataclass(frozen=True)
class Imported:
    """What became of a file's lines: how many were taken, and why the others were not."""

    taken: int
    refused: list[str] = field(default_factory=list)


def import_wisdom(path: Path, target: Target, wisdom: Wisdom) -> Imported:
    """Take the lines of a file that were measured on this CPU by these versions.

    The others are refused, each with what was seen. ``FileError`` if the file cannot be read, or no line is taken.
    """
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise FileError(f"{path}: cannot be read: {error.strerror or error}") from error
    here, taken, refused = _machine(target), [], []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        try:
            entry = Entry.parse(line)
        except ArgumentError as error:
            refused.append(f"line {number}: got {line[:80]!r}: {error}")
            continue
        if entry.machine == here:
            taken.append(entry)
        else:
            refused.append(f"line {number}: {entry.problem} was measured elsewhere: {here.differs(entry.machine)}")
    if not taken:
        seen = f"{len(refused)} lines, all refused; {refused[0]}" if refused else "no line of wisdom"
        raise FileError(f"{path}: {seen}; run atrous tune on this machine instead")
    wisdom.learn(taken)
    return Imported(len(taken), refused)


def export_wisdom(path: Path, wisdom: Wisdom, *, overwrite: bool = False) -> int:
    """Write all wisdom to a text file; returns how many lines. A file that exists is refused unless ``overwrite``."""
    write_whole(path, wisdom.text().encode(), overwrite=overwrite)
    return len(wisdom.entries)
