"""``atrous draw``: the figures of convolutions and networks, one command for each kind and one for each row of the lecture."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Annotated, Any

import typer

from atrous import figures
from atrous.cli.network import read_sizes
from atrous.errors import ArgumentError
from atrous.figures import Figure
from atrous.figures.formats import FORMATS
from atrous.figures.lecture import ROWS
from atrous.figures.style import STYLES
from atrous.geometry.padding import AxisPadding

Size = Annotated[str, typer.Argument(metavar="SIZE", help="Size of the input, one number for each axis: 12, 3x5 or 4x6x6.")]
Kernel = Annotated[str, typer.Option("--kernel", "-k", metavar="K", help="Size of the kernel; one, or one for each axis: 3,5.")]
Stride = Annotated[str, typer.Option("--stride", "-s", metavar="S", help="Stride; one, or one for each axis.")]
Padding = Annotated[
    str,
    typer.Option("--padding", "-p", metavar="P", help="Padding; one, one for each axis, ends apart as 1+2, 'same' or 'valid'."),
]
Dilation = Annotated[str, typer.Option("--dilation", "-d", metavar="D", help="Dilation; one, or one for each axis.")]
Channels = Annotated[int, typer.Option("--channels", "-c", min=1, help="Channels of the input.")]
Filters = Annotated[int, typer.Option("--filters", "-f", min=1, help="Kernels, each of which gives one activation map.")]
Groups = Annotated[int, typer.Option("--groups", "-g", min=1, help="Groups of channels that do not see each other.")]
Numbers = Annotated[bool, typer.Option("--numbers", "-n", help="Write a number in every cell.")]

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

app = typer.Typer(
    name="draw",
    help="Draw figures: SVG, GIF, PNG, PDF, TikZ or a page, every number in them computed.",
    no_args_is_help=True,
    add_completion=False,
)


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


def read_each(option: str, text: str) -> int | tuple[int, ...]:
    """One integer for all axes, or one for each.

    >>> read_each("--stride", "2"), read_each("--stride", "2,1")
    (2, (2, 1))
    """
    values = read_sizes(option, text)
    return values[0] if len(values) == 1 else values


def read_padding(text: str) -> str | int | tuple[AxisPadding, ...]:
    """Padding as a person writes it.

    >>> read_padding("same"), read_padding("2"), read_padding("2,1"), read_padding("1+2,0")
    ('same', 2, (2, 1), ((1, 2), 0))
    """
    if text in ("same", "valid"):
        return text
    if not re.fullmatch(r"\d+(\+\d+)?([x×,]\d+(\+\d+)?)*", text):
        raise ArgumentError(
            f"--padding: got {text!r}; it must be 1, or 2,1 for each axis, 1+2 for unlike ends, 'same' or 'valid'"
        )
    values: list[AxisPadding] = []
    for part in re.split("[x×,]", text):
        low, plus, high = part.partition("+")
        values.append((int(low), int(high)) if plus else int(low))
    first = values[0]
    return first if len(values) == 1 and isinstance(first, int) else tuple(values)


@app.command("conv")
@drawing
def conv(
    size: Size,
    kernel: Kernel = "3",
    stride: Stride = "1",
    padding: Padding = "0",
    dilation: Dilation = "1",
    channels: Channels = 1,
    filters: Filters = 1,
    groups: Groups = 1,
    numbers: Numbers = False,
) -> Figure:
    """A convolution, step by step: the kernel on its inputs, the sum, the output as it fills."""
    return figures.conv(
        read_sizes("SIZE", size),
        kernel=read_each("--kernel", kernel),
        stride=read_each("--stride", stride),
        padding=read_padding(padding),
        dilation=read_each("--dilation", dilation),
        channels=channels,
        filters=filters,
        groups=groups,
        numbers=numbers,
    )


def _lecture(row: int, says: str) -> Callable[..., None]:
    def draw() -> Figure:
        return figures.lecture(row)

    draw.__doc__ = f"Row {row} of the lecture: {says}."
    return drawing(draw)


for each in ROWS:
    app.command(f"lecture:{each.number}", rich_help_panel="The lecture, by row")(_lecture(each.number, each.says))
