"""One axis of a transposed convolution: the twin of ``Window`` with inputs and outputs exchanged.

Input ``i`` reaches the outputs ``i*stride - pad_lo + t*dilation``; seen from output ``o``, it reads input ``i`` through tap
``t`` when ``i*stride == o + pad_lo - t*dilation``. Outputs of one residue modulo the stride (a *phase*) read through the
same taps, so each phase is an ordinary dense window.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import gcd

from atrous.geometry.indices import IndexSet
from atrous.geometry.sizes import at_least, ceil_div, integer, within
from atrous.geometry.window import Window


@dataclass(frozen=True, slots=True)
class Phase:
    """The outputs ``first, first + step, ...`` of a transposed window, as a dense window over the input.

    Output number ``j`` of the phase (``o = first + j*step``) reads through ``window``; its tap ``t`` is the kernel's tap
    ``taps[t]``. Phases without taps (a stride beyond the kernel) have ``window = None`` and give the bias alone.
    """

    first: int
    step: int
    taps: tuple[int, ...]
    window: Window | None

    def reached(self, lo: int, hi: int) -> tuple[int, int]:
        """The outputs of the phase, by their number in it, that are among the outputs ``[lo, hi)`` of all phases.

        >>> Phase(1, 4, (1,), Window(1)).reached(2, 10)  # outputs 5 and 9
        (1, 3)
        """
        return ceil_div(lo - self.first, self.step), ceil_div(hi - self.first, self.step)


@dataclass(frozen=True, slots=True)
class TransposedWindow:
    """The adjoint of ``Window`` on one axis; ``output_padding`` extends the output at its high end.

    >>> TransposedWindow(4, stride=2, pad_lo=1, pad_hi=1).output_size(8)
    16
    """

    kernel: int
    stride: int = 1
    dilation: int = 1
    pad_lo: int = 0
    pad_hi: int = 0
    output_padding: int = 0

    def __post_init__(self) -> None:
        for name in ("kernel", "stride", "dilation"):
            at_least(name, getattr(self, name), 1)
        at_least("output_padding", self.output_padding, 0)
        for name in ("pad_lo", "pad_hi"):
            integer(name, getattr(self, name))
        within("extent", self.extent)

    @property
    def extent(self) -> int:
        """The support of the dilated kernel, ``1 + (kernel-1)*dilation``."""
        return 1 + (self.kernel - 1) * self.dilation

    def output_size(self, size: int) -> int:
        """How many outputs ``size`` inputs give; 0 or less means none."""
        return (size - 1) * self.stride + self.extent + self.output_padding - self.pad_lo - self.pad_hi

    @property
    def period(self) -> tuple[int, int]:
        """(outputs, inputs): so many outputs further, the same taps read so many inputs further."""
        return (self.stride, 1)

    @property
    def centre(self) -> tuple[Fraction, Fraction]:
        """(slope, offset) of the centre of what can reach output ``o``: the centre line of the twin window, inverted."""
        return (Fraction(1, self.stride), Fraction(2 * self.pad_lo - self.extent + 1, 2 * self.stride))

    def needs(self, lo: int, hi: int) -> tuple[int, int]:
        """The input interval that can reach the outputs ``[lo, hi)``, not clipped to the signal.

        >>> TransposedWindow(2, stride=2).needs(3, 6)
        (1, 3)
        """
        if hi <= lo:
            return (0, 0)
        first = ceil_div(lo + self.pad_lo - (self.extent - 1), self.stride)
        last = (hi - 1 + self.pad_lo) // self.stride
        return (first, max(first, last + 1))

    def inputs(self, output: int) -> IndexSet:
        """The exact inputs that reach one output, those beyond the signal included; none where no tap fits the phase.

        >>> [list(TransposedWindow(3, stride=2).inputs(o)) for o in range(3)]
        [[-1, 0], [0], [0, 1]]
        """
        reached = [output + self.pad_lo - t * self.dilation for t in range(self.kernel)]
        return IndexSet.of(r // self.stride for r in reached if r % self.stride == 0)

    def landing(self, output: int, size: int) -> IndexSet:
        """The exact inputs of a signal of ``size`` that reach one output."""
        return self.inputs(output).clip(0, size)

    def reads(self, lo: int, hi: int) -> IndexSet:
        """The exact inputs that reach the outputs ``[lo, hi)``, those beyond the signal included.

        >>> TransposedWindow(2, stride=2).reads(1, 4).runs
        ((0, 2),)
        """
        parts = []
        for phase in self.phases(hi):
            first, behind = ceil_div(lo - phase.first, phase.step), ceil_div(hi - phase.first, phase.step)
            if phase.window is not None:
                parts.append(phase.window.reads(first, behind).runs)
        return IndexSet.union(*parts)

    def taps(self, size: int) -> int:
        """How many taps all ``size`` inputs have together."""
        return size * self.kernel

    def real_taps(self, size: int) -> int:
        """How many of them land on an output that exists; padding cuts the others off.

        >>> TransposedWindow(4, stride=2, pad_lo=1, pad_hi=1).real_taps(8)
        30
        """
        return sum(len(self.inputs_of_tap(t, size)) for t in range(self.kernel))

    def reaches(self, index: int) -> IndexSet:
        """The outputs that one input adds to, tap by tap, those that padding cuts off included.

        >>> TransposedWindow(3, stride=2, pad_lo=1).reaches(0).runs
        ((-1, 2),)
        """
        start = index * self.stride - self.pad_lo
        return IndexSet.of(range(start, start + self.extent, self.dilation))

    def stretched(self, size: int) -> tuple[int, Window]:
        """The ordinary convolution that gives the same: how long ``size`` inputs are with ``stride - 1`` zeros between them,
        and the window of the flipped kernel over them (Dumoulin and Visin, arXiv 1603.07285, section 4).

        >>> TransposedWindow(3, stride=2, pad_lo=1, pad_hi=1).stretched(4)
        (7, Window(kernel=3, stride=1, dilation=1, pad_lo=1, pad_hi=1, ceil=False))
        """
        long = (size - 1) * self.stride + 1
        lo = self.extent - 1 - self.pad_lo
        hi = self.output_size(size) + self.extent - 1 - long - lo
        return long, Window(self.kernel, dilation=self.dilation, pad_lo=lo, pad_hi=hi)

    def inputs_of_tap(self, tap: int, size: int) -> range:
        """The inputs (of ``size``) that reach an output that exists through tap number ``tap``; padding cuts the others off.

        >>> TransposedWindow(4, stride=2, pad_lo=1, pad_hi=1).inputs_of_tap(0, 8)
        range(1, 8)
        """
        shift = tap * self.dilation - self.pad_lo
        first = max(0, ceil_div(-shift, self.stride))
        last = min(size, ceil_div(self.output_size(size) - shift, self.stride))
        return range(first, max(first, last))

    def phases(self, outputs: int | None = None) -> tuple[Phase, ...]:
        """The dense windows that the outputs of each residue modulo the stride read through, in order of their first output.

        Only those that the first ``outputs`` outputs have, if given: a stride may be far larger than its signal.

        Tap ``t`` serves output ``o`` when ``t*dilation`` and ``o + pad_lo`` agree modulo the stride: the taps of a phase
        are ``stride/g`` apart with ``g = gcd(stride, dilation)``, and step the input by ``dilation/g``.
        """
        count = self.stride if outputs is None else min(self.stride, max(0, outputs))
        return tuple(self._phase(first) for first in range(count))

    def _phase(self, first: int) -> Phase:
        taps = [t for t in range(self.kernel) if (first + self.pad_lo - t * self.dilation) % self.stride == 0]
        if not taps:
            return Phase(first, self.stride, (), None)
        # Growing taps read falling inputs; a Window reads upwards, so the taps are listed from the last to the first.
        taps.reverse()
        lowest = (first + self.pad_lo - taps[0] * self.dilation) // self.stride
        spread = self.dilation // gcd(self.stride, self.dilation)
        return Phase(first, self.stride, tuple(taps), Window(len(taps), 1, spread, pad_lo=-lowest))
