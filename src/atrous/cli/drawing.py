"""What all commands of ``atrous draw`` share: where a figure goes, which steps of it, and in which style."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Annotated, Any

import typer

from atrous.errors import ArgumentError
from atrous.figures import STYLES, Figure
from atrous.figures.formats import FORMATS

Output = Annotated[
    Path | None,
    typer.Option(
        "--output",
        "-o",
        metavar="FILE",
        help=f"The file; its suffix is the format: {', '.join(form.suffix for form in FORMATS)}.",
    ),
]
Step = Annotated[int | None, typer.Option("--step", metavar="N", min=1, help="Only this step, counted from 1.")]
Steps = Annotated[bool, typer.Option("--steps", help="One file for each step: FILE-1, FILE-2 and so on.")]
StyleName = Annotated[str, typer.Option("--style", metavar="NAME", help=f"One of {', '.join(STYLES)}.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace files that exist.")]


def deliver(
    figure: Figure,
    output: Output = None,
    step: Step = None,
    steps: Steps = False,
    style: StyleName = "light",
    overwrite: Overwrite = False,
) -> None:
    """Write a figure, or steps of it, and say which files there are now."""
    if step is not None and steps:
        raise ArgumentError("--step: got it together with --steps; give one of them")
    path = output or Path(f"{figure.name}.svg")
    figure = figure.styled(style)
    wanted = [(figure, path)]
    if step is not None:
        wanted = [(figure.step(step), path)]
    elif steps:
        wanted = [(figure.step(n), path.with_stem(f"{path.stem}-{n}")) for n in range(1, len(figure) + 1)]
    for part, file in wanted:
        for written in part.save(file, overwrite=overwrite):
            typer.echo(written)


Drawing = Callable[..., Figure]


def drawing(draw: Drawing) -> Callable[..., None]:
    """A command that draws: the options of ``deliver`` come after its own."""
    own, shared = inspect.signature(draw, eval_str=True), inspect.signature(deliver, eval_str=True)
    options = list(shared.parameters.values())[1:]

    @wraps(draw)
    def command(**given: Any) -> None:
        told = {option.name: given.pop(option.name) for option in options}
        deliver(draw(**given), **told)

    parameters = [each.replace(kind=inspect.Parameter.KEYWORD_ONLY) for each in (*own.parameters.values(), *options)]
    command.__dict__["__signature__"] = own.replace(parameters=parameters, return_annotation=None)
    return command
