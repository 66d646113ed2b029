"""Receptive fields: from one output back through a stack of layers to the inputs that influence it, and how often each does."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from math import prod

from atrous.errors import ArgumentError
from atrous.figures.scene import Cell, Chart, Grid, Link, Part, Scene, Series, Spot, State
from atrous.figures.scenes.coverage import COUNTED, counted
from atrous.figures.settings import Layer
from atrous.figures.text import each, sizes
from atrous.geometry import IndexSet, ReceptiveField, TransposedWindow, Window, convolution_cost, coverage

AnyWindow = Window | TransposedWindow

#: More cells than this on an axis cannot be told apart, even without numbers.
LARGEST_FIELD = 41


def cone(layers: Sequence[Layer], unit: int | None = None, axis: int = 0, title: str = "") -> tuple[Scene, ...]:
    """From one output down to its receptive field, along one axis; one step for each layer that is looked through.

    ``layers`` follow each other, the first nearest to the input, which is drawn at the top; ``unit`` is the output, by default
    the middle one. Cells inside the span of the field that influence nothing of it are holes.

    >>> from atrous.figures.settings import as_layer
    >>> first = as_layer(11, kernel=3, dilation=2)
    >>> steps = cone([first, as_layer(first.outputs, kernel=2, dilation=4)], unit=1)
    >>> steps[-1].grid("input").find(State.FIELD)
    ((0, 1), (0, 3), (0, 5), (0, 7), (0, 9))
    """
    windows = [layer.windows[axis] for layer in layers]
    extents = [layers[0].space[axis], *(layer.outputs[axis] for layer in layers)]
    unit = extents[-1] // 2 if unit is None else unit
    if not 0 <= unit < extents[-1]:
        raise ArgumentError(f"unit: got {unit}; the last layer has outputs 0 to {extents[-1] - 1}")
    levels = [IndexSet(((unit, unit + 1),))]
    for window, size in zip(reversed(windows), reversed(extents[:-1]), strict=True):
        levels.insert(0, IndexSet.union(*(window.landing(o, size).runs for o in levels[0])))
    return tuple(_looked(windows, extents, levels, depth, title) for depth in range(len(windows) + 1))


def _looked(windows: Sequence[AnyWindow], extents: Sequence[int], levels: Sequence[IndexSet], depth: int, title: str) -> Scene:
    """The step that looks through the last ``depth`` layers."""
    last = len(windows)
    pitch, offset = Fraction(1), Fraction(0)
    bands: list[tuple[Part, ...]] = []
    for level, (size, field) in enumerate(zip(extents, levels, strict=True)):
        if level:
            slope, shift = windows[level - 1].centre
            pitch, offset = pitch * slope, offset + pitch * shift
        shown = field if level >= last - depth else IndexSet()
        name = "input" if level == 0 else f"layer {level}"
        label = f"{name}, {size}" if level == 0 else f"{name}: {_words(windows[level - 1])}"
        bands.append((Grid(name, (_cells(size, shown, level == last),), label, pitch=pitch, offset=offset),))
    links = tuple(link for level in range(last - depth + 1, last + 1) for link in _links(windows, extents, levels, level))
    lo, hi = levels[last - depth].span
    holes = hi - lo - len(levels[last - depth])
    what = "inputs" if depth == last else f"outputs of layer {last - depth}"
    told = f"{len(levels[last - depth])} {what}" + (
        f" in a span of {hi - lo}, so {holes} {'is' if holes == 1 else 'are'} without influence" if holes else ""
    )
    caption = f"output {levels[last].span[0]} of the last layer" + (f" depends on {told}" if depth else "")
    gaps = any(field.extent > len(field) for field in levels)
    legend = (State.SIGNAL, State.FIELD, *((State.HOLE,) if gaps else ()), State.CURRENT)
    heading = title or "The receptive field of one output, layer by layer"
    return Scene(heading, tuple(bands), (caption,), legend, links, (), True, depth + 1, last + 1)


def _cells(size: int, field: IndexSet, final: bool) -> tuple[Cell, ...]:
    lo, hi = field.span if len(field) else (0, 0)

    def state(i: int) -> State:
        if i in field:
            return State.CURRENT if final else State.FIELD
        return State.HOLE if lo <= i < hi else State.SIGNAL

    return tuple(Cell(state(i)) for i in range(size))


def _links(windows: Sequence[AnyWindow], extents: Sequence[int], levels: Sequence[IndexSet], level: int) -> Iterator[Link]:
    """From each cell of the field on a level to the cells that it reads one level above."""
    for o in levels[level]:
        for i in windows[level - 1].landing(o, extents[level - 1]):
            yield Link(Spot(level - 1, 0, 0, i), Spot(level, 0, 0, o))


def _words(window: AnyWindow) -> str:
    told = [f"kernel {window.kernel}"]
    told += [f"stride {window.stride}"] if window.stride > 1 else []
    told += [f"dilation {window.dilation}"] if window.dilation > 1 else []
    return ("transposed, " if isinstance(window, TransposedWindow) else "") + ", ".join(told)


def field_map(windows: Sequence[Sequence[Window]], title: str = "") -> Scene:
    """Which inputs one output far from the borders reads, and over how many paths; inputs in between are crossed out.

    ``windows`` has, for each axis, those of the layers, the first nearest to the input. Dilations that leave holes show as a
    grid (Wang et al., "Understanding Convolution for Semantic Segmentation", arXiv 1702.08502, section 3.2).

    >>> field_map([[Window(3, dilation=d) for d in (1, 2, 9)]] * 2).caption[0]
    'one output depends on 441 of the 625 inputs in its field of 25×25'
    """
    counts = []
    for axis in windows:
        bare = [replace(window, pad_lo=0, pad_hi=0) for window in axis]
        extents = [1]
        for window in reversed(bare):
            lo, hi = window.needs(0, extents[0])
            extents.insert(0, hi - lo)
        if extents[0] > LARGEST_FIELD:
            raise ArgumentError(f"windows: the field spans {extents[0]}; a map shows at most {LARGEST_FIELD} cells on an axis")
        counts.append(coverage(bare, extents).counts)
    grids: tuple[Part, ...] = counted(counts, "input", "receptive field, paths from each input")
    spans = sizes(map(len, counts))
    total, read = prod(map(len, counts)), prod(sum(count > 0 for count in axis) for axis in counts)
    told = f"all {read} inputs" if read == total else f"{read} of the {total} inputs"
    dilations = [each([axis[layer].dilation for axis in windows]) for layer in range(len(windows[0]))]
    heading = title or f"What one output reads through dilations {', '.join(dilations)}"
    return Scene(heading, (grids,), (f"one output depends on {told} in its field of {spans}",), COUNTED)


def context(dilations: Sequence[int] = (1, 1, 2, 4, 8, 16, 1), channels: int = 1) -> tuple[Scene, ...]:
    """The receptive field behind each layer of a context module: 3×3 kernels of these dilations, then a 1×1; a step a layer.

    Yu and Koltun, "Multi-Scale Context Aggregation by Dilated Convolutions", arXiv 1511.07122, table 1.

    >>> [int(y) for _, y in context()[-1].bands[0][0].series[0].points]
    [3, 5, 9, 17, 33, 65, 67, 67]
    """
    windows = [*(Window(3, dilation=d) for d in dilations), Window(1)]
    field, points, weights = ReceptiveField.of_input(), [], [0]
    for layer, window in enumerate(windows, 1):
        field = field.behind(window)
        lo, hi = field.span(0)
        points.append((layer, hi - lo))
        extent = (window.extent,) * 2
        weights.append(weights[-1] + convolution_cost(channels, channels, (window, window), extent).parameters)
    reach = (len(windows), max(size for _, size in points))
    steps = []
    for layer, window in enumerate(windows, 1):
        chart = Chart("layer", "receptive field along one axis", (Series("dilated 3×3 layers", tuple(points[:layer])),), reach)
        size = points[layer - 1][1]
        per = f"{weights[layer]}·C²" if channels == 1 else f"{weights[layer]:,}"
        told = f"layer {layer}, {_words(window)}: a field of {size}×{size}, {per} weights so far"
        holes = len(ReceptiveField.through(windows[:layer]).inputs(0).holes)
        seen = f"{holes} inputs in it are never read" if holes else "every input in it is read"
        heading = "A dilated network for multi-scale context"
        steps.append(Scene(heading, ((chart,),), (told, seen), (), step=layer, steps=len(windows)))
    return tuple(steps)
