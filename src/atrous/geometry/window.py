"""One axis of a convolution or pooling: which inputs an output reads.

Output ``o`` reads the inputs ``o*stride - pad_lo + t*dilation`` for the taps ``t = 0 .. kernel-1``. Every size, halo and
coverage in atrous follows from this line. Coordinates are global: 0 is the first element of the whole signal, and a tile is
an interval of it. Inputs below 0 or beyond the signal are padding. Intervals are half open, ``(lo, hi)``.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from atrous.geometry.indices import IndexSet
from atrous.geometry.sizes import at_least, ceil_div, integer, within


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
        for name in ("pad_lo", "pad_hi"):
            integer(name, getattr(self, name))
        within("extent", self.extent)

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

    @property
    def period(self) -> tuple[int, int]:
        """(outputs, inputs): so many outputs further, the same taps read so many inputs further."""
        return (1, self.stride)

    @property
    def centre(self) -> tuple[Fraction, Fraction]:
        """(slope, offset) of the centre of what output ``o`` reads, ``slope*o + offset``.

        >>> Window(4, stride=2, pad_lo=1).centre
        (Fraction(2, 1), Fraction(1, 2))
        """
        return (Fraction(self.stride), Fraction(self.extent - 1, 2) - self.pad_lo)

    def needs(self, lo: int, hi: int) -> tuple[int, int]:
        """The input interval that the outputs ``[lo, hi)`` span, not clipped to the signal.

        >>> Window(3, stride=2, pad_lo=1).needs(0, 4)
        (-1, 8)
        """
        if hi <= lo:
            return (0, 0)
        start = lo * self.stride - self.pad_lo
        return (start, (hi - 1) * self.stride - self.pad_lo + self.extent)

    def outputs_of_tap(self, tap: int, size: int) -> range:
        """The outputs whose tap number ``tap`` lands inside a signal of ``size`` inputs; the others read padding there.

        >>> Window(3, pad_lo=1, pad_hi=1).outputs_of_tap(0, 5)
        range(1, 5)
        """
        shift = tap * self.dilation - self.pad_lo
        first = max(0, ceil_div(-shift, self.stride))
        last = min(self.output_size(size), ceil_div(size - shift, self.stride))
        return range(first, max(first, last))

    def inside(self, size: int) -> tuple[int, int]:
        """The outputs ``[lo, hi)`` that read no padding: all their taps land inside a signal of ``size`` inputs.

        >>> Window(3, pad_lo=1, pad_hi=1).inside(5)
        (1, 4)
        """
        lo = ceil_div(self.pad_lo, self.stride)
        return (lo, max(lo, (size - self.extent + self.pad_lo) // self.stride + 1))

    def taps_of_output(self, output: int, lo: int, hi: int) -> range:
        """The taps with which an output lands in ``[lo, hi)``: in the signal for ``(0, size)``.

        >>> Window(3, dilation=2, pad_lo=2).taps_of_output(0, 0, 9)
        range(1, 3)
        """
        start = output * self.stride - self.pad_lo
        first = min(self.kernel, max(0, ceil_div(lo - start, self.dilation)))
        last = min(self.kernel, ceil_div(hi - start, self.dilation))
        return range(first, max(first, last))

    def inputs(self, output: int) -> IndexSet:
        """The exact inputs of one output, those on padding included.

        >>> list(Window(3, stride=2, dilation=2, pad_lo=1).inputs(1))
        [1, 3, 5]
        """
        start = output * self.stride - self.pad_lo
        return IndexSet.of(range(start, start + self.extent, self.dilation))

    def landing(self, output: int, size: int) -> IndexSet:
        """The exact inputs of one output inside a signal of ``size``."""
        return self.inputs(output).clip(0, size)

    def reads(self, lo: int, hi: int) -> IndexSet:
        """The exact inputs that the outputs ``[lo, hi)`` read, those on padding included; ``needs`` is its span.

        A window with gaps that moves further than its taps cover leaves holes; each is kept, so memory grows with their number.

        >>> Window(1, stride=2).reads(0, 3).runs
        ((0, 1), (2, 3), (4, 5))
        """
        if hi <= lo:
            return IndexSet()
        if self.dilation == 1 and self.kernel >= self.stride:
            return IndexSet((self.needs(lo, hi),))
        starts = [t * self.dilation - self.pad_lo for t in range(self.kernel)]
        if self.stride == 1:
            return IndexSet.union((a + lo, a + hi) for a in starts)
        return IndexSet.of(a + o * self.stride for a in starts for o in range(lo, hi))

    def taps(self, size: int) -> int:
        """How many taps all outputs over ``size`` inputs have together."""
        return max(0, self.output_size(size)) * self.kernel

    def real_taps(self, size: int) -> int:
        """How many of them land inside the signal, not on padding.

        >>> Window(3, pad_lo=1, pad_hi=1).real_taps(7), Window(3, pad_lo=1, pad_hi=1).taps(7)
        (19, 21)
        """
        outputs = self.output_size(size)
        if outputs < self.kernel:  # whichever are fewer are counted one by one
            return sum(len(self.taps_of_output(output, 0, size)) for output in range(outputs))
        return sum(len(self.outputs_of_tap(t, size)) for t in range(self.kernel))
