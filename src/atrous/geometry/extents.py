"""Output sizes of windows over a signal, with the refusals: nothing to read, no output, sizes that overflow."""

from __future__ import annotations

from collections.abc import Sequence

from atrous.errors import ArgumentError
from atrous.geometry.nearest import nearest
from atrous.geometry.sizes import at_least, within
from atrous.geometry.transposed import TransposedWindow
from atrous.geometry.window import Window


def output_sizes(windows: Sequence[Window | TransposedWindow], sizes: Sequence[int]) -> tuple[int, ...]:
    """How many outputs each spatial axis of a signal of ``sizes`` has; always at least one.

    Raises ``ArgumentError`` naming the axis (0 is the first spatial one) when a window does not fit or a size overflows.

    >>> output_sizes((Window(3), Window(3, stride=2)), (5, 5))
    (3, 2)
    """
    if len(windows) != len(sizes):
        raise ArgumentError(f"space: got sizes {tuple(sizes)} for {len(windows)} windows; each spatial axis has one of both")
    return tuple(_outputs(f"spatial axis {i}", w, n) for i, (w, n) in enumerate(zip(windows, sizes, strict=True)))


def _outputs(name: str, window: Window | TransposedWindow, size: int) -> int:
    at_least(name, size, 1)
    padding = window.pad_lo + window.pad_hi
    within(f"{name}: padded size", size + abs(window.pad_lo) + abs(window.pad_hi))
    outputs = within(f"{name}: outputs", window.output_size(size))
    if outputs >= 1:
        return outputs
    if isinstance(window, TransposedWindow):
        seen = f"{size} inputs reach {outputs + padding} outputs and the padding cuts {padding} of them off"
        raise ArgumentError(f"{name}: no output: {seen}; give less padding or a larger input{_nearest(window, size)}")
    span = f"the window spans {window.extent} (kernel {window.kernel}, dilation {window.dilation})"
    room = f"the padded input has {size + padding} ({size} and padding {window.pad_lo} before, {window.pad_hi} after)"
    remedy = "take a smaller kernel or dilation, more padding, or a larger input"
    raise ArgumentError(f"{name}: no output: {span} but {room}; {remedy}{_nearest(window, size)}")


#: How a remedy is said, in this order.
SAID = {
    "kernel": "kernel {}",
    "dilation": "dilation {}",
    "padding": "padding {} at both ends",
    "input": "an input of {}",
}


def _nearest(window: Window | TransposedWindow, size: int) -> str:
    """The settings next to these that give an output, each with all others as they are."""
    values = {remedy.argument: remedy.value for remedy in nearest(window, size)}
    return f"; the nearest that work: {', '.join(text.format(values[name]) for name, text in SAID.items() if name in values)}"
