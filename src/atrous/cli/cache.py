"""``atrous cache``: the compiled kernels on disk."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer


class Action(StrEnum):
    """What may be done with the cache."""

    info = "info"
    clear = "clear"


def cache(action: Annotated[Action, typer.Argument(help="Say what is there, or delete it.")] = Action.info) -> None:
    """Show or delete the compiled kernels that are kept on disk (in $ATROUS_CACHE, by default in the user's cache folder)."""
    from atrous.engine.cache import ObjectCache

    kept = ObjectCache.default()
    if kept.folder is None:
        typer.echo("no kernels are kept: ATROUS_CACHE is empty")
        return
    seen, verb = (kept.clear(), "deleted ") if action is Action.clear else (kept.info(), "")
    typer.echo(f"{seen.folder}: {verb}{seen.entries} kernels, {seen.bytes:,} bytes")
