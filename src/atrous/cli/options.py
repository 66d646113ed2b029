"""The options that ``run`` and ``plan`` share: memory, threads, tiles, and what is done to pixels before and after."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from atrous.cli.network import read_sizes

PIXELS = "Pixels"

InputPath = Annotated[Path, typer.Argument(metavar="INPUT", help="The input: .npy, PNG, JPEG or TIFF.")]
Memory = Annotated[
    str | None, typer.Option("--memory", metavar="SIZE", help="Budget for the whole process, such as 300MB or 2GiB.")
]
Threads = Annotated[int | None, typer.Option("--threads", metavar="N", min=1, help="Threads; by default one per core.")]
Tile = Annotated[
    str | None, typer.Option("--tile", metavar="HxW", help="Size of an output tile; by default the best that fits.")
]
Accuracy = Annotated[
    str,
    typer.Option(
        "--accuracy",
        metavar="POLICY",
        help="strict: plain sums only. default: errors within 1e-5 of the largest output. fast: all algorithms.",
    ),
]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace the output if it exists.")]

Scale = Annotated[
    float | None,
    typer.Option(
        "--scale",
        metavar="S",
        rich_help_panel=PIXELS,
        help="The pixel value that is 1 to the network: 255 divides by 255, and multiplies results of an integer type by it.",
    ),
]
Mean = Annotated[
    str | None,
    typer.Option("--mean", metavar="M[,M,M]", rich_help_panel=PIXELS, help="Subtracted after --scale; one, or one a channel."),
]
Std = Annotated[
    str | None,
    typer.Option("--std", metavar="S[,S,S]", rich_help_panel=PIXELS, help="Divides after --mean; one, or one a channel."),
]
Gray = Annotated[bool, typer.Option("--gray", rich_help_panel=PIXELS, help="Turn red, green, blue to brightness (BT.601).")]
Bgr = Annotated[
    bool, typer.Option("--bgr/--rgb", rich_help_panel=PIXELS, help="The order of channels that the network was trained with.")
]
Clip = Annotated[
    tuple[float, float] | None,
    typer.Option("--clip", metavar="LOW HIGH", rich_help_panel=PIXELS, help="Keep results between two values."),
]
OutputType = Annotated[
    str | None,
    typer.Option(
        "--output-type",
        metavar="TYPE",
        rich_help_panel=PIXELS,
        help="Type of the result, such as uint8 (rounded) or float32; images under --scale keep the input's.",
    ),
]


def read_tile(text: str | None) -> int | tuple[int, ...] | None:
    """``--tile 256`` for all spatial axes of the output, or ``--tile 256x512`` for each.

    >>> read_tile("256"), read_tile("256x512"), read_tile(None)
    (256, (256, 512), None)
    """
    if text is None:
        return None
    sizes = read_sizes("--tile", text)
    return sizes[0] if len(sizes) == 1 else sizes
