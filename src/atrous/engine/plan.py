"""Plans: an algorithm, its register tile and its blocks, as a short text that replays.

    direct p14v2 i1     lanes on output channels, 14 pixels by 2 vectors, one block of channels innermost
    planes p56v1r4 i1   lanes on the row, 56 pixels of one channel on 4 rows at once
    winograd4 p14v2r2 i1  tiles of 4 x 4 outputs by transforms, products of 14 tiles by 2 vectors, blocks of 28 tiles

The table of algorithms is here too, in the order in which equals are preferred.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from types import ModuleType
from typing import Protocol, cast

from atrous.engine.codelets import (
    direct,
    direct_from_rows,
    direct_in_rows,
    direct_to_rows,
    grouped,
    nest,
    planes,
    rows,
    winograd2,
    winograd3,
    winograd4,
    winograd6,
)
from atrous.engine.codelets.convolution import Convolution, Cost, Packed, Register
from atrous.engine.emit import Emitter
from atrous.engine.view import Layout
from atrous.errors import ArgumentError
from atrous.geometry import Window
from atrous.geometry.sizes import ITEMSIZE
from atrous.graph.fact import Array
from atrous.problem import Problem
from atrous.target import Target


class Codelet(Protocol):
    """The shape of every algorithm file for convolutions."""

    READS: Layout
    WRITES: Layout
    #: How many outputs of an axis are computed together, on a grid: 1 where every output is a sum of its own.
    GRID: int
    applies: Callable[[Convolution, Target], bool]
    worthwhile: Callable[[Convolution, Target], bool]
    candidates: Callable[[Convolution, Target], tuple[Register, ...]]
    cost: Callable[[Convolution, Register, int, Target], Cost]
    names: Callable[[Convolution], list[str]]
    pack: Callable[[Convolution, Register, Array, Array | None, Target], Packed]
    blocks: Callable[[Convolution, Register, Target], int]
    emit: Callable[[Emitter, Convolution, Register], None]
    __name__: str


#: The last takes anything.
TABLE: tuple[Codelet, ...] = tuple(
    cast(Codelet, module) for module in (grouped, direct, direct_from_rows, direct_to_rows, direct_in_rows, planes, rows, nest)
)

#: Those that compute tiles of outputs together, with fewer multiplications and other sums.
FILTERS: tuple[Codelet, ...] = tuple(cast(Codelet, module) for module in (winograd2, winograd3, winograd4, winograd6))


def name(codelet: Codelet | ModuleType) -> str:
    """The algorithm's name, that of its file."""
    return codelet.__name__.rpartition(".")[2]


@dataclass(frozen=True, slots=True)
class Signal:
    """The whole signal of a layer: batch, sizes of the input's and the output's axes, and the layouts around the layer.

    ``source`` is how the input lies, ``wanted`` how the output is to lie; ``None`` where either will do. ``pads`` are the
    padded elements before and after each axis (none given: no padding). ``strict`` asks for a kernel that writes the wanted
    layout itself.
    """

    batch: int
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    source: Layout | None = None
    wanted: Layout | None = None
    pads: tuple[tuple[int, int], ...] = ()
    strict: bool = False

    @property
    def row(self) -> int:
        """The length of an output row."""
        return max(1, self.outputs[-1])

    def windows(self, c: Convolution) -> tuple[Window, ...]:
        """The window of each axis, padded so that it gives exactly these outputs."""
        found = []
        pads = self.pads or ((0, 0),) * len(self.inputs)
        for k, s, d, (lo, hi), n, m in zip(c.kernel, c.strides, c.dilations, pads, self.inputs, self.outputs, strict=True):
            window = Window(k, s, d, min(lo, n + k * d), hi)
            exact = window.output_size(n) == m
            found.append(window if exact else replace(window, pad_hi=window.needs(0, m)[1] - n))
        return tuple(found)

    def joined(self, c: Convolution) -> tuple[Convolution, Signal]:
        """The same over fewer, longer axes: the last two are one where an output reads nothing but the input in its place."""
        signal = self
        while len(signal.inputs) > 1 and signal.inputs[-2:] == signal.outputs[-2:]:
            plain = c.kernel[-2:] == c.strides[-2:] == (1, 1) and c.spacing == 1
            if not plain or any(pad != (0, 0) for pad in signal.pads[-2:]):
                break
            inputs, outputs = ((*sizes[:-2], sizes[-2] * sizes[-1]) for sizes in (signal.inputs, signal.outputs))
            signal = replace(signal, inputs=inputs, outputs=outputs, pads=signal.pads[:-1])
            c = replace(c, kernel=c.kernel[:-1], strides=c.strides[:-1], dilations=c.dilations[:-1])
        return c, signal


