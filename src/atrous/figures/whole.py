"""Figures of whole networks, and of the arguments for convolutions: each function returns a `Figure`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from atrous.errors import ArgumentError
from atrous.figures.figure import Figure
from atrous.figures.layers import conv, conv_transpose, conv_transpose_as_conv
from atrous.figures.lecture import lecture
from atrous.figures.scenes import growth as growing
from atrous.figures.scenes.chain import chain
from atrous.figures.scenes.coverage import coverage_map, overlap_map
from atrous.figures.scenes.explosion import explosion
from atrous.figures.scenes.maps import activation_maps as mapped
from atrous.figures.scenes.maps import energy_map as energies
from atrous.figures.scenes.receptive import cone, field_map
from atrous.figures.scenes.stack import linearity as linear_scene
from atrous.figures.scenes.stack import shrinking
from atrous.figures.settings import LARGEST, Layer
from atrous.figures.style import LIGHT, Style, as_style
from atrous.geometry import TransposedWindow, Window
from atrous.graph.fact import Array
from atrous.graph.network import Network, Shapes
from atrous.problem import Problem

#: The longest signal whose cone has cells that can be told apart.
LONGEST = 90


def receptive_field(
    network: Network, shapes: Shapes | None = None, *, unit: int | None = None, axis: int = 0, style: Style | str = LIGHT
) -> Figure:
    """From one output of a chain of layers down to the inputs that influence it, along a spatial axis; a step a layer.

    ``shapes`` is the input's, as ``inspect`` takes it; ``unit`` the output's index along ``axis``, by default the middle one.

    >>> from atrous.graph.layer_list import read_layers
    >>> net = read_layers("conv 3 1, conv 3 1 d2", (1, 1, 12))
    >>> receptive_field(net, (1, 1, 12)).scenes[-1].caption
    ('output 3 of the last layer depends on 7 inputs',)
    """
    layers = _along(chain(network, shapes), axis)
    return Figure("receptive-field", cone(layers, unit), as_style(style))


def _along(layers: Sequence[Layer], axis: int) -> tuple[Layer, ...]:
    """The layers cut along one axis."""
    if not 0 <= axis < layers[0].axes:
        raise ArgumentError(f"axis: got {axis}; the network has spatial axes 0 to {layers[0].axes - 1}")
    if layers[0].space[axis] > LONGEST:
        seen = f"{layers[0].space[axis]} inputs along axis {axis}"
        raise ArgumentError(f"shapes: got {seen}; a figure shows at most {LONGEST}, give a smaller input")
    return tuple(
        replace(layer, space=(layer.space[axis],), windows=(layer.windows[axis],), outputs=(layer.outputs[axis],))
        for layer in layers
    )


def receptive_map(network: Network, shapes: Shapes | None = None, *, style: Style | str = LIGHT) -> Figure:
    """Which inputs one output of a chain of layers reads, far from the borders, and over how many paths; holes crossed out.

    >>> from atrous.graph.layer_list import read_layers
    >>> net = read_layers("conv 3x3 1 d2, conv 3x3 1 d2, conv 3x3 1 d2", (1, 1, 20, 20))
    >>> receptive_map(net, (1, 1, 20, 20)).scenes[0].caption
    ('one output depends on 49 of the 169 inputs in its field of 13×13',)
    """
    layers = chain(network, shapes)
    axes = [[window for layer in layers if isinstance(window := layer.windows[axis], Window)] for axis in range(layers[0].axes)]
    if any(len(axis) < len(layers) for axis in axes):
        raise ArgumentError("network: it has transposed layers, whose fields differ by phase; draw its cone instead")
    return Figure("receptive-map", (field_map(axes),), as_style(style))


def coverage(network: Network, shapes: Shapes | None = None, *, style: Style | str = LIGHT) -> Figure:
    """How often the outputs of a chain of layers read each input, which are never read, and why.

    >>> from atrous.graph.layer_list import read_layers
    >>> coverage(read_layers("maxpool 2", (1, 1, 5)), (1, 1, 5)).scenes[0].caption[0]
    '4 of 5 inputs are read, 1 never'
    """
    layers = chain(network, shapes)
    if max(layers[0].space) > LARGEST:
        seen = "×".join(map(str, layers[0].space))
        raise ArgumentError(f"shapes: got {seen}; a map shows at most {LARGEST} cells on an axis, give a smaller input")
    scenes = [coverage_map(layers)]
    scenes += [overlap_map(layer) for layer in layers[:1] if isinstance(layer.windows[0], TransposedWindow)]
    return Figure("coverage", tuple(scenes), as_style(style))


def volumes(network: Network, shapes: Shapes | None = None, *, style: Style | str = LIGHT) -> Figure:
    """The activation maps of a network as volumes, where their size changes.

    >>> from atrous.graph.networks import lenet
    >>> len(volumes(lenet()).scenes[0].bands[0])
    6
    """
    return Figure("volumes", (shrinking(network, shapes),), as_style(style))


def linearity(network: Network, shapes: Shapes | None = None, *, style: Style | str = LIGHT) -> Figure:
    """The layers of a network as volumes, the linear ones told apart from the activation functions.

    >>> from atrous.graph.networks import lenet
    >>> linearity(lenet()).scenes[0].caption
    ('8 layers are linear, 4 are not',)
    """
    return Figure("linearity", (linear_scene(network, shapes),), as_style(style))


def growth(layers: int = 5, kernel: int = 3, channels: int = 16, axes: int = 2, *, style: Style | str = LIGHT) -> Figure:
    """The receptive field against the parameters of stacks with dilations 1, 2, 4, ... and without; a step a layer.

    >>> len(growth(4))
    4
    """
    return Figure("growth", growing.growth(layers, kernel, channels, axes), as_style(style))


def field_growth(sizes: Sequence[Sequence[int]], *, style: Style | str = LIGHT) -> Figure:
    """The receptive field behind each layer of a network: for each layer its sizes along the axes, as ``inspect`` finds them.

    >>> field_growth([[3], [7], [15]]).scenes[0].caption
    ('15 behind the last of 3 layers',)
    """
    return Figure("field-growth", (growing.field_growth(sizes),), as_style(style))


def fully_connected(shape: Sequence[int] = (3, 256, 256), kernel: int = 3, *, style: Style | str = LIGHT) -> Figure:
    """What a fully connected layer from ``shape`` (C, *space) to the same shape costs, beside a convolution.

    >>> fully_connected((1, 28, 28)).scenes[0].title
    'A linear layer from 1×28×28 to 1×28×28'
    """
    return Figure("fully-connected", explosion(shape, kernel), as_style(style))


def activation_maps(
    maps: Array,
    image: Array | None = None,
    *,
    name: str = "activation maps",
    unit: tuple[int, int, int] | None = None,
    field: tuple[tuple[int, int], tuple[int, int]] | None = None,
    style: Style | str = LIGHT,
) -> Figure:
    """Activation maps (K, H, W), as ``atrous.activations`` computes them, as pictures on one scale, below the image.

    ``image`` is uint8, (rows, columns) or (rows, columns, 3). ``unit`` (map, row, column) and its receptive ``field``, spans of
    rows and columns, are framed.

    >>> import numpy as np
    >>> len(activation_maps(np.ones((3, 4, 4))).scenes[0].bands[0])
    3
    """
    return Figure("maps", (mapped(maps, image, name=name, unit=unit, field=field),), as_style(style))


def energy_map(energy: Array, first: tuple[int, int], name: str, *, style: Style | str = LIGHT) -> Figure:
    """The effective receptive field of one output: the energy (rows, columns) of its gradient, from the input ``first`` on.

    ``inspect``'s effective fields have it as ``energy()``.

    >>> import numpy as np
    >>> energy_map(np.ones((3, 3)) / 9, (-1, -1), "conv1").name
    'effective-field'
    """
    return Figure("effective-field", (energies(energy, first, name),), as_style(style))


def draw(what: str | Problem | Network, *, style: Style | str = LIGHT) -> Figure:
    """The figure of a row of the lecture (``"lecture:9"``), a convolution (a `Problem` or its text) or a network's volumes.

    `atrous.figures` has a function for each kind of figure, with more to choose.

    >>> draw("lecture:3").name, len(draw("conv:f32:c3:i3x5:k1:w3x3:p2x1:s2"))
    ('lecture-3', 9)
    """
    if isinstance(what, Network):
        return volumes(what, style=style)
    if isinstance(what, str):
        head, colon, row = what.partition(":")
        if colon and head == "lecture":
            if not row.isdecimal():
                raise ArgumentError(f"what: got {what!r}; a row of the lecture is lecture:1 to lecture:16")
            return lecture(int(row)).styled(style)
        what = Problem.parse(what)
    if what.transposed and (what.channels, what.filters) != (1, 1):  # kernels spread in the view of one channel only
        return conv_transpose_as_conv(
            what.space,
            kernel=what.kernel,
            stride=what.strides,
            padding=what.pads,
            output_padding=what.output_padding,
            dilation=what.dilations,
            channels=what.channels,
            filters=what.filters,
            groups=what.groups,
            style=style,
        )
    if what.transposed:
        return conv_transpose(
            what.space,
            kernel=what.kernel,
            stride=what.strides,
            padding=what.pads,
            output_padding=what.output_padding,
            dilation=what.dilations,
            style=style,
        )
    return conv(
        what.space,
        kernel=what.kernel,
        stride=what.strides,
        padding=what.pads,
        dilation=what.dilations,
        channels=what.channels,
        filters=what.filters,
        groups=what.groups,
        style=style,
    )
