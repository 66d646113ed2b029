"""The nearest settings that give an output, where the given ones give none: one argument changed, as little as possible."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from atrous.geometry.transposed import TransposedWindow
from atrous.geometry.window import Window


@dataclass(frozen=True, slots=True)
class Remedy:
    """One argument of an axis and the value that works, all others as they were; ``padding`` is that of both ends."""

    argument: str
    value: int


def nearest(window: Window | TransposedWindow, size: int) -> tuple[Remedy, ...]:
    """For each argument that can help by itself, the value nearest to the given one with which there is an output.

    Empty where there already is one. ``size`` is the input's, at least 1.

    >>> nearest(Window(5, dilation=2), 4)
    (Remedy(argument='input', value=9), Remedy(argument='kernel', value=2), Remedy(argument='padding', value=3))
    >>> nearest(TransposedWindow(2, pad_lo=3, pad_hi=3), 4)
    (Remedy(argument='input', value=6), Remedy(argument='padding', value=2))
    """
    if window.output_size(size) >= 1:
        return ()
    found = [Remedy("input", _first(size, lambda n: window.output_size(n) >= 1))]
    if isinstance(window, TransposedWindow):
        most = max(window.pad_lo, window.pad_hi)
        # counted by how much is taken off, as the least change is wanted
        less = _first(1, lambda n: _padded(window, max(0, most - n)).output_size(size) >= 1)
        return (*found, Remedy("padding", max(0, most - less)))
    if window.dilation > 1:
        dilation = _last(window.dilation, lambda d: replace(window, dilation=d).output_size(size) >= 1)
        found += [Remedy("dilation", dilation)] if dilation else []
    kernel = _last(window.kernel, lambda k: replace(window, kernel=k).output_size(size) >= 1)
    found += [Remedy("kernel", kernel)] if kernel else []
    pad = _first(max(0, min(window.pad_lo, window.pad_hi)), lambda n: _padded(window, n).output_size(size) >= 1)
    return (*found, Remedy("padding", pad))


def _padded(window: Window | TransposedWindow, pad: int) -> Window | TransposedWindow:
    return replace(window, pad_lo=pad, pad_hi=pad)


def _first(start: int, works: Callable[[int], bool]) -> int:
    """The first number from ``start`` on that works, where all larger ones do too: doubling steps, then halving them."""
    step = 1
    while not works(start + step):
        step *= 2
    low, high = start - 1, start + step
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if works(middle) else (middle, high)
    return high


def _last(start: int, works: Callable[[int], bool]) -> int:
    """The largest number from 1 to ``start`` that works, where all smaller ones do too; 0 if none does."""
    low, high = 0, start + 1
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if works(middle) else (low, middle)
    return low