@dataclass(frozen=True, slots=True)
class Request:
    """What a plan is asked for: a dense convolution, as kernels see it, over a whole signal in its layouts."""

    c: Convolution
    signal: Signal

    def __str__(self) -> str:
        """As wisdom and people name it: the problem, the layouts around it, and ``/2`` for every second output of a row."""
        spacing = "" if self.c.spacing == 1 else f"/{self.c.spacing}"
        return f"{self.problem}{spacing} {_layout(self.signal.source)}>{_layout(self.signal.wanted)}"

    @property
    def problem(self) -> Problem:
        """The convolution as a problem of its own."""
        c, signal = self.c, self.signal
        pads = tuple((window.pad_lo, window.pad_hi) for window in signal.windows(c))
        return Problem(
            *(signal.batch, c.channels * c.groups, signal.inputs, c.outputs * c.groups, c.kernel, c.strides, c.dilations),
            *(pads, c.groups),
            dtype=c.dtype,
        )

    @property
    def named(self) -> bool:
        """Whether problems can say it: signals of floating-point numbers that have elements."""
        signal = self.signal
        return self.c.dtype in ITEMSIZE and min(signal.batch, *signal.inputs, *signal.outputs) > 0


def _layout(layout: Layout | None) -> str:
    return "any" if layout is None else layout.name.lower()


_TILE = r"p(?P<pixels>[1-9]\d{0,5})v(?P<vectors>[1-9]\d{0,5})(r(?P<rows>[1-9]\d{0,5}))?"
_FORM = re.compile(rf"(?P<name>[a-z0-9_]+) {_TILE}( i(?P<inner>[1-9]\d{{0,8}}))?")


@dataclass(frozen=True, slots=True)
class Plan:
    """How a convolution is computed: an algorithm, its register tile, and how many blocks of channels are innermost.

    >>> print(Plan.parse("direct p14v2 i4"))
    direct p14v2 i4
    >>> Plan.parse("direct p14v2").register
    Register(pixels=14, vectors=2, rows=1)
    """

    codelet: Codelet
    register: Register
    inner: int = 1

    def __str__(self) -> str:
        return f"{name(self.codelet)} {self.register} i{self.inner}"

    def __repr__(self) -> str:
        return f"Plan({str(self)!r})"

    @classmethod
    def parse(cls, text: str, table: Sequence[Codelet] = (*TABLE, *FILTERS)) -> Plan:
        """The plan that a text spells; ``ArgumentError`` for one that does not or names no algorithm of the table."""
        found = _FORM.fullmatch(text.strip())
        if not found:
            raise ArgumentError(f"plan: got {text!r}; a plan reads like 'direct p14v2 i1': algorithm, register tile, blocks")
        by_name = {name(codelet): codelet for codelet in table}
        if found["name"] not in by_name:
            raise ArgumentError(f"plan: got {text!r}; there is no algorithm {found['name']!r}, but {', '.join(by_name)}")
        register = Register(int(found["pixels"]), int(found["vectors"]), int(found["rows"] or 1))
        return cls(by_name[found["name"]], register, int(found["inner"] or 1))
