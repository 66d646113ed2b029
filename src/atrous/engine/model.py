"""The cost model: predicted cycles of a plan, by cause. docs/planner.md tells it with its measured figures.

    cycles = (max(arithmetic, loads, transfer from each cache level) + overhead) * balance / cores + layouts + launches

Nothing here is measured; the CPU's rates come from ``Target.rates``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import gcd, prod

from atrous.engine.codelets.convolution import Convolution, Cost
from atrous.engine.emit import BYTES
from atrous.engine.plan import Plan, Signal
from atrous.engine.sweep import segments
from atrous.engine.view import LINE, Layout
from atrous.geometry import ceil_div
from atrous.target import Target

#: Cycles to move one element from one layout to the other, its data in the second cache.
TURN_CYCLES = 0.6
#: Cycles that every launch takes from all cores: the barrier, and threads that arrive late.
LAUNCH_CYCLES = 1500.0
#: The part of a cache that a working set can count on.
ROOM = 0.75
#: How much longer a kernel takes that reads rows whose channels push each other out of the second cache.
CROWDED = 1.5
#: Places in the second cache that one address can take.
WAYS = 8


@dataclass(frozen=True, slots=True)
class Traffic:
    """Bytes that one layer moves towards the registers, by the level that they come from."""

    l2: float
    l3: float
    memory: float

    def cycles(self, target: Target) -> tuple[float, float, float]:
        """Cycles that each level takes for them, on one core."""
        rates = target.rates
        return self.l2 / rates.l2, self.l3 / rates.l3, self.memory / rates.memory


@dataclass(frozen=True, slots=True)
class Prediction:
    """Predicted cycles of one plan by cause; all but ``cycles`` are sums over the cores."""

    peak: float  # the multiply-adds that meet the signal, at the rate of the units
    arithmetic: float  # the same with the lanes and pixels that stay empty, and chains that wait
    loads: float  # from the first cache
    transfer: tuple[float, float, float]  # from the second, the third, and memory
    overhead: float  # starts and ends of tiles
    layouts: float  # changing the layout before and after
    launches: int
    balance: float  # the largest part of a core, relative to the mean
    cores: int
    traffic: Traffic

    @property
    def cycles(self) -> float:
        """From start to end, on all cores."""
        work = max(self.arithmetic, self.loads, *self.transfer) + self.overhead
        return (work * self.balance + self.layouts) / self.cores + LAUNCH_CYCLES * self.launches

    @property
    def share(self) -> float:
        """The predicted share of the peak of all cores."""
        return self.peak / (self.cycles * self.cores)

    @property
    def bound(self) -> str:
        """What takes longest."""
        causes = {
            "arithmetic": self.arithmetic,
            "loads from L1": self.loads,
            **dict(zip(("bytes from L2", "bytes from L3", "bytes from memory"), self.transfer, strict=True)),
        }
        return max(causes, key=lambda cause: causes[cause])


class Model:
    """What of a convolution and its signal all plans share, and the prediction for each."""

    def __init__(self, c: Convolution, signal: Signal, target: Target, cores: int | None = None) -> None:
        self.target, self.cores = target, target.cores if cores is None else cores
        self.c, self.signal = c, signal = signal.joined(c)
        self.item = BYTES[c.dtype]
        self.row, self.rows = signal.row, signal.batch * prod(signal.outputs[:-1])
        self.input_bytes = float(signal.batch * prod(signal.inputs) * c.channels * c.groups * self.item)
        self.output_bytes = float(self.rows * self.row * c.outputs * c.groups * self.item)
        self.depth = c.channels * prod(c.kernel)
        self.weight_bytes = float(c.groups * c.outputs * self.depth * self.item)
        # Taps on padding are skipped on all axes but the row's, where they are computed.
        outer = zip(signal.windows(c)[:-1], signal.inputs, signal.outputs, strict=False)
        self.real = prod(window.real_taps(n) / (window.kernel * m) if m else 1.0 for window, n, m in outer)
        self.macs = self.real * self.rows * self.row * c.outputs * c.groups * self.depth
        self.row_taps = max(1.0, self.real * prod(c.kernel[:-1]))

    def predict(self, plan: Plan) -> Prediction:
        """Cycles and bytes of a plan."""
        c, target, codelet = self.c, self.target, plan.codelet
        strip, height = plan.register.rows, (1, *self.signal.outputs)[-2]
        fill = ceil_div(height, strip) * strip / max(1, height)  # rows of the last strip that there are not
        cost = codelet.cost(c, plan.register, self.row, target)
        cost = Cost(cost.arithmetic * fill, cost.loads * fill, cost.overhead * fill)
        if codelet.READS is Layout.ROWS and self.crowded():
            cost = Cost(cost.arithmetic * CROWDED, cost.loads * CROWDED, cost.overhead)
        blocks = codelet.blocks(c, plan.register, target)
        traffic = self._traffic(plan, blocks)
        changes = self._changes(plan)
        rows = self.rows // max(1, height) * ceil_div(height, strip) * blocks
        units = rows * ceil_div(self.row, segments(rows, self.row, plan.register.pixels))
        return Prediction(
            self.macs / (target.lanes(c.dtype) * target.rates.fmas) if target.fma else self.macs / target.lanes(c.dtype),
            self.macs * cost.arithmetic,
            self.macs * cost.loads,
            traffic.cycles(target),
            self.macs * cost.overhead,
            TURN_CYCLES * sum(changes) / self.item,
            1 + len(changes),
            ceil_div(units, self.cores) * self.cores / max(1, units),
            self.cores,
            traffic,
        )

    def crowded(self) -> bool:
        """Whether the channels of an input in rows lie at distances that make them share too few sets of the second cache.

        Sizes that are powers of two put the same pixel of all channels into one set, of which only so many stay.
        """
        sets = max(1, self.target.caches.l2 // (WAYS * LINE))
        lines = prod(self.signal.inputs) * self.item // LINE
        return self.c.channels * prod(self.c.kernel[:-1]) > WAYS * sets // gcd(lines, sets)

    def _changes(self, plan: Plan) -> list[float]:
        """The bytes of each change of layout."""
        found = []
        if self.signal.source not in (None, plan.codelet.READS):
            found.append(self.input_bytes)
        if self.signal.wanted not in (None, plan.codelet.WRITES):
            found.append(self.output_bytes)
        return found

    def _traffic(self, plan: Plan, blocks: int) -> Traffic:
        """Bytes by level, from what fits between two uses of the same data.

        Units come in the order: outer blocks, rows, inner blocks. A unit sweeps one row with the weights of one block; a
        tile of it reads them once.
        """
        caches, inner = self.target.caches, plan.inner
        outer, strip = blocks // inner, plan.register.rows
        units = self.rows * blocks / strip
        weights = self.weight_bytes / blocks
        # The rows that one row of outputs reads, and of them the channels that one block reads.
        apart = min(self.c.groups, blocks)  # parts of the channels that no two groups of blocks share
        window = self.input_bytes / max(1, self.rows) * self.row_taps / apart
        if strip > 1:
            window *= (self.c.kernel[-2] + strip - 1) / self.c.kernel[-2]
        window = min(window, self.input_bytes)
        result = self.output_bytes / units if units else 0.0
        tiles = ceil_div(self.row, plan.register.pixels)
        near = weights + min(window, window * plan.register.pixels / self.row) + result / tiles
        reads = 1.0 if near <= ROOM * caches.l1 else float(tiles)  # of the weights by one unit
        stays = reads == 1.0 and inner == 1 and weights + window + result <= ROOM * caches.l1
        l2 = (outer * weights if stays else units * reads * weights) + units * window + self.output_bytes
        # Past the second cache: the inner blocks' weights from row to row, and rows from one output row to the next.
        swept = inner * weights + window * max(1.0, inner * apart / blocks) + inner * result
        sweeps = max(1, outer // apart)  # blocks of different groups read different channels
        many = sweeps if inner * weights + self.input_bytes > ROOM * caches.l2 else 1
        l3 = self._streams(swept, ROOM * caches.l2, window, many, units, weights)
        l3 = min(l3, l2)
        third = caches.l3 or caches.l2
        whole = self.input_bytes + self.weight_bytes + self.output_bytes
        memory = min(l3, self._streams(swept, ROOM * third, window, sweeps, units, weights)) if whole > third else 0.0
        return Traffic(l2, l3, memory)

    def _streams(self, swept: float, room: float, window: float, sweeps: int, units: float, weights: float) -> float:
        """Bytes that pass a cache of this room when ``swept`` is what one row of outputs touches."""
        reread = swept > room
        moved = units * weights if reread else self.weight_bytes
        rows = units * window if reread and window > room else sweeps * self.input_bytes
        return moved + rows + self.output_bytes


def inner_counts(c: Convolution, reads: Layout, blocks: int) -> Iterator[int]:
    """How many blocks of channels may be innermost: those of a group at least, where groups read different channels."""
    if c.groups > 1:
        yield blocks if reads is Layout.CHANNELS else blocks // c.groups
        return
    yield from (inner for inner in range(1, blocks + 1) if blocks % inner == 0)
