"""How often one axis of a map reads each input or reaches each output, without listing them, and what is left out why."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace

from atrous.geometry.coverage import read_count
from atrous.geometry.indices import IndexSet
from atrous.geometry.transposed import TransposedWindow
from atrous.geometry.window import Window

#: (count, places) in order of the count: so many places have this count.
Histogram = tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Unread:
    """How many inputs of one axis are never read, by cause.

    ``stride``: between windows that step further than they span; ``floor``: behind the last window, where the rest of the
    division is dropped; ``gridding``: under a window, but between its dilated taps; ``cropped``: cut off by negative padding,
    or, of transposed windows, reaching only outputs that padding cuts off.
    """

    stride: int = 0
    floor: int = 0
    gridding: int = 0
    cropped: int = 0

    @property
    def total(self) -> int:
        """All of them."""
        return self.stride + self.floor + self.gridding + self.cropped


def visits(window: Window | TransposedWindow, size: int) -> Histogram:
    """How many of ``size`` inputs are read how often; any size takes the same time.

    Of a transposed window: how many outputs are reached by how many taps, which differ where the overlap is uneven.

    >>> visits(Window(3, stride=2), 6), visits(TransposedWindow(3, stride=2), 3)
    (((0, 1), (1, 4), (2, 1)), ((1, 5), (2, 2)))
    """
    if isinstance(window, TransposedWindow):
        twin = Window(window.kernel, window.stride, window.dilation, window.pad_lo)
        return _histogram(twin, window.output_size(size), outputs=size)
    return _histogram(window, size, outputs=window.output_size(size))


def _histogram(window: Window, size: int, outputs: int) -> Histogram:
    """Taps by their residue modulo the stride; those of one residue read an interval of its inputs each, which are swept."""
    by_residue: dict[int, Counter[int]] = {}
    for tap in range(window.kernel):
        first, residue = divmod(tap * window.dilation - window.pad_lo, window.stride)
        inside = max(0, -(-(size - residue) // window.stride))
        changes = by_residue.setdefault(residue, Counter())
        changes[min(max(0, first), inside)] += 1
        changes[min(max(0, first + max(0, outputs)), inside)] -= 1
    counts: Counter[int] = Counter()
    for changes in by_residue.values():
        place = depth = 0
        for change in sorted(changes):
            counts[depth] += change - place
            place, depth = change, depth + changes[change]
    del counts[0]
    counts[0] = size - counts.total()
    return tuple(sorted((count, places) for count, places in counts.items() if places))


def unread(window: Window | TransposedWindow, size: int) -> Unread:
    """How many of ``size`` inputs no output reads, and why; any size takes the same time.

    >>> unread(Window(2, stride=3), 9), unread(Window(3, stride=4, dilation=2), 10)
    (Unread(stride=2, floor=1, gridding=0, cropped=0), Unread(stride=0, floor=1, gridding=4, cropped=0))
    """
    if isinstance(window, TransposedWindow):
        reaching = ((each.start, each.stop) for each in (window.inputs_of_tap(t, size) for t in range(window.kernel)))
        return Unread(cropped=size - len(IndexSet.union(reaching)))
    dense = replace(window, kernel=window.extent, dilation=1)
    head = min(size, max(0, -dense.pad_lo)) if dense.output_size(size) >= 1 else 0
    tail = _behind(window, size)
    cut = min(tail, max(0, -dense.pad_hi))
    spanned = read_count(dense, size)
    return Unread(size - tail - head - spanned, tail - cut, spanned - read_count(window, size), head + cut)


def leftover(window: Window | TransposedWindow, size: int) -> int:
    """How many of ``size`` inputs lie behind the last window, those that negative padding crops apart: ``unread``'s floor.

    >>> leftover(Window(3, stride=2), 6), leftover(Window(3, stride=2), 7)
    (1, 0)
    """
    if isinstance(window, TransposedWindow):
        return 0
    tail = _behind(window, size)
    return tail - min(tail, max(0, -window.pad_hi))


def _behind(window: Window, size: int) -> int:
    """How many inputs lie behind the end of the last window; all of them where no window fits."""
    outputs = window.output_size(size)
    end = (outputs - 1) * window.stride - window.pad_lo + window.extent if outputs >= 1 else 0
    return size - min(size, max(0, end))


def overlap(window: TransposedWindow) -> tuple[int, int]:
    """(fewest, most) taps that reach one output away from the borders; unlike ones make a checkerboard.

    Odena, Dumoulin and Olah, "Deconvolution and Checkerboard Artifacts", Distill 2016.

    >>> overlap(TransposedWindow(3, stride=2)), overlap(TransposedWindow(4, stride=2))
    ((1, 2), (2, 2))
    """
    phases = Counter(t * window.dilation % window.stride for t in range(window.kernel))
    counts = set(phases.values()) | ({0} if len(phases) < window.stride else set())
    return (min(counts), max(counts))
