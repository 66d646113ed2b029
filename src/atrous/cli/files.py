"""Files that a command writes beside its main work: whole or not at all."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from atrous.errors import FileError


def write_text(path: Path, text: str, *, overwrite: bool) -> None:
    """Write a text file aside and move it into place; an existing one is refused unless ``overwrite``."""
    if path.exists() and not overwrite:
        raise FileError(f"{path}: the file exists; give --overwrite to replace it, or another name")
    try:
        handle, aside = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    except OSError as error:
        raise FileError(f"{path}: cannot be written: {error.strerror}") from None
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        os.replace(aside, path)
    except OSError as error:
        os.unlink(aside)
        raise FileError(f"{path}: cannot be written: {error.strerror}") from None
    except BaseException:
        os.unlink(aside)
        raise
