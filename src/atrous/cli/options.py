"""The options that ``run`` and ``plan`` share: memory, threads, tiles, and what is done to pixels before and after."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from atrous.cli.network import read_sizes

InputPath = Annotated[Path, typer.Argument(metavar="INPUT", help="The input: .npy, PNG, JPEG or TIFF.")]
Memory = Annotated[str | None, typer.Option("--memory", metavar="SIZE", help="Budget for the whole process, as 300MB or 2GiB.")]
Threads = Annotated[int | None, typer.Option("--threads", metavar="N", min=1, help="Threads; by default one per core.")]
Tile = Annotated[
    str | None, typer.Option("--tile", metavar="HxW", help="Size of a tile of the output; by default the best that fits.")
]


def read_tile(text: str | None) -> tuple[int, ...] | None:
    """``--tile 256x256``, one size for each spatial axis of the output."""
    return None if text is None else read_sizes("--tile", text)
