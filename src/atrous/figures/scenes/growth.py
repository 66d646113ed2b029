"""How the receptive field grows as layers are stacked, against the parameters that they cost."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from atrous.errors import ArgumentError
from atrous.figures.scene import Chart, Scene, Series
from atrous.figures.text import sizes
from atrous.geometry import ReceptiveField, Window, convolution_cost

#: The stacks that are compared: the name of each, and its window in layer ``i``, both for a kernel's size.
STACKS: tuple[tuple[Callable[[str, str], str], Callable[[int, int], Window]], ...] = (
    (lambda kernel, _: f"{kernel}, dilations 1, 2, 4, 8, ...", lambda kernel, i: Window(kernel, dilation=2**i)),
    (lambda kernel, _: f"{kernel}, dilation 1", lambda kernel, _: Window(kernel)),
    (lambda _, larger: f"{larger}, dilation 1", lambda kernel, _: Window(_larger(kernel))),
)
LARGEST = 12


def _larger(kernel: int) -> int:
    """The dense kernel as large as the support of this one with dilation 2."""
    return Window(kernel, dilation=2).extent


def fields(windows: Sequence[Window]) -> list[int]:
    """The size of the receptive field behind each layer of a stack without strides, along one axis.

    >>> fields([Window(3, dilation=d) for d in (1, 2, 4)])
    [3, 7, 15]
    """
    field, found = ReceptiveField.of_input(), []
    for window in windows:
        field = field.behind(window)
        first, last = field.span(0)
        found.append(last - first)
    return found


def growth(layers: int = 5, kernel: int = 3, channels: int = 16, axes: int = 2) -> tuple[Scene, ...]:
    """The receptive field against the parameters of stacked layers; one step for each layer stacked.

    Kernels with and without dilation cost the same: parameters depend on how many taps a kernel has, not on how far apart
    they are. A larger kernel without dilation, of the size that dilation 2 covers, costs more.

    >>> steps = growth(4, channels=1, axes=1)
    >>> [series.points[-1] for series in steps[-1].bands[0][0].series]
    [(12, 31), (12, 9), (20, 17)]
    """
    if not 1 <= layers <= LARGEST or kernel < 2:
        raise ArgumentError(f"layers: got {layers} of kernel {kernel}; a stack has 1 to {LARGEST} layers of kernel 2 or more")
    names = [sizes((size,) * axes) for size in (kernel, _larger(kernel))]
    series = []
    for name, window in STACKS:
        stack = [window(kernel, i) for i in range(layers)]
        costs = [convolution_cost(channels, channels, (each,) * axes, (each.extent,) * axes).parameters for each in stack]
        points = tuple((sum(costs[: n + 1]), size) for n, size in enumerate(fields(stack)))
        series.append(Series(name(names[0], names[1]), points))
    return tuple(_step(series, n + 1, layers) for n in range(layers))


def _step(series: Sequence[Series], shown: int, layers: int) -> Scene:
    """The chart of the first ``shown`` layers."""
    head = f"{shown} layer{'s' if shown > 1 else ''}"
    told = [f"{each.name}: a field of {each.points[shown - 1][1]} for {each.points[shown - 1][0]:,} weights" for each in series]
    reach = tuple(max(point[axis] for each in series for point in each.points) for axis in (0, 1))
    curves = tuple(Series(each.name, each.points[:shown]) for each in series)
    chart = Chart("parameters", "receptive field along one axis", curves, (reach[0], reach[1]))
    title = "The receptive field grows with dilation, for the same parameters"
    return Scene(title, ((chart,),), (head, *told), step=shown, steps=layers)


def field_growth(sizes: Sequence[Sequence[int]]) -> Scene:
    """The receptive field behind each layer of a network, a curve for each spatial axis (one where they agree).

    >>> scene = field_growth([[3, 3], [5, 5], [9, 9]])
    >>> [series.points for series in scene.bands[0][0].series]
    [((1, 3), (2, 5), (3, 9))]
    """
    axes = [tuple(axis) for axis in zip(*sizes, strict=True)]
    named = [("every axis", axes[0])] if len(set(axes)) == 1 else [(f"axis {i}", axis) for i, axis in enumerate(axes)]
    series = tuple(Series(name, tuple(enumerate(axis, 1))) for name, axis in named)
    chart = Chart("layer", "receptive field", series, (len(sizes), max(map(max, axes))))
    last = "×".join(str(axis[-1]) for axis in axes)
    return Scene("The receptive field, layer by layer", ((chart,),), (f"{last} behind the last of {len(sizes)} layers",))
