"""``atrous run``: a network over an input of any size."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from atrous import tiled
from atrous.cli import options
from atrous.cli.network import NetworkName, read_network
from atrous.cli.pixels import Pixels, processed
from atrous.cli.progress import progress
from atrous.tiled.memory import megabytes, peak_resident

Output = Annotated[Path, typer.Option("--output", "-o", metavar="OUTPUT", help="Where the result goes: .npy, PNG, JPEG, TIFF.")]


def run(
    network: NetworkName,
    input: options.InputPath,
    output: Output,
    memory: options.Memory = None,
    threads: options.Threads = None,
    tile: options.Tile = None,
    overwrite: options.Overwrite = False,
    accuracy: options.Accuracy = "default",
    scale: options.Scale = None,
    mean: options.Mean = None,
    std: options.Std = None,
    gray: options.Gray = False,
    bgr: options.Bgr = False,
    clip: options.Clip = None,
    output_type: options.OutputType = None,
) -> None:
    """Run NET over INPUT, tile by tile in the memory that you allow; the result does not depend on the tiles."""
    begin = time.monotonic()
    pixels = Pixels(scale, mean, std, gray, bgr, clip, output_type)
    net = processed(read_network(network), input, output, pixels)
    with progress("running") as report:
        tiled.run(
            net,
            input,
            output,
            memory=memory,
            tile=options.read_tile(tile),
            threads=threads,
            overwrite=overwrite,
            accuracy=accuracy,
            progress=report,
            planned=lambda plan: typer.echo(str(plan)),
        )
    typer.echo(f"{output}: done in {time.monotonic() - begin:.1f} s, peak memory {megabytes(peak_resident())}")
