"""The commands of ``atrous draw`` that show whole networks, and their activation maps on an image."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from atrous import figures
from atrous.cli.drawing import drawing
from atrous.cli.network import read_network, read_shapes, read_sizes
from atrous.errors import ArgumentError
from atrous.figures import Figure
from atrous.graph.network import Network, Shapes

Name = Annotated[str, typer.Argument(metavar="NET", help="A network: an ONNX file, typed layers, or a built-in name.")]
Input = Annotated[str | None, typer.Option("--input", "-i", metavar="SIZES", help="Size of the input, as 1x3x224x224.")]
Unit = Annotated[int | None, typer.Option("--unit", metavar="N", min=0, help="The output; by default the middle one.")]
Axis = Annotated[int, typer.Option("--axis", metavar="N", min=0, help="The spatial axis, counted from 0.")]


def _network(name: str, size: str | None) -> tuple[Network, Shapes | None]:
    shapes = read_shapes([] if size is None else [size])
    return read_network(name, shapes), shapes


@drawing
def receptive_field(network: Name, input: Input = None, unit: Unit = None, axis: Axis = 0) -> Figure:
    """From one output of a chain of layers down to the inputs that influence it, layer by layer."""
    return figures.receptive_field(*_network(network, input), unit=unit, axis=axis)


@drawing
def receptive_map(network: Name, input: Input = None) -> Figure:
    """Which inputs one output of a chain of layers reads, and how often; holes are crossed out."""
    return figures.receptive_map(*_network(network, input))


@drawing
def coverage(network: Name, input: Input = None) -> Figure:
    """How often a chain of layers reads each input, which are never read, and why."""
    return figures.coverage(*_network(network, input))


@drawing
def volumes(network: Name, input: Input = None) -> Figure:
    """The activation maps of a network as volumes, where their size changes."""
    return figures.volumes(*_network(network, input))


@drawing
def linearity(network: Name, input: Input = None) -> Figure:
    """The layers of a network, the linear ones told apart from the activation functions."""
    return figures.linearity(*_network(network, input))


@drawing
def growth(
    layers: Annotated[int, typer.Argument(metavar="LAYERS", help="How many layers are stacked, up to 12.")] = 5,
    kernel: Annotated[int, typer.Option("--kernel", "-k", metavar="K", help="Size of every kernel.")] = 3,
    channels: Annotated[int, typer.Option("--channels", "-c", min=1, help="Channels throughout.")] = 16,
) -> Figure:
    """The receptive field against parameters, with and without dilation, as layers are stacked."""
    return figures.growth(layers, kernel, channels)


@drawing
def fully_connected(
    shape: Annotated[str, typer.Argument(metavar="SIZES", help="Channels and size of the signal.")] = "3x256x256",
    kernel: Annotated[int, typer.Option("--kernel", "-k", metavar="K", min=1, help="Kernel of the convolution.")] = 3,
) -> Figure:
    """What a fully connected layer from a signal to one of its size costs, beside a convolution."""
    return figures.fully_connected(read_sizes("SIZES", shape), kernel)


@drawing
def maps(
    network: Name,
    image: Annotated[Path, typer.Argument(metavar="IMAGE", help="An image: PNG, JPEG or TIFF.")],
    layer: Annotated[str, typer.Argument(metavar="LAYER", help="A layer, by its name in 'atrous inspect'.")],
    scaling: Annotated[
        str, typer.Option("--scaling", metavar="NAME", help="How pixels are given to it: unit, signed, bytes or imagenet.")
    ] = "unit",
    side: Annotated[int, typer.Option("--side", metavar="PIXELS", help="The longer side of the image, at most.")] = 512,
    unit: Annotated[
        str | None, typer.Option("--unit", metavar="K,ROW,COLUMN", help="Mark one unit, and its receptive field on the image.")
    ] = None,
) -> Figure:
    """The activation maps of one layer on an image, and the receptive field of a unit."""
    # Loaded by the one command that runs a network: the others, and a run's memory, have no use for it.
    from atrous.engine.activations import activations
    from atrous.explorer.fitting import Settings, fit
    from atrous.explorer.picture import read_picture
    from atrous.explorer.unit_field import unit_field

    model, picture = read_network(network), read_picture(image, image.name)
    fitted = fit(model, picture, Settings(scaling, side))
    for line in fitted.told:
        typer.echo(f"atrous: {line}", err=True)
    made = activations(model, fitted.array, [layer])[layer]
    if made.ndim != 4:
        seen = "×".join(map(str, made.shape))
        raise ArgumentError(f"LAYER: {layer!r} makes an array of {seen}; only maps (N, K, rows, columns) are pictures")
    if unit is None:
        return figures.activation_maps(made[0], fitted.shown, name=layer)
    place = read_sizes("--unit", unit)
    if len(place) != 3 or any(index >= size for index, size in zip(place, made.shape[1:], strict=True)):
        raise ArgumentError(
            f"--unit: got {unit!r}; the maps of {layer!r} are {'×'.join(map(str, made.shape[1:]))}, counted from 0"
        )
    channel, row, column = place
    sets, _ = unit_field(model, fitted.array.shape, layer, (channel, row, column))
    rows, columns = (each.span for each in sets[-2:])
    return figures.activation_maps(made[0], fitted.shown, name=layer, unit=(channel, row, column), field=(rows, columns))


#: The commands by the names that are typed.
COMMANDS = {
    "receptive-field": receptive_field,
    "receptive-map": receptive_map,
    "coverage": coverage,
    "volumes": volumes,
    "linearity": linearity,
    "growth": growth,
    "fully-connected": fully_connected,
    "maps": maps,
}
