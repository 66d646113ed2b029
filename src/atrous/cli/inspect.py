"""``atrous inspect``: what a network is."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Annotated

import typer

from atrous.cli.files import write_text
from atrous.cli.network import NetworkName, read_network, read_shapes
from atrous.report import inspect as inspect_network

Shapes = Annotated[
    list[str] | None,
    typer.Option(
        "--input", "-i", metavar="SIZES", help="Size of the input, as 1x3x224x224, or NAME=SIZES for each of several."
    ),
]
Json = Annotated[Path | None, typer.Option("--json", metavar="FILE", help="Write the numbers as JSON; - for standard output.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace the JSON file if it exists.")]


def inspect(network: NetworkName, input: Shapes = None, json_file: Json = None, overwrite: Overwrite = False) -> None:
    """Print every layer of NET with its sizes, parameters, multiply-adds and receptive field, without running it."""
    report = inspect_network(read_network(network), read_shapes(input or ()))
    data = json.dumps(report.to_dict(), indent=2) + "\n"
    if json_file is not None and str(json_file) == "-":
        typer.echo(data, nl=False)
        return
    if json_file is not None:
        write_text(json_file, data, overwrite=overwrite)
    typer.echo(report.text(shutil.get_terminal_size((120, 24)).columns))
