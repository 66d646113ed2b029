"""Files that appear complete or not at all: written aside, under a name of their own, and moved into place at the end."""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from atrous.errors import FileError
from atrous.tiled.memory import megabytes


class Aside:
    """The temporary file of one output file; ``path`` is where it is written until ``commit``.

    The checks that need no writing are made at once: the folder must exist, and so must ``overwrite`` where the file does.
    """

    def __init__(self, target: Path, overwrite: bool = False) -> None:
        self.target = Path(os.path.realpath(target))  # through a link: its file is replaced, the link stays
        self._overwrite = overwrite
        self.path: Path | None = None
        self._check()

    def _check(self) -> None:
        folder = self.target.parent
        if not folder.is_dir():
            raise FileError(f"out: the folder {folder} of {self.target.name} does not exist; create it first")
        if self.target.is_dir():
            raise FileError(f"out: {self.target} is a folder; give the path of a file in it")
        if self.target.exists() and not self._overwrite:
            raise FileError(f"out: {self.target} exists; choose another name, or allow it with overwrite=True (--overwrite)")

    def open(self) -> Path:
        """Create the temporary file, in the folder of the target so that it can be moved there in one step."""
        with explained(self.target):
            handle, name = tempfile.mkstemp(prefix=f".{self.target.name}.", suffix=".part", dir=self.target.parent)
            os.close(handle)
            self.path = Path(name)
        return self.path

    def commit(self) -> Path:
        """The file is complete: move it into place."""
        assert self.path is not None, "commit comes after open"
        with explained(self.target):
            umask = os.umask(0)
            os.umask(umask)
            self.path.chmod(0o666 & ~umask)
            self._check()  # it may have appeared in the meantime
            os.replace(self.path, self.target)
        self.path = None
        return self.target

    def discard(self) -> None:
        """Remove the temporary file, if there is one."""
        if self.path is not None:
            with suppress(FileNotFoundError):
                self.path.unlink()
            self.path = None


@contextmanager
def explained(target: Path, size: int | None = None) -> Iterator[None]:
    """Turn an error of the system while ``target`` is written into one that says what happened and what to do."""
    try:
        yield
    except FileError:
        raise
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            needs = "" if size is None else f" (the file needs {megabytes(size)})"
            raise FileError(
                f"out: no space left on the device for {target}{needs}; free some space or write elsewhere. Nothing was written"
            ) from error
        raise FileError(f"out: cannot write {target}: {error.strerror or error}. Nothing was written") from error
