"""``atrous tune``: measure which kernels are the fastest here, and keep it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from atrous.cli.network import read_network, read_shapes
from atrous.cli.plan import is_problem
from atrous.cli.progress import progress
from atrous.errors import ArgumentError

Name = Annotated[
    str | None,
    typer.Argument(
        metavar="NET|PROBLEM",
        help="A network, or a convolution such as conv:f32:c64:i56x56:k64:w3x3:p1; not needed to import or export.",
        show_default=False,
    ),
]
Input = Annotated[
    list[str] | None,
    typer.Option(
        "--input", "-i", metavar="SIZES", help="Size of a network's input, as 1x3x224x224, or NAME=SIZES for each of several."
    ),
]
Seconds = Annotated[float, typer.Option("--seconds", "-s", metavar="S", help="How long it may take.")]
Export = Annotated[Path | None, typer.Option("--export", metavar="FILE", help="Write all wisdom to a text file.")]
Import = Annotated[
    Path | None,
    typer.Option("--import", metavar="FILE", help="Take the wisdom of a text file; that of other CPUs or versions is refused."),
]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace the exported file if it exists.")]


def tune(
    network: Name = None,
    input: Input = None,
    seconds: Seconds = 30.0,
    export_file: Export = None,
    import_file: Import = None,
    overwrite: Overwrite = False,
) -> None:
    """Measure the best few kernels of each convolution of NET, or of PROBLEM, and keep which is the fastest on this machine.

    What is kept changes how fast later runs are, never a bit of their results.
    """
    from atrous.engine.compiler import default_compiler
    from atrous.engine.wisdom import default_wisdom, export_wisdom, import_wisdom

    if network is None and export_file is None and import_file is None:
        raise ArgumentError("NET: nothing to tune; name a network or a problem, or give --import or --export")
    wisdom = default_wisdom()
    if import_file is not None:
        found = import_wisdom(import_file, default_compiler().target, wisdom)
        for line in found.refused:
            typer.echo(f"{import_file}: {line}", err=True)
        typer.echo(f"{import_file}: {found.taken} lines taken, {len(found.refused)} refused")
    if network is not None:
        _tune(network, input or [], seconds)
    if export_file is not None:
        typer.echo(f"{export_file}: {export_wisdom(export_file, wisdom, overwrite=overwrite)} lines")


def _tune(network: str, sizes: list[str], seconds: float) -> None:
    from atrous.cli.tables import show_tuned
    from atrous.engine.tune import tune as search

    with progress("tuning", "measurements") as report:
        if is_problem(network):
            if sizes:
                raise ArgumentError("--input: a problem says its sizes itself; leave it out")
            found = search(network, seconds=seconds, progress=report)
        else:
            shapes = read_shapes(sizes)
            found = search(read_network(network, shapes), shapes, seconds=seconds, progress=report)
    show_tuned(found)
