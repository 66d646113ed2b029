"""What a tile costs: the boxes that it needs, the work in them, and the memory that they take.

Tiles along an axis fall into few kinds: the interior ones need boxes of equal sizes, those at the borders smaller ones. So a
grid is summed up from one tile of each kind, with the same boxes that the run will use.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from math import ceil, prod

import numpy as np

from atrous.geometry import Box, ceil_div
from atrous.graph.fact import Array, Fact
from atrous.graph.locality import global_nodes
from atrous.graph.network import Node
from atrous.tiled.bound import Bound
from atrous.tiled.layout import Layout
from atrous.tiled.source import Sink, Source

#: Beyond this many tiles along one axis their kinds are found from a sample: the first, the last and some between.
_EXACT = 64


@dataclass(frozen=True, slots=True)
class Need:
    """Memory that one tile takes, in bytes, or the most that any tile of a grid takes of each kind."""

    arena: int = 0
    tile_in: int = 0
    tile_out: int = 0
    source: int = 0
    sink: int = 0

    @property
    def total(self) -> int:
        return self.arena + self.tile_in + self.tile_out + self.source + self.sink

    def most(self, other: Need) -> Need:
        """The larger of each."""
        return Need(
            max(self.arena, other.arena),
            max(self.tile_in, other.tile_in),
            max(self.tile_out, other.tile_out),
            max(self.source, other.source),
            max(self.sink, other.sink),
        )


@dataclass(frozen=True, eq=False)
class Job:
    """A bound network between a source and a sink."""

    bound: Bound
    source: Source
    reading: Layout
    sink: Sink
    writing: Layout

    @cached_property
    def input(self) -> str:
        return next(iter(self.bound.network.inputs))

    @property
    def output(self) -> str:
        return self.bound.network.outputs[0]

    @property
    def input_fact(self) -> Fact:
        return self.bound.facts[self.input]

    @property
    def output_fact(self) -> Fact:
        return self.bound.facts[self.output]

    def need(self, tile: Box, arena: Callable[[Mapping[str, Box]], int] | None = None) -> Need:
        """The memory that one tile takes beside what the process, the source and the sink hold anyway.

        ``arena`` may estimate what the engine's scratch will be; the engine itself plans it exactly, which takes longer.
        """
        boxes = self.bound.demand({self.output: tile})
        read = boxes.get(self.input, Box((0,) * self.input_fact.rank, (0,) * self.input_fact.rank))
        stored = self.reading.stored_shape(read.shape)
        at_hand, in_place = self.view(read) is not None, self.computes_in_place(tile)
        return Need(
            arena=(arena or self.bound.arena_bytes)(boxes),
            tile_in=0 if at_hand else read.size * np.dtype(self.input_fact.dtype).itemsize,
            tile_out=0 if in_place else tile.size * np.dtype(self.output_fact.dtype).itemsize,
            source=self.source.scratch(stored) if not read.empty else 0,
            sink=self.sink.scratch(self.writing.stored_shape(tile.shape)),
        )

    def live_bytes(self, boxes: Mapping[str, Box]) -> int:
        """The most that the values between input and output take at once, each from its node to its last reader."""
        most = now = 0
        for node in self.bound.network.nodes:
            now += self._bytes(boxes, node.output)
            most = max(most, now)
            now -= sum(self._bytes(boxes, name) for name in self._last_read[node.name])
        return most

    def _bytes(self, boxes: Mapping[str, Box], name: str) -> int:
        return boxes[name].size * self._itemsizes[name] if name in boxes and name in self._itemsizes else 0

    @cached_property
    def _itemsizes(self) -> dict[str, int]:
        """Bytes of an element of each value that lies in the arena."""
        made = (node.output for node in self.bound.network.nodes)
        return {name: np.dtype(self.bound.facts[name].dtype).itemsize for name in made if name != self.output}

    @cached_property
    def _last_read(self) -> dict[str, list[str]]:
        """For each node the values that nobody reads after it."""
        reader = {name: node.name for node in self.bound.network.nodes for name in (node.output, *node.inputs)}
        ends: dict[str, list[str]] = {node.name: [] for node in self.bound.network.nodes}
        for name, last in reader.items():
            ends[last].append(name)
        return ends

    def view(self, read: Box) -> Array | None:
        """A box of the input as it lies in memory, if it lies there as the engine wants it: in C order, without gaps."""
        stored = self.source.view(self.reading.stored_box(read))
        if stored is None:
            return None
        seen = self.reading.network_view(stored)
        return seen if seen.flags.c_contiguous else None

    def computes_in_place(self, tile: Box) -> bool:
        """Whether a tile of the output is computed right where the sink keeps it."""
        return self.writing.in_order and self.sink.in_place(self.writing.stored_shape(tile.shape))

    @cached_property
    def _rates(self) -> dict[str, float]:
        """Work for one element of each node's output: its multiply-adds, and itself."""
        rates = {}
        for node in self.bound.network.nodes:
            fact = self.bound.facts[node.output]
            macs = node.layer.macs(fact, *(self.bound.facts[name] for name in node.inputs))
            rates[node.output] = macs / max(1, fact.count) + 1.0
        return rates

    def work(self, tile: Box) -> float:
        """Multiply-adds and elements that one tile computes, halos included."""
        boxes = self.bound.demand({self.output: tile})
        return sum(rate * boxes[name].size for name, rate in self._rates.items() if name in boxes)

    def halo(self, tile: Sequence[int]) -> tuple[tuple[int, int], ...]:
        """How far tiles read beyond their own part of the input, before and after on each axis of the input.

        Its own part of an axis is the tile, scaled by the ratio of the sizes of input and output (rounded outwards). The tiles
        in the middle are asked: those at the borders of the signal read less.
        """
        sizes = self.output_fact.sizes
        sides = [self._reach(middle(sizes, tile)), self._reach(middle(sizes, tile, before=True))]
        return tuple((max(lo for lo, _ in axis), max(hi for _, hi in axis)) for axis in zip(*sides, strict=True))

    def _reach(self, tile: Box) -> tuple[tuple[int, int], ...]:
        read = self.bound.demand({self.output: tile}).get(self.input)
        if read is None or self.input_fact.rank != self.output_fact.rank:
            return ((0, 0),) * self.input_fact.rank
        return tuple(
            (max(0, ceil(lo * Fraction(n, m) - a)), max(0, ceil(b - hi * Fraction(n, m))))
            for (a, b), (lo, hi), n, m in zip(read, tile, self.input_fact.sizes, self.output_fact.sizes, strict=True)
        )

    @cached_property
    def whole_nodes(self) -> tuple[Node, ...]:
        """The nodes that read the whole signal, so that smaller tiles would not need less."""
        needed = self.bound.demand({self.output: Box.full(self.output_fact.sizes)})
        far = global_nodes(self.bound.network, self.bound.facts)
        return tuple(node for node in self.bound.network.nodes if node.name in far and node.output in needed)

    def kinds(self, tile: Sequence[int]) -> list[Kind]:
        """The kinds of tiles in a grid."""
        found = []
        for parts in itertools.product(*(self._axis_kinds(axis, step) for axis, step in enumerate(tile))):
            box = Box(tuple(part.span[0] for part in parts), tuple(part.span[1] for part in parts))
            found.append(Kind(box, prod(part.count for part in parts), all(part.largest for part in parts)))
        return found

    def _axis_kinds(self, axis: int, step: int) -> list[_AxisKind]:
        """The intervals of an axis by the sizes of all boxes they need, the other axes being whole."""
        sizes = self.output_fact.sizes
        full = Box.full(sizes)
        weights = _weights(ceil_div(sizes[axis], step))
        if len(weights) == 1:
            return [_AxisKind((0, sizes[axis]), 1.0, True)]
        spans: dict[_Profile, tuple[int, int]] = {}
        counts: dict[_Profile, float] = {}
        for number, weight in weights.items():
            span = (number * step, min((number + 1) * step, sizes[axis]))
            boxes = self.bound.demand({self.output: _replaced(full, axis, span)})
            profile = tuple(boxes[name].size if name in boxes else 0 for name in self._varying)
            spans.setdefault(profile, span)
            counts[profile] = counts.get(profile, 0.0) + weight
        return [_AxisKind(span, counts[profile], not _below_another(profile, spans)) for profile, span in spans.items()]

    @cached_property
    def _varying(self) -> tuple[str, ...]:
        return (self.input, *(node.output for node in self.bound.network.nodes))


