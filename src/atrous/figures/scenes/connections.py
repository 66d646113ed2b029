"""Connections: which inputs influence which outputs, in a convolution and in a fully connected layer."""

from __future__ import annotations

from fractions import Fraction

from atrous.figures.scene import Cell, Grid, Link, Part, Scene, Spot, State
from atrous.figures.settings import Layer, as_layer
from atrous.geometry import IndexSet


def connections(size: int = 9, kernel: int = 3) -> tuple[Scene, ...]:
    """Two scenes with one unit marked: a convolution, whose receptive field is ``kernel`` inputs, and a fully connected layer.

    >>> local, full = connections(6, 3)
    >>> len(local.links), len(full.links)
    (12, 24)
    """
    layer = as_layer(size, kernel=kernel)
    unit = layer.outputs[0] // 2
    reads = [layer.windows[0].landing(o, size) for o in range(layer.outputs[0])]
    everything = [IndexSet(((0, size),))] * layer.outputs[0]
    local = (
        f"a convolution of kernel {kernel}: one output is influenced by {len(reads[unit])} inputs, its receptive field",
        "all outputs of one kernel together are an activation map",
    )
    full = (f"a fully connected layer: every one of the {size} inputs influences every output",)
    return (_drawn(layer, reads, unit, "activation map", local, 1), _drawn(layer, everything, unit, "output", full, 2))


def _drawn(layer: Layer, reads: list[IndexSet], unit: int, name: str, caption: tuple[str, ...], step: int) -> Scene:
    size = layer.space[0]
    inputs = tuple(Cell(State.FIELD if i in reads[unit] else State.SIGNAL) for i in range(size))
    outputs = tuple(Cell(State.CURRENT if o == unit else State.DONE) for o in range(len(reads)))
    slope, offset = layer.windows[0].centre
    bands: tuple[tuple[Part, ...], ...] = (
        (Grid("input", (inputs,), f"input {size}"),),
        (Grid("output", (outputs,), f"{name} {len(reads)}", pitch=slope, offset=offset),),
    )
    links = [Link(Spot(0, 0, 0, i), Spot(1, 0, 0, o), strong=o == unit) for o, read in enumerate(reads) for i in read]
    links.sort(key=lambda link: link.strong)
    legend = (State.SIGNAL, State.FIELD, State.DONE, State.CURRENT)
    return Scene("What influences an output", bands, caption, legend, tuple(links), (), True, step, 2)


def neighbours(size: int = 8, kernel: int = 3) -> tuple[Scene, ...]:
    """One scene for each output of one axis: its inputs, and those that it shares with the output before it.

    >>> [scene.grid("input").find(State.SHARED) for scene in neighbours(5, 3)]
    [(), ((0, 1), (0, 2)), ((0, 2), (0, 3))]
    """
    layer = as_layer(size, kernel=kernel)
    return tuple(_neighbour(layer, o) for o in range(layer.outputs[0]))


def _neighbour(layer: Layer, output: int) -> Scene:
    (window,), (size,), (outputs,) = layer.windows, layer.space, layer.outputs
    now = window.landing(output, size)
    before = window.landing(output - 1, size) if output else IndexSet()
    states = [State.SIGNAL if i not in now else State.SHARED if i in before else State.FIELD for i in range(size)]
    cells = tuple(map(Cell, states))
    maps = tuple(Cell(State.CURRENT if o == output else State.DONE if o < output else State.PENDING) for o in range(outputs))
    slope, offset = window.centre
    bands: tuple[tuple[Part, ...], ...] = (
        (Grid("input", (cells,), f"input {size}: one axis"),),
        (Grid("output", (maps,), f"output {outputs}: one axis", pitch=Fraction(slope), offset=offset),),
    )
    links = tuple(Link(Spot(0, 0, 0, i), Spot(1, 0, 0, output)) for i in now)
    shared = states.count(State.SHARED)
    told = f"output {output} depends on inputs {now.span[0]} to {now.span[1] - 1}"
    caption = (told + (f"; {shared} of them its neighbor {output - 1} depends on too" if output else ""),)
    legend = (State.SIGNAL, State.FIELD, State.SHARED, State.CURRENT)
    return Scene("Neighbors stay neighbors", bands, caption, legend, links, (), True, output + 1, outputs)
