"""Compiled kernels on disk. What is loaded from here is executed, so nothing is loaded that could be another's.

The folder is private (mode 0700) and ours; an entry begins with the hash of its code. Entries are written aside and moved
into place, so processes share the folder freely. A damaged entry is rebuilt; a folder that is foreign, read-only or full
costs speed, never a result.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
import tempfile
import warnings
from dataclasses import dataclass
from pathlib import Path

_HASH_BYTES = hashlib.sha256().digest_size
_SUFFIX = ".atrous"


@dataclass(frozen=True, slots=True)
class CacheInfo:
    """What is in the cache, for people."""

    folder: str
    entries: int
    bytes: int


class ObjectCache:
    """Objects by hash in one private folder; ``folder=None`` is a cache that keeps nothing."""

    def __init__(self, folder: Path | None) -> None:
        self.folder = folder
        self._usable: bool | None = None

    @classmethod
    def default(cls) -> ObjectCache:
        """``$ATROUS_CACHE`` if set (empty: none), else ``atrous/kernels`` in the user's cache folder."""
        chosen = os.environ.get("ATROUS_CACHE")
        if chosen is not None:
            return cls(Path(chosen) if chosen else None)
        base = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
        return cls(Path(base) / "atrous" / "kernels")

    def get(self, key: str) -> bytes | None:
        """The object stored under ``key``, or ``None`` if there is none that can be trusted."""
        data = self.read(key + _SUFFIX)
        if data is None:
            return None
        digest, code = data[:_HASH_BYTES], data[_HASH_BYTES:]
        if hashlib.sha256(key.encode() + code).digest() == digest:
            return code
        with contextlib.suppress(OSError):
            self._path(key).unlink()
        return None

    def put(self, key: str, code: bytes) -> None:
        """Store an object; a folder that takes no more is left alone after one warning."""
        self.write(key + _SUFFIX, hashlib.sha256(key.encode() + code).digest() + code)

    def read(self, name: str) -> bytes | None:
        """The content of a file of the folder, or ``None`` if there is none that is ours."""
        if not self._ready():
            return None
        assert self.folder is not None
        try:
            flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0)
            with os.fdopen(os.open(self.folder / name, flags), "rb") as file:
                return file.read() if os.fstat(file.fileno()).st_uid == os.getuid() else None
        except OSError:
            return None

    def write(self, name: str, content: bytes) -> None:
        """Write a file of the folder aside and move it into place."""
        if not self._ready():
            return
        assert self.folder is not None
        try:
            handle, aside = tempfile.mkstemp(dir=self.folder, suffix=".part")
            try:
                with os.fdopen(handle, "wb") as file:
                    file.write(content)
                os.replace(aside, self.folder / name)
            except OSError:
                os.unlink(aside)
                raise
        except OSError as error:
            self._give_up(f"{error.strerror or error}")

    def clear(self) -> CacheInfo:
        """Delete all entries; returns what was there."""
        seen = self.info()
        for path in self._entries():
            path.unlink(missing_ok=True)
        return seen

    def info(self) -> CacheInfo:
        """How many entries there are, and their size in bytes."""
        entries = self._entries()
        return CacheInfo(str(self.folder), len(entries), sum(path.stat().st_size for path in entries))

    def _entries(self) -> list[Path]:
        if self.folder is None or not self.folder.is_dir():
            return []
        return sorted(path for path in self.folder.iterdir() if path.suffix in (_SUFFIX, ".part"))

    def _path(self, key: str) -> Path:
        assert self.folder is not None
        return self.folder / (key + _SUFFIX)

    def _ready(self) -> bool:
        if self._usable is None:
            self._usable = self.folder is not None and self._prepare(self.folder)
        return self._usable

    def _prepare(self, folder: Path) -> bool:
        """Make the folder, and see that it is private and ours."""
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            found = folder.lstat()
        except OSError as error:
            return self._give_up(error.strerror or str(error))
        if not stat.S_ISDIR(found.st_mode):
            return self._give_up("it is not a folder")
        if found.st_uid != os.getuid():
            return self._give_up("it belongs to another user")
        if found.st_mode & 0o077:
            return self._give_up(f"others may open it (mode {stat.S_IMODE(found.st_mode):o}); make it 700")
        return True

    def _give_up(self, reason: str) -> bool:
        self._usable = False
        warnings.warn(
            f"compiled kernels are not kept: cache folder {self.folder}: {reason}. Results are the same, the next start is "
            "slower; set ATROUS_CACHE to a folder of your own, or to nothing for no cache.",
            RuntimeWarning,
            stacklevel=2,
        )
        return False