#: The sizes of all boxes that an interval needs.
_Profile = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Kind:
    """Tiles that need boxes of the same sizes: one of them, how many there are, and whether no other kind needs more."""

    box: Box
    count: float
    largest: bool


@dataclass(frozen=True, slots=True)
class _AxisKind:
    """The same for the intervals of one axis."""

    span: tuple[int, int]
    count: float
    largest: bool


def _below_another(profile: _Profile, others: Iterable[_Profile]) -> bool:
    return any(other != profile and all(a <= b for a, b in zip(profile, other, strict=True)) for other in others)


def _weights(count: int) -> dict[int, float]:
    """The tiles along an axis to look at, and for how many tiles each of them stands."""
    if count <= _EXACT:
        return dict.fromkeys(range(count), 1.0)
    edge = _EXACT // 4
    inner = sorted({edge + (count - 2 * edge) * i // (2 * edge) for i in range(2 * edge)})
    weights = dict.fromkeys(range(edge), 1.0) | dict.fromkeys(inner, (count - 2 * edge) / len(inner))
    return weights | dict.fromkeys(range(count - edge, count), 1.0)


def _replaced(box: Box, axis: int, span: tuple[int, int]) -> Box:
    lo, hi = list(box.lo), list(box.hi)
    lo[axis], hi[axis] = span
    return Box(tuple(lo), tuple(hi))


def middle(sizes: Sequence[int], tile: Sequence[int], before: bool = False) -> Box:
    """A complete tile in the middle of the grid: the one with halos on all sides, if there is one.

    Of an even number of tiles it is the one after the middle, or with ``before`` the one before it.
    """
    lo = []
    for size, step in zip(sizes, tile, strict=True):
        count = ceil_div(size, step)
        number = (count - 1) // 2 if before else count // 2
        lo.append(max(0, min(number * step, size - step)))
    return Box(tuple(lo), tuple(min(a + t, n) for a, t, n in zip(lo, tile, sizes, strict=True)))
