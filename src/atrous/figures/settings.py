"""What a caller may set of a drawn layer, normalised once; settings that cannot be drawn are refused with what would work."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import SupportsIndex

from atrous.errors import ArgumentError
from atrous.figures.text import each, sizes
from atrous.geometry import Padding, TransposedWindow, Window, as_padding, output_sizes, per_axis
from atrous.geometry.nearest import nearest
from atrous.geometry.padding import AxisPadding
from atrous.geometry.sizes import at_least

Each = SupportsIndex | Iterable[SupportsIndex]
Pads = Padding | str | SupportsIndex | Iterable[AxisPadding]

#: More cells than this on an axis cannot be told apart on a page.
LARGEST = 40


@dataclass(frozen=True, slots=True)
class Layer:
    """One layer as it is drawn: ``space``, ``windows`` and ``outputs`` have one entry for each spatial axis (1 to 3)."""

    space: tuple[int, ...]
    windows: tuple[Window | TransposedWindow, ...]
    outputs: tuple[int, ...]
    channels: int = 1
    filters: int = 1
    groups: int = 1

    @property
    def axes(self) -> int:
        return len(self.space)

    @property
    def pads(self) -> str:
        """The padding in words; empty where there is none."""
        if not any(window.pad_lo or window.pad_hi for window in self.windows):
            return ""
        return each([w.pad_lo if w.pad_lo == w.pad_hi else f"{w.pad_lo}+{w.pad_hi}" for w in self.windows])

    @property
    def words(self) -> str:
        """The settings in words, those that are not the default ones.

        >>> as_layer((4, 4), kernel=3, stride=(2, 1), padding=((0, 1), 1)).words
        'kernel 3×3, padding (0+1, 1), stride (2, 1)'
        """
        told = [f"kernel {sizes(window.kernel for window in self.windows)}"]
        told += [f"padding {self.pads}"] if self.pads else []
        told += _told("stride", [window.stride for window in self.windows], 1)
        told += _told("dilation", [window.dilation for window in self.windows], 1)
        extra = [window.output_padding for window in self.windows if isinstance(window, TransposedWindow)]
        told += _told("output padding", extra, 0)
        told += _told("groups", [self.groups], 1)
        return ", ".join(told)


def _told(name: str, values: Sequence[int], default: int) -> list[str]:
    return [f"{name} {each(values)}"] if any(value != default for value in values) else []


def as_layer(
    size: Each,
    *,
    kernel: Each,
    stride: Each = 1,
    padding: Pads = 0,
    dilation: Each = 1,
    channels: int = 1,
    filters: int = 1,
    groups: int = 1,
    output_padding: Each = 0,
    transposed: bool = False,
    ceil: bool = False,
) -> Layer:
    """A layer from arguments as ``atrous.conv`` takes them; one integer counts for all axes, ``size`` says how many there are.

    Raises ``ArgumentError`` for bad arguments, for settings without output (naming the nearest that work), and for more cells
    than a page can show.

    >>> as_layer((3, 5), kernel=3, padding=(2, 1), stride=2).outputs
    (3, 3)
    """
    space = per_axis("size", size, len(tuple(size)) if isinstance(size, Iterable) else 1)
    axes = len(space)
    if not 1 <= axes <= 3:
        raise ArgumentError(f"size: got {axes} axes; figures have 1, 2 or 3 spatial axes (channels are given by channels=)")
    taps, steps, holes = (per_axis(*named, axes) for named in (("kernel", kernel), ("stride", stride), ("dilation", dilation)))
    rule, windows = as_padding(padding, axes), list[Window | TransposedWindow]()
    if transposed:
        windows += rule.transposed(taps, steps, holes, space, per_axis("output_padding", output_padding, axes, 0))
    else:
        windows += rule.windows(taps, steps, holes, space, ceil)
    _check_channels(channels, filters, groups)
    _check_output(windows, space)
    outputs = output_sizes(windows, space)
    _check_legible(windows, space, outputs)
    return Layer(space, tuple(windows), outputs, channels, filters, groups)


def _check_channels(channels: int, filters: int, groups: int) -> None:
    for name, value in (("channels", channels), ("filters", filters), ("groups", groups)):
        at_least(name, value, 1)
        if value % groups:
            raise ArgumentError(f"{name}: got {value} with groups={groups}; groups must divide them")


def _check_output(windows: Sequence[Window | TransposedWindow], space: Sequence[int]) -> None:
    for axis, (window, size) in enumerate(zip(windows, space, strict=True)):
        remedies = nearest(window, size)
        if remedies:
            told = ", or ".join(f"{remedy.argument} {remedy.value}" for remedy in remedies)
            try:
                output_sizes((window,), (size,))
            except ArgumentError as error:
                why = str(error).removeprefix("spatial axis 0: ").partition(";")[0]
                raise ArgumentError(f"spatial axis {axis}: {why}; the nearest that work: {told}") from None


def _check_legible(windows: Sequence[Window | TransposedWindow], space: Sequence[int], outputs: Sequence[int]) -> None:
    for axis, (window, size, output) in enumerate(zip(windows, space, outputs, strict=True)):
        shown = size if isinstance(window, TransposedWindow) else size + max(0, window.pad_lo) + max(0, window.pad_hi)
        if max(shown, output, window.extent) > LARGEST:
            seen = f"{shown} inputs with padding, a kernel over {window.extent} and {output} outputs"
            raise ArgumentError(f"size: axis {axis} has {seen}; a figure shows at most {LARGEST} cells on an axis, draw a part")
