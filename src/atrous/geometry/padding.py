"""Padding of a layer: given in numbers, or by a rule that depends on the size of the signal.

A padding turns the parameters of a layer and the sizes of its signal into one window for each axis; all places where a rule
such as "same" becomes numbers are here.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import SupportsIndex

from atrous.errors import ArgumentError
from atrous.geometry.sizes import as_integer, at_least, ceil_div
from atrous.geometry.transposed import TransposedWindow
from atrous.geometry.window import Window

#: What a caller gives as padding of one axis: an integer for both ends, or (low, high).
AxisPadding = SupportsIndex | Iterable[SupportsIndex]


class Padding(ABC):
    """How many elements are padded before and after a signal on each axis."""

    @abstractmethod
    def pads(self, axis: int, window: Window, size: int) -> tuple[int, int]:
        """(low, high) padding on an axis of ``size`` inputs, for this window without padding."""

    @abstractmethod
    def transposed_pads(self, axis: int, window: TransposedWindow, size: int) -> tuple[int, int]:
        """(low, high) padding on an axis of ``size`` inputs, for this transposed window without padding."""

    def windows(
        self,
        kernel: Sequence[int],
        strides: Sequence[int],
        dilations: Sequence[int],
        sizes: Sequence[int],
        ceil: bool = False,
    ) -> tuple[Window, ...]:
        """One ``Window`` for each axis of a signal of these sizes.

        >>> Same().windows((3,), (2,), (1,), (8,))
        (Window(kernel=3, stride=2, dilation=1, pad_lo=0, pad_hi=1, ceil=False),)
        """
        bare = [Window(k, s, d, ceil=ceil) for k, s, d in zip(kernel, strides, dilations, strict=True)]
        padded = [(window, self.pads(i, window, n)) for i, (window, n) in enumerate(zip(bare, sizes, strict=True))]
        return tuple(replace(window, pad_lo=lo, pad_hi=hi) for window, (lo, hi) in padded)

    def transposed(
        self,
        kernel: Sequence[int],
        strides: Sequence[int],
        dilations: Sequence[int],
        sizes: Sequence[int],
        output_padding: Sequence[int],
    ) -> tuple[TransposedWindow, ...]:
        """One ``TransposedWindow`` for each axis of a signal of these sizes.

        >>> Same().transposed((4,), (2,), (1,), (8,), (0,))[0].output_size(8)
        16
        """
        each = zip(kernel, strides, dilations, output_padding, strict=True)
        bare = [TransposedWindow(k, s, d, output_padding=extra) for k, s, d, extra in each]
        padded = [(window, self.transposed_pads(i, window, n)) for i, (window, n) in enumerate(zip(bare, sizes, strict=True))]
        return tuple(replace(window, pad_lo=lo, pad_hi=hi) for window, (lo, hi) in padded)


@dataclass(frozen=True, slots=True)
class Explicit(Padding):
    """(low, high) for each axis, whatever the size; negative numbers crop.

    >>> Explicit(((1, 1), (0, 2))).windows((3, 3), (1, 1), (1, 1), (5, 5))[1].pad_hi
    2
    """

    pairs: tuple[tuple[int, int], ...]

    @classmethod
    def zeros(cls, axes: int) -> Explicit:
        """No padding on any axis ("valid")."""
        return cls(((0, 0),) * axes)

    def pads(self, axis: int, window: Window, size: int) -> tuple[int, int]:
        return self.pairs[axis]

    def transposed_pads(self, axis: int, window: TransposedWindow, size: int) -> tuple[int, int]:
        return self.pairs[axis]


def _share(total: int, upper: bool) -> tuple[int, int]:
    """Both ends get half, the odd one goes to the high end if ``upper``; a negative total is taken off the high end."""
    small = max(0, total) // 2
    lo = small if upper else max(0, total) - small
    return (lo, total - lo)


@dataclass(frozen=True, slots=True)
class Same(Padding):
    """ceil(size / stride) outputs, or size * stride for transposed windows: TensorFlow's SAME, ONNX's SAME_UPPER, SAME_LOWER.

    ``upper`` gives the odd element of an odd total to the high end, as TensorFlow and PyTorch do.

    >>> Same().pads(0, Window(4), 9), Same(upper=False).pads(0, Window(4), 9)
    ((1, 2), (2, 1))
    """

    upper: bool = True

    def pads(self, axis: int, window: Window, size: int) -> tuple[int, int]:
        span = (ceil_div(size, window.stride) - 1) * window.stride + window.extent
        return _share(max(0, span - size), self.upper)

    def transposed_pads(self, axis: int, window: TransposedWindow, size: int) -> tuple[int, int]:
        return _share(window.output_size(size) - size * window.stride, self.upper)


@dataclass(frozen=True, slots=True)
class ToSize(Padding):
    """The padding that gives exactly these output sizes: ONNX's ``output_shape`` of a transposed convolution.

    Outputs that no input reaches (a stride beyond the kernel) are added at the high end. ONNX gives the odd element of an
    odd total to the low end unless ``auto_pad`` is SAME_UPPER.

    >>> ToSize((10,)).transposed_pads(0, TransposedWindow(3, 2), 5)
    (1, 0)
    """

    outputs: tuple[int, ...]
    upper: bool = False

    def pads(self, axis: int, window: Window, size: int) -> tuple[int, int]:
        return _share((self.outputs[axis] - 1) * window.stride + window.extent - size, self.upper)

    def transposed_pads(self, axis: int, window: TransposedWindow, size: int) -> tuple[int, int]:
        return _share(window.output_size(size) - self.outputs[axis], self.upper)


def _pair(value: AxisPadding) -> tuple[int, int]:
    """(low, high) of one axis."""
    if isinstance(value, str | bytes):
        raise ArgumentError(f"padding: got {value!r} for one axis; it must be an integer or a (low, high) pair")
    ends = tuple(as_integer("padding", end) for end in (value if isinstance(value, Iterable) else (value, value)))
    if len(ends) != 2:
        raise ArgumentError(f"padding: got {value!r} for one axis; it must be an integer or a (low, high) pair")
    for end in ends:
        at_least("padding", end, 0)
    return (ends[0], ends[1])


def as_padding(value: Padding | str | SupportsIndex | Iterable[AxisPadding], axes: int) -> Padding:
    """A ``Padding`` from what a caller gave: an int, one per axis, (low, high) pairs, "valid" or "same".

    Raises ``ArgumentError`` for anything else, for negative numbers, and for the wrong number of axes.

    >>> as_padding(1, 2)
    Explicit(pairs=((1, 1), (1, 1)))
    >>> as_padding([(1, 2), 0], 2)
    Explicit(pairs=((1, 2), (0, 0)))
    >>> as_padding("same", 2)
    Same(upper=True)
    """
    if isinstance(value, Padding):
        return value
    if isinstance(value, str):
        if value == "same":
            return Same()
        if value == "valid":
            return Explicit.zeros(axes)
        raise ArgumentError(
            f'padding: got {value!r}; it must be an integer, one per axis, (low, high) pairs, "valid" or "same"'
        )
    if not isinstance(value, Iterable):
        return Explicit((_pair(value),) * axes)
    pairs = tuple(map(_pair, value))
    if len(pairs) != axes:
        hint = "; for one axis write ((low, high),)" if axes == 1 else ""
        rule = f"give one integer, or {axes} integers or (low, high) pairs{hint}"
        raise ArgumentError(f"padding: got {len(pairs)} entries for {axes} spatial axes; {rule}")
    return Explicit(pairs)
