"""Geometry by enumeration: the definitions of the windows, element by element."""

from __future__ import annotations

from atrous.geometry import TransposedWindow, Window


def pairs(window: Window, size: int) -> list[tuple[int, int, int]]:
    """(output, tap, input) of every output of a signal, those on padding included; outputs counted by sliding the window."""
    found = []
    output = 0
    while _fits(window, output, size):
        start = output * window.stride - window.pad_lo
        found += [(output, tap, start + tap * window.dilation) for tap in range(window.kernel)]
        output += 1
    return found


def _fits(window: Window, output: int, size: int) -> bool:
    start = output * window.stride - window.pad_lo
    end = start + (window.kernel - 1) * window.dilation
    behind = size + window.pad_hi
    if end < behind:
        return True
    # ceil mode: one more window may hang over the end, by less than a stride, if it starts on the signal
    return window.ceil and end + 1 - behind < window.stride and start < size


def transposed_pairs(window: TransposedWindow, size: int) -> list[tuple[int, int, int]]:
    """(output, tap, input) of every input and tap, outputs that the padding cuts off included."""
    return [
        (i * window.stride - window.pad_lo + tap * window.dilation, tap, i) for i in range(size) for tap in range(window.kernel)
    ]
