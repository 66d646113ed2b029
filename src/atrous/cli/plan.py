"""``atrous plan``: what ``atrous run`` would do."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from atrous import tiled
from atrous.cli import options
from atrous.cli.network import NetworkName, read_network
from atrous.cli.pixels import Pixels, processed

Output = Annotated[
    Path | None,
    typer.Option("--output", "-o", metavar="OUTPUT", help="Where the result would go; its format needs memory too."),
]


def plan(
    network: NetworkName,
    input: options.InputPath,
    output: Output = None,
    memory: options.Memory = None,
    threads: options.Threads = None,
    tile: options.Tile = None,
    scale: options.Scale = None,
    mean: options.Mean = None,
    std: options.Std = None,
    gray: options.Gray = False,
    bgr: options.Bgr = False,
    clip: options.Clip = None,
    output_type: options.OutputType = None,
) -> None:
    """Print the tiles, halo, overhead and peak memory of a run of NET over INPUT; only headers are read, nothing is written."""
    pixels = Pixels(scale, mean, std, gray, bgr, clip, output_type)
    net = processed(read_network(network), input, output, pixels)
    sizes = options.read_tile(tile)
    typer.echo(str(tiled.plan(net, input, output, memory=memory, tile=sizes, threads=threads, overwrite=True)))
