"""Small files that appear complete or not at all: written aside, and moved into place."""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress
from pathlib import Path

from atrous.errors import FileError


def refuse_existing(path: Path, *, overwrite: bool) -> None:
    """``FileError`` if there is a file of this name already and it may not be replaced."""
    if path.exists() and not overwrite:
        raise FileError(f"{path}: the file exists; give --overwrite (overwrite=True) to replace it, or another name")


def write_whole(path: Path, content: bytes, *, overwrite: bool) -> None:
    """Write a file aside and move it into place; an existing one is refused unless ``overwrite``."""
    refuse_existing(path, overwrite=overwrite)
    aside = ""
    try:
        handle, aside = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        umask = os.umask(0)
        os.umask(umask)
        os.chmod(aside, 0o666 & ~umask)  # a file made aside is its owner's alone; this one is like any other
        os.replace(aside, path)
    except OSError as error:
        raise FileError(f"{path}: cannot be written: {error.strerror or error}") from error
    finally:
        with suppress(FileNotFoundError):
            os.unlink(aside)
