"""``atrous plan``: what ``atrous run`` would do, or how one convolution is computed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from atrous import tiled
from atrous.cli import options
from atrous.cli.network import read_network
from atrous.cli.pixels import Pixels, processed
from atrous.errors import ArgumentError
from atrous.graph.networks import NETWORKS

Name = Annotated[
    str,
    typer.Argument(
        metavar="NET|PROBLEM",
        help="A convolution such as conv:f32:c64:i56x56:k64:w3x3:p1, an ONNX file, or a built-in network: "
        f"{', '.join(NETWORKS)}.",
    ),
]
Input = Annotated[
    Path | None, typer.Argument(metavar="INPUT", help="The input of a network: .npy, PNG, JPEG or TIFF.", show_default=False)
]
Output = Annotated[
    Path | None,
    typer.Option("--output", "-o", metavar="OUTPUT", help="Where the result would go; its format needs memory too."),
]


def plan(
    network: Name,
    input: Input = None,
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
    accuracy: options.Accuracy = "default",
) -> None:
    """Print the tiles, halo, overhead and peak memory of a run of NET over INPUT; only headers are read, nothing is written.

    For a PROBLEM, one convolution as a line: which kernels could compute it, which one does, and why.
    """
    if is_problem(network):
        if input is not None:
            raise ArgumentError(f"INPUT: got {input} with a problem, which says its sizes itself; leave it out")
        from atrous.cli.tables import show_explanation
        from atrous.engine.explain import explain

        show_explanation(explain(network, accuracy=accuracy))
        return
    if input is None:
        raise ArgumentError(f"INPUT: {network} is a network: say which input it would run over, or give a problem")
    pixels = Pixels(scale, mean, std, gray, bgr, clip, output_type)
    net = processed(read_network(network), input, output, pixels)
    sizes = options.read_tile(tile)
    typer.echo(
        str(tiled.plan(net, input, output, memory=memory, tile=sizes, threads=threads, overwrite=True, accuracy=accuracy))
    )


def is_problem(text: str) -> bool:
    """Whether an argument is a problem's text rather than a network."""
    return text.startswith(("conv:", "convt:"))
