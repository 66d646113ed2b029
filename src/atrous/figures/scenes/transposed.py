"""Transposed convolution, step by step, in both views: each input spreads a kernel over the output, or an ordinary convolution
with the flipped kernel reads the stretched input. Both end in the same output."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product as places

import numpy as np

from atrous import reference
from atrous.errors import ArgumentError
from atrous.figures.scene import Beam, Cell, Grid, Part, Region, Scene, Spot, State
from atrous.figures.scenes.arrangement import Numbers
from atrous.figures.scenes.convolution import convolution
from atrous.figures.scenes.windowed import Array, Index, given, lifted, output_label, plane, spots
from atrous.figures.settings import Layer
from atrous.figures.text import number, sizes
from atrous.geometry import TransposedWindow, Window


def transposed_windows(layer: Layer) -> tuple[TransposedWindow, ...]:
    """The windows of a transposed layer."""
    return tuple(window for window in layer.windows if isinstance(window, TransposedWindow))


def transposed_numbers(layer: Layer, x: object = None, w: object = None) -> Numbers:
    """The caller's numbers, or small integers that stay the same; ``w`` (C, K/groups, *kernel), the output is `reference`'s."""
    rng, windows = np.random.default_rng(0), transposed_windows(layer)
    signal = (layer.channels, *layer.space)
    weights = (layer.channels, layer.filters // layer.groups, *(window.kernel for window in windows))
    left = given("x", x, signal, rng.integers(0, 5, signal).astype(np.float64))
    right = given("w", w, weights, rng.integers(-1, 3, weights).astype(np.float64))
    return Numbers(left, right, reference.conv_transpose(left[None], right, None, windows, layer.groups)[0])


def _title(layer: Layer) -> str:
    return f"Transposed convolution: {layer.words}"


def spreading(layer: Layer, numbers: Numbers | None = None, title: str = "") -> tuple[Scene, ...]:
    """One scene for each input: the kernel, times that input, is added to the output; what padding cuts off is crossed out.

    ``numbers`` are as `transposed_numbers` makes them; they can be shown of one channel and one kernel.

    >>> from atrous.figures.settings import as_layer
    >>> layer = as_layer(2, kernel=3, stride=2, transposed=True)
    >>> [int(cell.value) for cell in spreading(layer, transposed_numbers(layer, (1, 2), (1, 1, 1)))[-1].grid("output").cells[0]]
    [1, 1, 3, 2, 2]
    """
    if numbers is not None and (layer.channels, layer.filters) != (1, 1):
        seen = f"{layer.channels} channels and {layer.filters} kernels"
        raise ArgumentError(f"numbers: got {seen}; kernels spread in numbers for one channel and one kernel, leave numbers out")
    view = _Spread.of(layer)
    positions = tuple(places(*map(range, view.space)))
    return tuple(view.step(at, n + 1, len(positions), numbers, title or _title(layer)) for n, at in enumerate(positions))


@dataclass(frozen=True, slots=True)
class _Spread:
    """A transposed layer on three axes; ``shown`` are the output coordinates with those that padding cuts off."""

    layer: Layer
    windows: tuple[TransposedWindow, TransposedWindow, TransposedWindow]
    space: tuple[int, int, int]
    outputs: tuple[int, int, int]
    shown: tuple[range, range, range]

    @classmethod
    def of(cls, layer: Layer) -> _Spread:
        windows, space = lifted(transposed_windows(layer), TransposedWindow(1)), lifted(layer.space, 1)
        outputs = lifted(layer.outputs, 1)
        first, second, third = (
            range(min(0, w.reaches(0).span[0]), max(o, w.reaches(n - 1).span[1]))
            for w, n, o in zip(windows, space, outputs, strict=True)
        )
        return cls(layer, windows, space, outputs, (first, second, third))

    def step(self, at: Index, step: int, steps: int, numbers: Numbers | None, title: str) -> Scene:
        x = None if numbers is None else numbers.x[0].reshape(self.space)
        w = None if numbers is None else numbers.w[0, 0].reshape(tuple(window.kernel for window in self.windows))
        inputs, kernels, outputs = self._inputs(at, x), self._kernels(w), self._outputs(at, self._sum_until(at, x, w))
        flat = self.layer.axes < 3
        bands = (inputs, kernels, outputs) if not flat else ((*inputs, *kernels, *outputs),)
        name = output_label(at[-self.layer.axes :])
        told = f" times {number(float(x[at]))}" if x is not None else ""
        caption = (f"step {step} of {steps}: input {name} adds the kernel{told} to the output",)
        parts: tuple[tuple[Part, ...], ...] = bands
        legend: tuple[State, ...] = (State.SIGNAL, State.READ, State.WEIGHT, State.ADDED, State.DONE, State.PENDING)
        legend += (State.CUT,) if any(State.CUT in grid.states for grid in outputs) else ()
        beams = tuple(self._beams(at, outputs[0])) if flat else ()
        return Scene(title, parts, caption, legend, (), beams, step=step, steps=steps)

    def _inputs(self, at: Index, x: Array | None) -> tuple[Grid, ...]:
        def cell(index: Index) -> Cell:
            return Cell(State.READ if index == at else State.SIGNAL, None if x is None else float(x[index]))

        return self._grids("input", tuple(map(range, self.space)), cell, self._size(self.layer.channels, self.layer.space))

    def _kernels(self, w: Array | None) -> tuple[Grid, ...]:
        def cell(index: Index) -> Cell:
            tap = tuple(divmod(i, window.dilation) for i, window in zip(index, self.windows, strict=True))
            if any(rest for _, rest in tap):
                return Cell(State.ZERO)
            return Cell(State.WEIGHT, None if w is None else float(w[tuple(t for t, _ in tap)]))

        kernel = self._size(self.layer.channels, [window.kernel for window in transposed_windows(self.layer)])
        return self._grids("kernel", tuple(range(window.extent) for window in self.windows), cell, kernel)

    def _outputs(self, at: Index, sums: Array | None) -> tuple[Grid, ...]:
        now = [frozenset(window.reaches(i)) for window, i in zip(self.windows, at, strict=True)]
        past = [index for index in places(*map(range, self.space)) if index < at]
        touched = {i for index in past for i in places(*(w.reaches(o) for w, o in zip(self.windows, index, strict=True)))}

        def cell(index: Index) -> Cell:
            adding = all(i in axis for i, axis in zip(index, now, strict=True))
            real = all(0 <= i < n for i, n in zip(index, self.outputs, strict=True))
            state = State.ADDED if adding and real else State.DONE if index in touched else State.PENDING
            place = tuple(i - axis[0] for i, axis in zip(index, self.shown, strict=True))
            value = float(sums[place]) if sums is not None and (adding or index in touched) else None
            return Cell(state if real else State.CUT, value)

        grids = self._grids("output", self.shown, cell, self._size(self.layer.filters, self.layer.outputs))
        (top, bottom), (left, right) = (self.windows[axis].reaches(at[axis]).span for axis in (1, 2))
        _, rows, columns = self.shown
        frame = Region(top - rows[0], left - columns[0], bottom - rows[0], right - columns[0])
        return tuple(replace(grid, frame=frame if d in now[0] else None) for d, grid in zip(self.shown[0], grids, strict=True))

    def _sum_until(self, at: Index, x: Array | None, w: Array | None) -> Array | None:
        """The output, with what will be cut off, of the inputs up to this one."""
        if x is None or w is None:
            return None
        so_far = np.zeros(self.space)
        for index in places(*map(range, self.space)):
            so_far[index] = x[index] if index <= at else 0.0
        whole = [_covering(window, size, axis) for window, size, axis in zip(self.windows, self.space, self.shown, strict=True)]
        sums: Array = reference.conv_transpose(so_far[None, None], w[None, None], None, whole)[0, 0]
        return sums

    def _size(self, channels: int, space: Sequence[int]) -> str:
        return sizes((channels, *space) if channels > 1 else space)

    def _grids(self, name: str, ranges: tuple[range, ...], cell: Callable[[Index], Cell], size: str) -> tuple[Grid, ...]:
        """One grid for each place on the first of three axes."""
        depths, rows, columns = ranges
        deep = self.layer.filters if name == "output" else self.layer.channels
        grids = []
        for d in depths:
            cells = plane(rows, columns, lambda i, j, d=d: cell((d, i, j)))  # type: ignore[misc]
            label = f"{name} {size}" + (f", depth {d}" if len(depths) > 1 else "")
            grids.append(Grid(name, cells, label if d == depths[0] else f"depth {d}", (rows[0], columns[0]), deep))
        return tuple(grids)

    def _beams(self, at: Index, output: Grid) -> Iterator[Beam]:
        """From the input to where its kernel lies on the output."""
        if output.frame is not None:
            first, last = spots(output.frame, 0, 2)
            source = Spot(0, 0, at[1], at[2])
            yield Beam(source, source, first, last)


def _covering(window: TransposedWindow, size: int, shown: range) -> TransposedWindow:
    """The window whose outputs are exactly the coordinates shown."""
    bare = replace(window, pad_lo=window.pad_lo + shown[0], pad_hi=0, output_padding=0)
    return replace(bare, pad_hi=bare.output_size(size) - len(shown))


def stretching(layer: Layer, numbers: Numbers | None = None, title: str = "") -> tuple[Scene, ...]:
    """One scene for each output: an ordinary convolution of stride 1 reads the input with zeros between its elements.

    The kernel is flipped on every axis; its dilation stays, and padding counts from the other side: what a transposed layer
    cuts off is what the ordinary one never computes.

    >>> from atrous.figures.settings import as_layer
    >>> layer = as_layer(2, kernel=3, stride=2, transposed=True)
    >>> [int(c.value) for c in stretching(layer, transposed_numbers(layer, (1, 2), (1, 1, 1)))[-1].grid("output").cells[0]]
    [1, 1, 3, 2, 2]
    """
    windows = transposed_windows(layer)
    found = [window.stretched(size) for window, size in zip(windows, layer.space, strict=True)]
    twin = Layer(
        tuple(long for long, _ in found),
        tuple(window for _, window in found),
        layer.outputs,
        layer.channels,
        layer.filters,
        layer.groups,
    )
    scenes = convolution(twin, None if numbers is None else _stretched(layer, twin, numbers), title or _title(layer))
    strides = lifted([window.stride for window in windows], 1)
    return tuple(_marked(scene, strides) for scene in scenes)


def _stretched(layer: Layer, twin: Layer, numbers: Numbers) -> Numbers:
    """The numbers of the ordinary convolution: zeros between the inputs, kernels flipped and by output channel."""
    windows = transposed_windows(layer)
    x = np.zeros((layer.channels, *twin.space))
    x[(slice(None), *(slice(None, None, window.stride) for window in windows))] = numbers.x
    flipped = np.flip(numbers.w, axis=tuple(range(2, numbers.w.ndim)))
    w = np.concatenate([group.swapaxes(0, 1) for group in np.split(flipped, layer.groups)])
    plain = tuple(window for window in twin.windows if isinstance(window, Window))
    return Numbers(x, w, reference.conv(x[None], w, None, plain, layer.groups)[0])


def _marked(scene: Scene, strides: tuple[int, int, int]) -> Scene:
    """The zeros between the inputs told apart from the inputs."""

    def marked(part: Part) -> Part:
        if not isinstance(part, Grid) or not part.name.startswith("input"):
            return part
        (top, left), (_, down, across) = part.origin, strides
        depth = int(part.name.partition(", ")[2] or 0)

        def cell(old: Cell, i: int, j: int) -> Cell:
            between = depth % strides[0] or (top + i) % down or (left + j) % across
            return replace(old, state=State.INSERTED) if between and old.state in (State.SIGNAL, State.UNREAD) else old

        cells = tuple(tuple(cell(c, i, j) for j, c in enumerate(row)) for i, row in enumerate(part.cells))
        return replace(part, cells=cells, label=part.label.replace("input", "stretched input", 1))

    def flipped(part: Part) -> Part:
        if isinstance(part, Grid) and part.name.startswith("kernel"):
            return replace(part, label=f"flipped {part.label}" if part.label.startswith("kernel") else part.label)
        return part

    bands = tuple(tuple(flipped(marked(part)) for part in band) for band in scene.bands)
    return replace(scene, bands=bands, legend=(*scene.legend, State.INSERTED) if max(strides) > 1 else scene.legend)
