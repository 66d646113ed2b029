"""The file formats that are read and written, one row each. A new format is one module, one row here, and one test row."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from atrous.errors import ArgumentError, FileError
from atrous.tiled.aside import Aside
from atrous.tiled.formats.npy import NpySink, NpySource
from atrous.tiled.formats.picture import create_jpeg, create_png, open_jpeg, open_png
from atrous.tiled.formats.tiff import create_tiff, open_tiff
from atrous.tiled.source import Axes, Sink, Source

Create = Callable[[Aside, Sequence[int], np.dtype[Any], Axes], Sink]


@dataclass(frozen=True, slots=True)
class Format:
    """A file format: read by the first bytes of a file, written by the suffix of its name."""

    name: str
    suffixes: tuple[str, ...]
    signatures: tuple[bytes, ...]
    open: Callable[[Path], Source]
    create: Create
    #: Rows, columns, channels behind them, rather than the network's own axes.
    image: bool


def _create_npy(aside: Aside, shape: Sequence[int], dtype: np.dtype[Any], axes: Axes) -> Sink:
    return NpySink(aside, shape, dtype)


FORMATS: tuple[Format, ...] = (
    Format("NumPy", (".npy",), (b"\x93NUMPY",), NpySource, _create_npy, image=False),
    Format("PNG", (".png",), (b"\x89PNG\r\n\x1a\n",), open_png, create_png, image=True),
    Format("JPEG", (".jpg", ".jpeg"), (b"\xff\xd8\xff",), open_jpeg, create_jpeg, image=True),
    Format("TIFF", (".tif", ".tiff"), (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"), open_tiff, create_tiff, image=True),
)


def _known() -> str:
    return ", ".join(f"{form.name} ({' '.join(form.suffixes)})" for form in FORMATS)


def open_file(path: Path) -> Source:
    """The source of a file; ``FileError`` if it is missing, damaged or of no known format."""
    try:
        with path.open("rb") as file:
            start = file.read(16)
    except OSError as error:
        raise FileError(f"{path}: cannot read the input: {error.strerror or error}") from error
    for form in FORMATS:
        if start.startswith(form.signatures):
            return form.open(path)
    raise FileError(f"{path}: the first bytes {start[:8]!r} are of no format that atrous reads: {_known()}")


def format_of(path: Path) -> Format:
    """The format that a file of this name is written in."""
    for form in FORMATS:
        if path.suffix.lower() in form.suffixes:
            return form
    raise ArgumentError(f"out: {path.name}: the suffix {path.suffix!r} is of no format that atrous writes: {_known()}")
