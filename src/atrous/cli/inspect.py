"""``atrous inspect``: what a network is."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated

import typer

from atrous.cli.network import read_network, read_shapes
from atrous.cli.progress import progress
from atrous.errors import ArgumentError
from atrous.files import write_whole
from atrous.graph.network import Network, Shapes
from atrous.graph.networks import NETWORKS
from atrous.report import Comparison, Report
from atrous.report import inspect as inspect_network

Name = Annotated[
    str,
    typer.Argument(
        metavar="NET",
        help=f"An ONNX file, layers such as 'conv 3x3 64 s2, relu, maxpool 2', or a built-in network: {', '.join(NETWORKS)}.",
    ),
]
Input = Annotated[
    list[str] | None,
    typer.Option(
        "--input", "-i", metavar="SIZES", help="Size of the input, as 1x3x224x224, or NAME=SIZES for each of several."
    ),
]
Other = Annotated[str | None, typer.Option("--compare", "-c", metavar="NET", help="Set a second network beside the first.")]
Symbolic = Annotated[bool, typer.Option("--symbolic", help="Leave open sizes open; figures that need them say so.")]
Effective = Annotated[
    int,
    typer.Option(
        "--effective", metavar="SAMPLES", min=0, help="Estimate the effective receptive field from so many random inputs."
    ),
]
Columns = Annotated[
    str | None, typer.Option("--columns", metavar="NAMES", help="Columns of the table, with commas; 'all' for all there are.")
]
Wide = Annotated[bool, typer.Option("--wide", help="All columns, however wide the terminal is.")]
Json = Annotated[Path | None, typer.Option("--json", metavar="FILE", help="Write the numbers as JSON; - for standard output.")]
Html = Annotated[
    Path | None, typer.Option("--html", metavar="FILE", help="Write a self-contained page; - for standard output.")
]
Latex = Annotated[Path | None, typer.Option("--latex", metavar="FILE", help="Write a LaTeX table; - for standard output.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace files that exist.")]


def inspect(
    network: Name,
    input: Input = None,
    compare: Other = None,
    symbolic: Symbolic = False,
    effective: Effective = 0,
    columns: Columns = None,
    wide: Wide = False,
    json_file: Json = None,
    html_file: Html = None,
    latex_file: Latex = None,
    overwrite: Overwrite = False,
) -> None:
    """Print every layer of NET with its sizes, costs, receptive field and coverage, without running it."""
    shapes = read_shapes(input or ())
    picked = ["all"] if wide else None if columns is None else columns.split(",")
    net = read_network(network, shapes)
    report = _look(net, shapes, symbolic, effective)
    looked = [(net, report)]
    shown: Report | Comparison = report
    if compare is not None:
        other = read_network(compare, shapes)
        looked.append((other, _look(other, shapes, symbolic, effective)))
        shown = Comparison(report, looked[1][1])
    if latex_file is not None and compare is not None:
        raise ArgumentError("--latex: a comparison has no LaTeX form; leave out --compare, or write --html or --json")
    if picked is not None and compare is not None:
        raise ArgumentError("--columns: a comparison has columns of its own; leave out --compare, or the columns")
    width = shutil.get_terminal_size((120, 24)).columns
    text = report.text(width, picked) if isinstance(shown, Report) else shown.text(width)
    files: tuple[tuple[Path | None, Callable[[], str]], ...] = (
        (json_file, lambda: json.dumps(shown.to_dict(), indent=2) + "\n"),
        (html_file, lambda: shown.to_html(_pictures(looked))),
        (latex_file, lambda: report.to_latex(picked)),
    )
    for file, write in files:
        if file is not None and str(file) == "-":
            typer.echo(write(), nl=False)
            return
    for file, write in files:
        if file is not None:
            write_whole(file, write().encode(), overwrite=overwrite)
    typer.echo(text)


def _pictures(looked: Sequence[tuple[Network, Report]]) -> list[tuple[str, str]]:
    """Those of one network, or of two under their names."""
    from atrous.cli.pictures import pictures

    named = [(network, report, report.network if len(looked) > 1 else "") for network, report in looked]
    return [picture for each in named for picture in pictures(*each)]


def _look(network: Network, shapes: Shapes | None, symbolic: bool, effective: int) -> Report:
    with progress("effective receptive field", "inputs") as report:
        return inspect_network(network, shapes, symbolic=symbolic, effective=effective, progress=report)
