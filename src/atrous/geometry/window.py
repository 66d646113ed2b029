"""One axis of a convolution or pooling: which inputs an output reads.

Output ``o`` reads the inputs ``o*stride - pad_lo + t*dilation`` for the taps ``t = 0 .. kernel-1``. Every size, halo and
coverage in atrous follows from this line. Coordinates are global: 0 is the first element of the whole signal, and a tile is
an interval of it. Inputs below 0 or beyond the signal are padding. Intervals are half open, ``(lo, hi)``.
"""

from __future__ import annotations

from dataclasses import dataclass

from atrous.errors import ArgumentError


def ceil_div(a: int, b: int) -> int:
    """The smallest integer not below ``a / b`` for positive ``b``.

    >>> ceil_div(7, 2), ceil_div(-7, 2)
    (4, -3)
    """
    return -(-a // b)


def at_least(name: str, value: int, least: int) -> None:
    """Refuse an axis parameter below its least legal value, or one that is not an integer."""
    if not isinstance(value, int) or isinstance(value, bool):
        raise ArgumentError(f"{name}: got {value!r}; it must be an integer")
    if value < least:
        raise ArgumentError(f"{name}: got {value}; it must be at least {least}")


@dataclass(frozen=True, slots=True)
class Window:
    """A sliding window on one axis: ``kernel`` taps, ``dilation`` apart, moved by ``stride``.

    ``pad_lo`` and ``pad_hi`` are the padded elements before and after the signal; negative ones crop it. With ``ceil`` a
    last window that starts inside the signal (or its low padding) but hangs over the end counts too, the rule of PyTorch
    and ONNX pooling.

    >>> Window(3, stride=2, pad_lo=1, pad_hi=1).output_size(7)
    4
    >>> Window(3, dilation=4).extent
    9
    """

    kernel: int
    stride: int = 1
    dilation: int = 1
    pad_lo: int = 0
    pad_hi: int = 0
    ceil: bool = False

    def __post_init__(self) -> None:
        for name in ("kernel", "stride", "dilation"):
            at_least(name, getattr(self, name), 1)

    @property
    def extent(self) -> int:
        """The support of the dilated kernel, ``1 + (kernel-1)*dilation``: a filter of this size with ``kernel`` non-zeros."""
        return 1 + (self.kernel - 1) * self.dilation

    def output_size(self, size: int) -> int:
        """How many outputs a signal of ``size`` inputs gives; 0 or less means that the window does not fit."""
        room = self.pad_lo + size + self.pad_hi - self.extent
        if not self.ceil:
            return room // self.stride + 1
        outputs = ceil_div(room, self.stride) + 1
        # A window that would start in the padding after the end reads no signal at all: it is dropped.
        return outputs - 1 if (outputs - 1) * self.stride >= size + self.pad_lo else outputs

    def needs(self, lo: int, hi: int) -> tuple[int, int]:
        """The input interval that the outputs ``[lo, hi)`` span, not clipped to the signal.

        >>> Window(3, stride=2, pad_lo=1).needs(0, 4)
        (-1, 8)
        """
        if hi <= lo:
            return (0, 0)
        start = lo * self.stride - self.pad_lo
        return (start, (hi - 1) * self.stride - self.pad_lo + self.extent)
