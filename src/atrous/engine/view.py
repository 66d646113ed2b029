"""Where a value's elements lie: a box of it, in a buffer, by strides. Crops, slices and transposes move no element."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum
from math import prod

from atrous.engine.emit import BYTES
from atrous.geometry import Box
from atrous.graph.fact import Array

#: Bytes of a cache line.
LINE = 64
#: Bytes between neighbours at which a first cache has room for no more than some 16 of them.
CROWDED = 2048


class Home(Enum):
    """Who owns a buffer's memory."""

    ARENA = "arena"
    INPUT = "input"
    OUTPUT = "output"
    CONSTANT = "constant"


class Layout(Enum):
    """Which elements of a signal are neighbours in memory."""

    CHANNELS = "channels last"
    ROWS = "rows"


@dataclass(eq=False)
class Buffer:
    """Memory for elements; an arena buffer lives from the step that writes it to the last one that reads it."""

    home: Home
    bytes: int
    name: str = ""
    array: Array | None = None
    first: int = -1
    last: int = -1
    offset: int = 0


@dataclass(frozen=True, eq=False)
class View:
    """The elements of ``box`` (global coordinates): ``strides`` in elements, ``start`` the place of the box's first one."""

    buffer: Buffer
    dtype: str
    box: Box
    strides: tuple[int, ...]
    start: int = 0

    @property
    def item(self) -> int:
        return BYTES[self.dtype]

    @property
    def shape(self) -> tuple[int, ...]:
        return self.box.shape

    def crop(self, box: Box) -> View:
        """The part of the view that holds ``box``."""
        assert self.box.contains(box), f"{box} is not inside {self.box}"
        moved = sum((a - b) * step for a, b, step in zip(box.lo, self.box.lo, self.strides, strict=True))
        return replace(self, box=box, start=self.start + moved)

    def place(self, origin: Sequence[int] | None = None) -> Address:
        """The address of the element at global coordinates ``origin`` (default: the box's first); it may lie outside."""
        at = self.box.lo if origin is None else origin
        moved = sum((a - b) * step for a, b, step in zip(at, self.box.lo, self.strides, strict=True))
        return Address(self.buffer, (self.start + moved) * self.item)

    def channels_last(self) -> bool:
        """Whether the channels of a pixel are neighbours, and pixels of a row evenly spaced with all channels between."""
        return len(self.shape) >= 2 and (self.shape[1] == 1 or self.strides[1] == 1)

    def lies(self, layout: Layout) -> bool:
        """Whether the elements that are neighbours in this layout are so here."""
        if layout is Layout.CHANNELS:
            return self.channels_last()
        return self.shape[-1] == 1 or self.strides[-1] == 1


@dataclass(frozen=True, eq=False)
class Address:
    """A place in a buffer, in bytes, for a buffer whose own place is known only when the program runs."""

    buffer: Buffer
    bytes: int


def row_major(shape: Sequence[int]) -> tuple[int, ...]:
    """Strides of an array in C order."""
    return tuple(prod(shape[axis + 1 :]) for axis in range(len(shape)))


def pitch(channels: int, space: Sequence[int], dtype: str) -> int:
    """Elements between neighbouring pixels of a new array with the channels innermost.

    Pixels that lie a multiple of ``CROWDED`` bytes apart would fall on the same few places of the first cache, so such arrays
    get a cache line more for each pixel.
    """
    item = BYTES[dtype]
    return channels + LINE // item if prod(space) > 1 and channels * item % CROWDED == 0 else channels


def channels_last(shape: Sequence[int], dtype: str) -> tuple[int, ...]:
    """Strides of a new array ``(N, C, *space)`` with the channels innermost."""
    space = shape[2:]
    pixel = pitch(shape[1], space, dtype)
    inner = [prod(space[axis + 1 :]) * pixel for axis in range(len(space))]
    return (pixel * prod(space), 1, *inner)
