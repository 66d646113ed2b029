"""``atrous draw``: the figures of convolutions and networks, one command for each kind and one for each row of the lecture."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Annotated

import typer

from atrous import figures
from atrous.cli.draw_network import COMMANDS
from atrous.cli.drawing import drawing
from atrous.cli.network import read_sizes
from atrous.errors import ArgumentError
from atrous.figures import Figure
from atrous.figures.lecture import ROWS
from atrous.geometry.padding import AxisPadding

Size = Annotated[str, typer.Argument(metavar="SIZE", help="Size of the input, one number for each axis: 12, 3x5 or 4x6x6.")]
Kernel = Annotated[str, typer.Option("--kernel", "-k", metavar="K", help="Size of the kernel; one, or one for each axis: 3,5.")]
Stride = Annotated[str, typer.Option("--stride", "-s", metavar="S", help="Stride; one, or one for each axis.")]
Padding = Annotated[
    str,
    typer.Option("--padding", "-p", metavar="P", help="Padding; one, one for each axis, ends apart as 1+2, 'same' or 'valid'."),
]
Dilation = Annotated[str, typer.Option("--dilation", "-d", metavar="D", help="Dilation; one, or one for each axis.")]
OutputPadding = Annotated[
    str, typer.Option("--output-padding", metavar="P", help="Added at the high end of the output; one, or one for each axis.")
]
PoolStride = Annotated[str | None, typer.Option("--stride", "-s", metavar="S", help="Stride; by default the kernel's size.")]
Ceil = Annotated[bool, typer.Option("--ceil", help="Round the output's size up: the last window may reach beyond the padding.")]
Channels = Annotated[int, typer.Option("--channels", "-c", min=1, help="Channels of the input.")]
Filters = Annotated[int, typer.Option("--filters", "-f", min=1, help="Kernels, each of which gives one activation map.")]
Groups = Annotated[int, typer.Option("--groups", "-g", min=1, help="Groups of channels that do not see each other.")]
Numbers = Annotated[bool, typer.Option("--numbers", "-n", help="Write a number in every cell.")]

app = typer.Typer(
    name="draw",
    help="Draw figures: SVG, GIF, PNG, PDF, TikZ or a page, every number in them computed.",
    no_args_is_help=True,
    add_completion=False,
)


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


@app.command("conv", rich_help_panel="Layers, step by step")
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


@app.command("transposed", rich_help_panel="Layers, step by step")
@drawing
def transposed(
    size: Size,
    kernel: Kernel = "3",
    stride: Stride = "1",
    padding: Padding = "0",
    output_padding: OutputPadding = "0",
    dilation: Dilation = "1",
    numbers: Numbers = False,
) -> Figure:
    """A transposed convolution: each input spreads the kernel over the output, which adds up."""
    return figures.conv_transpose(
        read_sizes("SIZE", size),
        kernel=read_each("--kernel", kernel),
        stride=read_each("--stride", stride),
        padding=read_padding(padding),
        output_padding=read_each("--output-padding", output_padding),
        dilation=read_each("--dilation", dilation),
        numbers=numbers,
    )


@app.command("transposed-as-conv", rich_help_panel="Layers, step by step")
@drawing
def transposed_as_conv(
    size: Size,
    kernel: Kernel = "3",
    stride: Stride = "1",
    padding: Padding = "0",
    output_padding: OutputPadding = "0",
    dilation: Dilation = "1",
    channels: Channels = 1,
    filters: Filters = 1,
    groups: Groups = 1,
    numbers: Numbers = False,
) -> Figure:
    """The same layer as the ordinary convolution that it equals, over the stretched input."""
    return figures.conv_transpose_as_conv(
        read_sizes("SIZE", size),
        kernel=read_each("--kernel", kernel),
        stride=read_each("--stride", stride),
        padding=read_padding(padding),
        output_padding=read_each("--output-padding", output_padding),
        dilation=read_each("--dilation", dilation),
        channels=channels,
        filters=filters,
        groups=groups,
        numbers=numbers,
    )


@app.command("maxpool", rich_help_panel="Layers, step by step")
@drawing
def maxpool(
    size: Size,
    kernel: Kernel = "2",
    stride: PoolStride = None,
    padding: Padding = "0",
    dilation: Dilation = "1",
    ceil: Ceil = False,
) -> Figure:
    """Max pooling, step by step, with numbers."""
    return figures.max_pool(
        read_sizes("SIZE", size),
        kernel=read_each("--kernel", kernel),
        stride=None if stride is None else read_each("--stride", stride),
        padding=read_padding(padding),
        dilation=read_each("--dilation", dilation),
        ceil=ceil,
    )


@app.command("avgpool", rich_help_panel="Layers, step by step")
@drawing
def avgpool(
    size: Size,
    kernel: Kernel = "2",
    stride: PoolStride = None,
    padding: Padding = "0",
    ceil: Ceil = False,
    count_padding: Annotated[bool, typer.Option("--count-padding", help="Padding counts as zeros in the means.")] = False,
) -> Figure:
    """Average pooling, step by step, with numbers."""
    return figures.avg_pool(
        read_sizes("SIZE", size),
        kernel=read_each("--kernel", kernel),
        stride=None if stride is None else read_each("--stride", stride),
        padding=read_padding(padding),
        ceil=ceil,
        count_include_pad=count_padding,
    )


def _lecture(row: int, says: str) -> Callable[..., None]:
    def draw() -> Figure:
        return figures.lecture(row)

    draw.__doc__ = f"Row {row} of the lecture: {says}."
    return drawing(draw)


for name, command in COMMANDS.items():
    app.command(name, rich_help_panel="Networks")(command)
for each in ROWS:
    app.command(f"lecture:{each.number}", rich_help_panel="The lecture, by row")(_lecture(each.number, each.says))
