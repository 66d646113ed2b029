"""Coverage: how often each input is read by all outputs together, which are never read, and why."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from math import prod

from atrous.figures.scene import Cell, Grid, Part, Scene, State
from atrous.figures.scenes.windowed import lifted, plane
from atrous.figures.settings import Layer
from atrous.figures.text import sizes
from atrous.geometry import TransposedWindow, coverage, unread

#: What a count is called, by the least count that it covers.
STATES = ((5, State.MOST), (3, State.OFTEN), (2, State.TWICE), (1, State.ONCE), (0, State.UNREAD))
COUNTED = tuple(state for _, state in reversed(STATES))

#: Cells along an axis up to which the counts are written into them.
NUMBERED = 20

AXES = ("depth", "rows", "columns")


def state_of(count: int) -> State:
    """How a cell is painted that is read so often.

    >>> state_of(0), state_of(4)
    (<State.UNREAD: 'never read'>, <State.OFTEN: 'read 3 or 4 times'>)
    """
    return next(state for least, state in STATES if count >= least)


def counted(counts: Sequence[Sequence[int]], name: str, label: str = "") -> tuple[Grid, ...]:
    """Grids of 1 to 3 axes, each cell the product of the counts of its axes, told in numbers where a grid is not too large."""
    depths, rows, columns = lifted([tuple(axis) for axis in counts], (1,))

    def grid(d: int) -> Grid:
        def cell(i: int, j: int) -> Cell:
            count = depths[d] * rows[i] * columns[j]
            return Cell(state_of(count), count if max(len(rows), len(columns)) <= NUMBERED else None)

        return Grid(name, plane(range(len(rows)), range(len(columns)), cell), label if d == 0 else f"depth {d}")

    return tuple(grid(d) for d in range(len(depths)))


def coverage_map(layers: Sequence[Layer], title: str = "") -> Scene:
    """How often the outputs of a stack of layers read each input, as one scene; the numbers are counts of paths.

    ``layers`` follow each other, the first nearest to the input; each one's input has the size of the output before it.

    >>> from atrous.figures.settings import as_layer
    >>> scene = coverage_map([as_layer(10, kernel=2, stride=3)])
    >>> [int(cell.value) for cell in scene.grid("input").cells[0]]
    [1, 1, 0, 1, 1, 0, 1, 1, 0, 0]
    >>> scene.caption
    ('6 of 10 inputs are read, 4 never', 'never read: 2 between the steps of the stride, 2 behind the last step')
    """
    counts = []
    for axis in range(layers[0].axes):
        extents = [layer.space[axis] for layer in layers] + [layers[-1].outputs[axis]]
        counts.append(coverage([layer.windows[axis] for layer in layers], extents).counts)
    total = prod(map(len, counts))
    read = prod(sum(1 for count in axis if count) for axis in counts)
    grids: tuple[Part, ...] = counted(counts, "input", f"input {sizes(layers[0].space)}, how often each is read")
    lines = [f"{read} of {total} inputs are read, {total - read} never" if total > read else f"all {total} are read"]
    lines += _causes(layers[0]) if len(layers) == 1 else []
    return Scene(title or _title(layers), (grids,), tuple(lines), COUNTED)


def overlap_map(layer: Layer, title: str = "") -> Scene:
    """How many taps reach each output of a transposed convolution; uneven counts show as a checkerboard.

    Odena, Dumoulin and Olah, "Deconvolution and Checkerboard Artifacts", Distill 2016.

    >>> from atrous.figures.settings import as_layer
    >>> scene = overlap_map(as_layer(3, kernel=3, stride=2, transposed=True))
    >>> [int(cell.value) for cell in scene.grid("output").cells[0]]
    [1, 1, 2, 1, 2, 1, 1]
    """
    windows = [window for window in layer.windows if isinstance(window, TransposedWindow)]
    counts = [
        [len(window.landing(o, size)) for o in range(outputs)]
        for window, size, outputs in zip(windows, layer.space, layer.outputs, strict=True)
    ]
    reached = [prod(index) for index in product(*counts)]
    even = "evenly" if len(set(reached)) == 1 else f"by {min(reached)} to {max(reached)} taps"
    grids: tuple[Part, ...] = counted(counts, "output", f"output {sizes(layer.outputs)}, how many taps reach each")
    heading = title or f"Overlap of a transposed convolution: {layer.words}"
    return Scene(heading, (grids,), (f"the outputs are reached {even}",), ())


def _title(layers: Sequence[Layer]) -> str:
    if len(layers) > 1:
        return f"What {len(layers)} layers read of their input"
    return f"What is read: {layers[0].words}"


def _causes(layer: Layer) -> list[str]:
    """For each axis with inputs that are never read, how many there are of each cause."""
    lines = []
    for axis, (window, size) in enumerate(zip(layer.windows, layer.space, strict=True)):
        found = unread(window, size)
        causes = (
            (found.stride, "between the steps of the stride"),
            (found.floor, "behind the last step"),
            (found.gridding, "between the taps of the dilation"),
            (found.cropped, "cut off"),
        )
        told = ", ".join(f"{count} {words}" for count, words in causes if count)
        where = f" of {AXES[axis - layer.axes]}" if layer.axes > 1 else ""
        lines += [f"never read{where}: {told}"] if told else []
    return lines
