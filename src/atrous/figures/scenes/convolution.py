"""Convolution, step by step: one scene for each output, with the kernel on its inputs and the sum written out."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from atrous import reference
from atrous.figures.scene import Cell, Grid, Part, Scene, State
from atrous.figures.scenes.arrangement import Numbers, arrange
from atrous.figures.scenes.windowed import Index, View, given, input_grids, output_label, terms
from atrous.figures.settings import Layer
from atrous.figures.text import bracketed, each, number, product, sizes
from atrous.geometry import Window

#: Longer sums than this are told by their result alone.
LONGEST_SUM = 10
#: Kernels whose sums are told.
TOLD = 4


def numbers_of(layer: Layer, x: object = None, w: object = None) -> Numbers:
    """The caller's numbers, or small integers that stay the same from call to call; the output is `reference`'s."""
    rng = np.random.default_rng(0)
    windows = tuple(window for window in layer.windows if isinstance(window, Window))
    signal, kernel = (layer.channels, *layer.space), tuple(window.kernel for window in windows)
    weights = (layer.filters, layer.channels // layer.groups, *kernel)
    left = given("x", x, signal, rng.integers(0, 5, signal).astype(np.float64))
    right = given("w", w, weights, rng.integers(-1, 3, weights).astype(np.float64))
    return Numbers(left, right, reference.conv(left[None], right, None, windows, layer.groups)[0])


def convolution(layer: Layer, numbers: Numbers | None = None, title: str = "") -> tuple[Scene, ...]:
    """One scene for each output position of a convolution, in order; ``numbers`` are written into the cells if given."""
    view = View.of(layer)
    return tuple(_step(view, numbers, title or _title(layer), i) for i in range(len(view.positions)))


def prelude(layer: Layer, numbers: Numbers | None = None, title: str = "") -> tuple[Scene, ...]:
    """The scenes before the first step, as one sets a layer up: the input, its padding, where a stride leads, the kernel.

    What a layer does not have (padding, a stride above 1) has no scene. All have the places of the steps that follow.

    >>> from atrous.figures.settings import as_layer
    >>> [scene.caption[0] for scene in prelude(as_layer((3, 5), kernel=3, padding=(2, 1), stride=2))]
    ['the input', 'padding (2, 1): a frame of zeros around the input', 'stride 2: where each step starts', 'the kernel 3×3']
    """
    view, windows = View.of(layer), layer.windows
    found = arrange(view, None, numbers)
    pads, strides = layer.pads, each([window.stride for window in windows])
    told = [("the input", {State.SIGNAL, State.UNREAD})]
    told += [(f"padding {pads}: a frame of zeros around the input", {State.PADDING})] if pads else []
    told += [(f"stride {strides}: where each step starts", {State.START})] if strides != "1" else []
    told += [(f"the kernel {sizes(window.kernel for window in windows)}", {State.WEIGHT, State.ZERO, State.PENDING})]
    starts = [
        frozenset(window.needs(o, o + 1)[0] for o in range(n)) for window, n in zip(view.windows, view.outputs, strict=True)
    ]
    shown = {State.ABSENT}
    scenes: list[Scene] = []
    for caption, states in told:
        shown |= states
        at = starts if State.START in states else []
        bands = tuple(tuple(_revealed(part, shown, at) for part in band) for band in found.bands)
        scenes.append(Scene(title or _title(layer), bands, (caption,), _legend(view), aligned=layer.axes == 1))
    return tuple(scenes)


def _revealed(part: Part, shown: set[State], starts: list[frozenset[int]]) -> Part:
    """A grid with only these states, and the starts of the steps marked."""
    if not isinstance(part, Grid):
        return part
    top, left = part.origin
    marked = part.name.startswith("input") and starts

    def cell(old: Cell, i: int, j: int) -> Cell:
        if marked and top + i in starts[1] and left + j in starts[2]:
            return replace(old, state=State.START)
        return old if old.state in shown else Cell(State.ABSENT)

    cells = tuple(tuple(cell(old, i, j) for j, old in enumerate(row)) for i, row in enumerate(part.cells))
    seen = any(new.state is not State.ABSENT for row in cells for new in row)
    return replace(part, cells=cells, label=part.label if seen else "")


def _step(view: View, numbers: Numbers | None, title: str, step: int) -> Scene:
    at = view.positions[step]
    found = arrange(view, at, numbers)
    caption, flat = _caption(view, at, numbers, step), view.layer.axes == 1
    return Scene(title, found.bands, caption, _legend(view), found.links, found.beams, flat, step + 1, len(view.positions))


def _title(layer: Layer) -> str:
    return f"Convolution: {layer.words}"


def _legend(view: View) -> tuple[State, ...]:
    shown = {State.READ}.union(*(grid.states for grid in input_grids(view, None, None)))
    dilated = [State.ZERO] if any(window.dilation > 1 for window in view.windows) else []
    found = [state for state in State if state in shown]
    return (*found, State.WEIGHT, *dilated, State.CURRENT)


def _caption(view: View, at: Index, numbers: Numbers | None, step: int) -> tuple[str, ...]:
    """Which output it is, and its sum written out as far as a line holds it."""
    layer = view.layer
    name, channels = output_label(at[-layer.axes :]), layer.channels // layer.groups
    head = f"step {step + 1} of {len(view.positions)}: output {name}"
    taps = list(terms(view, at))
    if numbers is None:
        padded = sum(not view.real(index) for _, index in taps)
        count = f"{len(taps)} taps" + (f", {padded} of them on padding" if padded else "")
        deep = f", in each of {channels} channels" if channels > 1 else ""
        maps = f", once for each of {layer.filters} kernels" if layer.filters > 1 else ""
        return (f"{head} is the weighted sum of {count}{deep}{maps}",)
    return (head, *(_sum(view, taps, numbers, at, f) for f in range(min(layer.filters, TOLD))))


def _sum(view: View, taps: list[tuple[Index, Index]], numbers: Numbers, at: Index, f: int) -> str:
    """The sum of one filter: every product, or every channel's part of it, or its result alone."""
    layer, axes = view.layer, view.layer.axes
    channels, group = layer.channels // layer.groups, f // (layer.filters // layer.groups)
    parts = [
        [
            (float(numbers.x[c + group * channels][i[-axes:]]) if view.real(i) else 0.0, float(numbers.w[f, c][t[-axes:]]))
            for t, i in taps
        ]
        for c in range(channels)
    ]
    total = number(float(numbers.y[f][at[-axes:]]))
    head = f"kernel {f + 1}: " if layer.filters > 1 else ""
    if channels == 1 and len(taps) <= LONGEST_SUM:
        return f"{head}{' + '.join(product(a, b) for a, b in parts[0])} = {total}"
    if 1 < channels <= LONGEST_SUM:
        sums = (sum(a * b for a, b in part) for part in parts)
        return f"{head}{' + '.join(bracketed(value) for value in sums)} = {total}, one sum of {len(taps)} products a channel"
    return f"{head}the sum of {len(taps) * channels} products = {total}"
