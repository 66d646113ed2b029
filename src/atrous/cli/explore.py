"""``atrous explore``: the lecture as a page to touch, served on this machine or written to a file."""

from __future__ import annotations

import signal
import webbrowser
from pathlib import Path
from typing import Annotated

import typer

from atrous.files import write_whole

Port = Annotated[
    int, typer.Option("--port", metavar="N", min=0, max=65535, help="The port to serve on; 0 is any that is free.")
]
Export = Annotated[
    Path | None,
    typer.Option("--export", metavar="FILE", help="Write the page to a file that needs nothing else, and serve nothing."),
]
NoBrowser = Annotated[bool, typer.Option("--no-browser", help="Print the address and open no browser.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace the exported file if it exists.")]


def explore(port: Port = 0, export: Export = None, no_browser: NoBrowser = False, overwrite: Overwrite = False) -> None:
    """Open the lecture on convolutions as a page to touch; your own networks and images too, which stay on this machine."""
    from atrous.explorer.page import page
    from atrous.explorer.server import serving

    if export is not None:
        write_whole(export, page().encode(), overwrite=overwrite)
        typer.echo(f"{export}: the whole page, to be opened in any browser")
        return
    before = signal.signal(signal.SIGTERM, _interrupt)
    try:
        with serving(page, port) as server:
            typer.echo(f"{server.address}\nThe lecture is at this address, on this machine only. Ctrl-C stops it.")
            if not no_browser and not webbrowser.open(server.address):
                typer.echo("No browser could be started: open the address in one.")
            server.serve_forever(poll_interval=0.2)
    except KeyboardInterrupt:  # the way to stop it
        typer.echo("\nstopped")
    finally:
        signal.signal(signal.SIGTERM, before)


def _interrupt(number: int, frame: object) -> None:
    """Being asked to end is as good as Ctrl-C."""
    raise KeyboardInterrupt
