"""One convolution as a frozen value, with a one-line text form for tests, benchmarks, wisdom, command line and bug reports.

    text    := ("conv" | "convt") ":" ("f32" | "f64") (":" field)*
    field   := "n" int      batch                    1 unless given
             | "c" int      input channels           required
             | "i" ints     input size, one int for each spatial axis: this says how many there are; required
             | "k" int      output channels          required
             | "w" ints     kernel size              required
             | "s" ints     stride                   1
             | "d" ints     dilation                 1
             | "p" pads     padding                  0; below zero crops
             | "o" ints     output padding           0, "convt" only
             | "g" int      groups                   1
             | "b"          with bias
    ints    := int ("x" int)*          one for each axis, or one for all
    pads    := pad ("x" pad)*          likewise
    pad     := int | int "+" int       both ends, or low + high

Fields come in any order, each at most once; printing uses the order above, leaves defaults out and writes equal values once
(but sizes in full). A transposed 4x4 kernel of stride 2, padded by 1 and 2: ``convt:f32:c16:i8x8:k4:w4x4:s2:p1+2``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NoReturn, SupportsIndex

from atrous.errors import ArgumentError
from atrous.geometry import (
    Cost,
    Explicit,
    TransposedWindow,
    Window,
    as_padding,
    convolution_cost,
    count_bytes,
    output_sizes,
    per_axis,
)
from atrous.geometry.padding import AxisPadding, Padding
from atrous.geometry.sizes import ITEMSIZE, at_least

Pair = tuple[int, int]

#: Element types by the letters of the text form.
DTYPES = {"f32": "float32", "f64": "float64"}


@dataclass(frozen=True, slots=True)
class Problem:
    """One convolution: x (batch, channels, *space), w (filters, channels/groups, *kernel), or, transposed, w (channels, ...).

    ``pads`` holds (low, high) for each axis. All tuples have one entry for each spatial axis; ``Problem.of`` fills them in.
    Raises ``ArgumentError`` for anything that does not have at least one output.

    >>> problem = Problem.parse("conv:f32:c64:i56x56:k64:w3x3:p1")
    >>> problem.output_shape, problem.macs, problem.parameters
    ((1, 64, 56, 56), 115605504, 36864)
    >>> print(problem)
    conv:f32:c64:i56x56:k64:w3x3:p1
    """

    batch: int
    channels: int
    space: tuple[int, ...]
    filters: int
    kernel: tuple[int, ...]
    strides: tuple[int, ...]
    dilations: tuple[int, ...]
    pads: tuple[Pair, ...]
    groups: int = 1
    bias: bool = False
    transposed: bool = False
    output_padding: tuple[int, ...] = ()
    dtype: str = "float32"

    def __post_init__(self) -> None:
        for name in ("batch", "channels", "filters", "groups"):
            at_least(name, getattr(self, name), 1)
        if self.transposed and not self.output_padding:
            object.__setattr__(self, "output_padding", (0,) * self.axes)
        self._check_axes()
        if self.dtype not in ITEMSIZE:
            raise ArgumentError(f"dtype: got {self.dtype!r}; it must be float32 or float64")
        for name in ("channels", "filters"):
            if getattr(self, name) % self.groups:
                seen = f"{getattr(self, name)} {name} and groups={self.groups}"
                raise ArgumentError(f"{name}: got {seen}; groups must divide them")
        for name, shape in (("input", self.input_shape), ("weights", self.weight_shape), ("output", self.output_shape)):
            count_bytes(name, shape, self.itemsize)

    def _check_axes(self) -> None:
        if self.axes < 1:
            raise ArgumentError("space: got no spatial axis; a convolution has at least one")
        extra = ("output_padding",) if self.transposed else ()
        for name in ("kernel", "strides", "dilations", "pads", *extra):
            if len(getattr(self, name)) != self.axes:
                seen = f"{getattr(self, name)} for {self.axes} spatial axes"
                raise ArgumentError(f"{name}: got {seen}; it must have one entry for each")
        if self.output_padding and not self.transposed:
            raise ArgumentError(f"output_padding: got {self.output_padding}; only a transposed convolution has it")

    @classmethod
    def of(
        cls,
        input_shape: Sequence[int],
        weight_shape: Sequence[int],
        *,
        stride: SupportsIndex | Iterable[SupportsIndex] = 1,
        dilation: SupportsIndex | Iterable[SupportsIndex] = 1,
        padding: Padding | str | SupportsIndex | Iterable[AxisPadding] = 0,
        groups: int = 1,
        bias: bool = False,
        transposed: bool = False,
        output_padding: SupportsIndex | Iterable[SupportsIndex] = 0,
        dtype: str = "float32",
    ) -> Problem:
        """The problem of arrays of these shapes, with arguments as ``atrous.conv`` takes them.

        >>> print(Problem.of((1, 3, 9), (8, 3, 3), stride=2, padding="same"))
        conv:f32:c3:i9:k8:w3:s2:p1
        """
        _check_shapes(input_shape, weight_shape, groups, transposed)
        (batch, channels, *space), (first, second, *kernel) = input_shape, weight_shape
        axes = len(space)
        strides, dilations = per_axis("stride", stride, axes), per_axis("dilation", dilation, axes)
        extra = per_axis("output_padding", output_padding, axes, 0) if transposed else ()
        rule = as_padding(padding, axes)
        found: Sequence[Window | TransposedWindow]
        if transposed:
            found = rule.transposed(kernel, strides, dilations, space, extra)
        else:
            found = rule.windows(kernel, strides, dilations, space)
        pads = tuple((window.pad_lo, window.pad_hi) for window in found)
        filters = second * groups if transposed else first
        return cls(
            *(batch, channels, tuple(space), filters, tuple(kernel), strides, dilations, pads),
            *(groups, bias, transposed, extra, dtype),
        )

    @classmethod
    def parse(cls, text: str) -> Problem:
        """The problem that a text form describes; ``ArgumentError`` names the position and the rule that a bad text breaks."""
        return _Parser(text).problem()

    @property
    def axes(self) -> int:
        """How many spatial axes there are."""
        return len(self.space)

    @property
    def itemsize(self) -> int:
        """Bytes of one element."""
        return ITEMSIZE[self.dtype]

    @property
    def windows(self) -> tuple[Window, ...]:
        """The window of each spatial axis of an ordinary convolution."""
        if self.transposed:
            raise ArgumentError(f"problem: {self} is transposed; it has transposed_windows")
        return Explicit(self.pads).windows(self.kernel, self.strides, self.dilations, self.space)

    @property
    def transposed_windows(self) -> tuple[TransposedWindow, ...]:
        """The window of each spatial axis of a transposed convolution."""
        if not self.transposed:
            raise ArgumentError(f"problem: {self} is not transposed; it has windows")
        return Explicit(self.pads).transposed(self.kernel, self.strides, self.dilations, self.space, self.output_padding)

    @property
    def axis_windows(self) -> tuple[Window | TransposedWindow, ...]:
        """The window of each spatial axis, of either kind."""
        return self.transposed_windows if self.transposed else self.windows

    @property
    def output_space(self) -> tuple[int, ...]:
        """The spatial sizes of the output."""
        return output_sizes(self.axis_windows, self.space)

    @property
    def input_shape(self) -> tuple[int, ...]:
        """(N, C, *space)."""
        return (self.batch, self.channels, *self.space)

    @property
    def weight_shape(self) -> tuple[int, ...]:
        """(K, C/groups, *kernel); transposed (C, K/groups, *kernel)."""
        first, second = (self.channels, self.filters) if self.transposed else (self.filters, self.channels)
        return (first, second // self.groups, *self.kernel)

    @property
    def output_shape(self) -> tuple[int, ...]:
        """(N, K, *out)."""
        return (self.batch, self.filters, *self.output_space)

    @property
    def cost(self) -> Cost:
        """Parameters (with bias) and multiply-adds."""
        windows, sizes = self.axis_windows, self.space
        return convolution_cost(self.channels, self.filters, windows, sizes, self.groups, self.bias, self.batch)

    @property
    def parameters(self) -> int:
        """Weights, and biases if any."""
        return self.cost.parameters

    @property
    def macs(self) -> int:
        """Multiply-adds, every tap counted, those on padding too."""
        return self.cost.macs

    @property
    def macs_on_real_taps(self) -> int:
        """Multiply-adds of the taps on the signal (transposed: on outputs that exist), not on padding."""
        return self.cost.real_macs

    def __str__(self) -> str:
        letters = next(key for key, name in DTYPES.items() if name == self.dtype)
        pads = [str(lo) if lo == hi else f"{lo}+{hi}" for lo, hi in self.pads]
        fields = [
            ("n", str(self.batch), "1"),
            ("c", str(self.channels), ""),
            ("i", "x".join(map(str, self.space)), ""),
            ("k", str(self.filters), ""),
            ("w", "x".join(map(str, self.kernel)), ""),
            ("s", _short(map(str, self.strides)), "1"),
            ("d", _short(map(str, self.dilations)), "1"),
            ("p", _short(pads), "0"),
            ("o", _short(map(str, self.output_padding)) or "0", "0"),
            ("g", str(self.groups), "1"),
        ]
        shown = [key + value for key, value, default in fields if value != default]
        return ":".join(["convt" if self.transposed else "conv", letters, *shown, *(["b"] if self.bias else [])])


def _check_shapes(x: Sequence[int], w: Sequence[int], groups: int, transposed: bool) -> None:
    """Refuse weights whose axes or channels do not fit the input."""
    if len(x) < 3 or len(x) != len(w):
        seen = f"{tuple(w)} for x {tuple(x)}"
        raise ArgumentError(f"w: got {seen}; x is (N, C, *space) with a spatial axis at least, w has as many axes")
    at_least("groups", groups, 1)
    if x[1] != (w[0] if transposed else w[1] * groups):
        rule = "w is (C, K/groups, *kernel)" if transposed else "w is (K, C/groups, *kernel)"
        raise ArgumentError(f"w: got {tuple(w)} with groups={groups} for {x[1]} channels; {rule}")


def _short(values: Iterable[str]) -> str:
    """Equal values once, unlike ones joined by x."""
    listed = list(values)
    return listed[0] if listed and len(set(listed)) == 1 else "x".join(listed)


#: What may stand behind each letter, and how the rule is told.
_ONE = (re.compile(r"\d{1,20}"), "an integer such as 64")
_INTS = (re.compile(r"\d{1,20}(x\d{1,20})*"), "integers such as 3 or 3x5, one for each axis")
_PAD = r"-?\d{1,20}(\+-?\d{1,20})?"
_PADS = (re.compile(f"{_PAD}(x{_PAD})*"), "paddings such as 1, 1x0 or 1+2 (low + high), one for each axis")
_NONE = (re.compile(""), "nothing")
_FIELDS = {"n": _ONE, "c": _ONE, "i": _INTS, "k": _ONE, "w": _INTS, "s": _INTS, "d": _INTS, "p": _PADS, "o": _INTS, "g": _ONE}
_FIELDS["b"] = _NONE


class _Parser:
    """Reads one text; positions in errors count characters from 1."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.found: dict[str, tuple[int, str]] = {}
        at = 1
        for number, token in enumerate(text.split(":")):
            self._take(number, at, token)
            at += len(token) + 1

    def _fail(self, at: int, rule: str) -> NoReturn:
        raise ArgumentError(f"problem: {self.text!r}, position {at}: {rule}")

    def _take(self, number: int, at: int, token: str) -> None:
        if number == 0:
            if token not in ("conv", "convt"):
                self._fail(at, f'got {token!r}; a problem begins with "conv" or "convt"')
            self.found["kind"] = (at, token)
        elif number == 1:
            if token not in DTYPES:
                self._fail(at, f"got {token!r}; the second word is the element type, {' or '.join(DTYPES)}")
            self.found["dtype"] = (at, token)
        else:
            self._take_field(at, token[:1], token[1:])

    def _take_field(self, at: int, letter: str, value: str) -> None:
        if letter not in _FIELDS:
            self._fail(at, f"got {letter + value!r}; a field begins with one of {', '.join(_FIELDS)}")
        if letter in self.found:
            self._fail(at, f"field {letter!r} came before; each may come once")
        pattern, rule = _FIELDS[letter]
        if not pattern.fullmatch(value):
            self._fail(at + 1, f"got {value!r}; behind {letter!r} comes {rule}")
        self.found[letter] = (at, value)

    def _one(self, letter: str, default: int | None = None) -> int:
        if letter in self.found:
            return int(self.found[letter][1])
        if default is None:
            self._fail(len(self.text) + 1, f"field {letter!r} is missing; c, i, k and w are required")
        return default

    def _spread(self, letter: str, axes: int, default: str | None = None) -> tuple[str, ...]:
        if letter not in self.found and default is None:
            self._one(letter)
        at, value = self.found.get(letter, (0, default or ""))
        parts = value.split("x")
        if len(parts) not in (1, axes):
            self._fail(at + 1, f"got {len(parts)} entries for {axes} spatial axes; give one for all or {axes}")
        return tuple(parts * (axes if len(parts) == 1 else 1))

    def problem(self) -> Problem:
        if "dtype" not in self.found:
            self._fail(len(self.text) + 1, f"the text ends here; the second word is the element type, {' or '.join(DTYPES)}")
        if "i" not in self.found:
            self._one("i")
        space = tuple(map(int, self.found["i"][1].split("x")))
        axes = len(space)
        transposed = self.found["kind"][1] == "convt"
        if "o" in self.found and not transposed:
            self._fail(self.found["o"][0], 'only "convt" has output padding')
        kernel, strides, dilations = (
            tuple(map(int, self._spread(letter, axes, default))) for letter, default in (("w", None), ("s", "1"), ("d", "1"))
        )
        pads = tuple((int(pad[0]), int(pad[-1])) for pad in (each.split("+") for each in self._spread("p", axes, "0")))
        extra = tuple(map(int, self._spread("o", axes, "0"))) if transposed else ()
        dtype = DTYPES[self.found["dtype"][1]]
        batch, channels, filters, groups = self._one("n", 1), self._one("c"), self._one("k"), self._one("g", 1)
        try:
            return Problem(
                *(batch, channels, space, filters, kernel, strides, dilations, pads),
                *(groups, "b" in self.found, transposed, extra, dtype),
            )
        except ArgumentError as error:
            raise ArgumentError(f"problem: {self.text!r}: {error}") from None
