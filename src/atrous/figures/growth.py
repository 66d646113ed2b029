"""How the receptive field grows as layers are stacked, against the parameters that they cost."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from atrous.errors import ArgumentError
from atrous.figures.scene import Chart, Scene, Series
from atrous.geometry import ReceptiveField, Window, convolution_cost

#: The stacks that are compared: the name of each, and its window in layer ``i`` of a kernel's size.
STACKS: tuple[tuple[str, Callable[[int, int], Window]], ...] = (
    ("dilations 1, 2, 4, 8, ...", lambda kernel, i: Window(kernel, dilation=2**i)),
    ("dilation 1", lambda kernel, _: Window(kernel)),
)
LARGEST = 12


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
    """The receptive field against the parameters of stacks with and without dilation; one step for each layer stacked.

    Both cost the same: parameters depend on how many taps a kernel has, not on how far apart they are.

    >>> steps = growth(4, channels=1, axes=1)
    >>> [series.points[-1] for series in steps[-1].bands[0][0].series]
    [(12, 31), (12, 9)]
    """
    if not 1 <= layers <= LARGEST or kernel < 2:
        raise ArgumentError(f"layers: got {layers} of kernel {kernel}; a stack has 1 to {LARGEST} layers of kernel 2 or more")
    series = []
    for name, window in STACKS:
        stack = [window(kernel, i) for i in range(layers)]
        costs = [convolution_cost(channels, channels, (each,) * axes, (each.extent,) * axes).parameters for each in stack]
        series.append(Series(name, tuple((sum(costs[: n + 1]), size) for n, size in enumerate(fields(stack)))))
    return tuple(_step(series, n + 1, layers, "×".join([str(kernel)] * axes)) for n in range(layers))


def _step(series: Sequence[Series], shown: int, layers: int, kernel: str) -> Scene:
    """The chart of the first ``shown`` layers."""
    parameters, _ = series[0].points[shown - 1]
    told = " and ".join(f"{each.points[shown - 1][1]} with {each.name.removesuffix(', ...')}" for each in series)
    count = f"{shown} layer{'s' if shown > 1 else ''} of {kernel}"
    caption = (f"{count}, {parameters:,} parameters either way", f"the receptive field spans {told}")
    reach = tuple(max(point[axis] for each in series for point in each.points) for axis in (0, 1))
    curves = tuple(Series(each.name, each.points[:shown]) for each in series)
    chart = Chart("parameters", "receptive field along one axis", curves, (reach[0], reach[1]))
    return Scene("The receptive field grows, for the same parameters", ((chart,),), caption, step=shown, steps=layers)
