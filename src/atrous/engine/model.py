"""The cost model: predicted cycles of a plan, by cause. docs/planner.md tells it with its measured figures.

    cycles = (max(arithmetic, loads, transfers) + a part of the transfers + overhead) * balance / cores + layouts + launches

Nothing here is measured; the CPU's rates come from ``Target.rates``.
"""

from __future__ import annotations

from functools import lru_cache
from math import prod
from typing import NamedTuple

from atrous.engine.codelets.convolution import Convolution, Cost, Register
from atrous.engine.emit import BYTES
from atrous.engine.plan import Codelet, Plan, Signal
from atrous.engine.sweep import FAR, segments, strip_count
from atrous.engine.view import Layout
from atrous.geometry import ceil_div
from atrous.target import Target

#: Cycles to move one element from one layout to the other, its data in the second cache.
TURN_CYCLES = 0.5
#: The part of the last cache, which others use too, that the data of a layer can count on.
LARGE = 0.5
#: Cycles that every launch takes from all cores: the barrier, threads that arrive late, data in another core's cache.
LAUNCH_CYCLES = 6000.0
#: The part of the transfers between caches that nothing hides.
UNHIDDEN = 0.15
#: Ways of a second cache, at the least.
L2_WAYS = 8
#: The part of a cache that a working set can count on.
ROOM = 0.75


class Traffic(NamedTuple):
    """Bytes that one layer moves towards the registers, by the level that they come from."""

    l2: float
    l3: float
    memory: float

    def cycles(self, target: Target) -> tuple[float, float, float]:
        """Cycles that each level takes for them, on one core."""
        rates = target.rates
        return self.l2 / rates.l2, self.l3 / rates.l3, self.memory / rates.memory


class Prediction(NamedTuple):
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
        work = max(self.arithmetic, self.loads, *self.transfer) + UNHIDDEN * sum(self.transfer) + self.overhead
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
        self._costs: dict[Codelet, dict[Register, Cost]] = {}
        self._parts: dict[int, float] = {}
        self.item = BYTES[c.dtype]
        self.row, self.rows = signal.row, signal.batch * prod(signal.outputs[:-1])
        self.input_bytes = float(signal.batch * prod(signal.inputs) * c.channels * c.groups * self.item)
        self.output_bytes = float(self.rows * self.row * c.outputs * c.groups * self.item)
        self.depth = c.channels * prod(c.kernel)
        self.weight_bytes = float(c.groups * c.outputs * self.depth * self.item)
        # Taps on padding are skipped on all axes but the row's, where they are computed.
        self.windows = signal.windows(c)
        outer = zip(self.windows[:-1], signal.inputs, signal.outputs, strict=False)
        self.real = prod(window.real_taps(n) / (window.kernel * m) if m else 1.0 for window, n, m in outer)
        self.macs = self.real * self.rows * self.row * c.outputs * c.groups * self.depth
        inside = self.windows[-1].inside(signal.inputs[-1]) if signal.inputs else (0, 0)
        self.inside = max(0, inside[0]), min(inside[1], self.row)
        self.row_taps = max(1.0, self.real * prod(c.kernel[:-1]))

    def cost(self, codelet: Codelet, register: Register) -> Cost:
        """The algorithm's own cost with a register tile; the orders of its blocks share it."""
        known = self._costs.setdefault(codelet, {})
        found = known.get(register)
        if found is None:
            found = codelet.cost(self.c, register, self.row, self.target)
            if codelet.GRID > 1:
                return found
            if register.rows > 1:  # the last strip lacks some
                fill = self._strips(register) * register.rows / max(1, self.rows)
                found = Cost(*(part * fill for part in found))
            met = self._met(register.pixels)
            if met != 1.0:
                found = found._replace(arithmetic=found.arithmetic * met, loads=found.loads * met)
            known[register] = found
        return found

    def _met(self, pixels: int) -> float:
        """The part of the row's taps that some pixel of its tile meets: the others are skipped, where they lie far apart."""
        taps = self.c.kernel[-1]
        if self.c.dilations[-1] < FAR or taps == 1 or not self.row:
            return 1.0
        found = self._parts.get(pixels)
        if found is None:
            window, size = self.windows[-1], self.signal.inputs[-1]
            ends = [window.outputs_of_tap(tap, size) for tap in range(taps)]
            tiles = sum(ceil_div(end.stop, pixels) - end.start // pixels for end in ends if end)
            found = self._parts[pixels] = tiles / (ceil_div(self.row, pixels) * taps)
        return found

    def least(self, codelet: Codelet, register: Register) -> float:
        """Cycles that every plan with this register tile takes at least, whatever the order of its blocks: those in which no
        byte is waited for and all cores have the same work."""
        changes = self.changes(codelet)
        work = self.macs * self.cost(codelet, register).cycles + self.turning(sum(changes))
        return work / self.cores + LAUNCH_CYCLES * (1 + len(changes))

    def _strips(self, register: Register) -> int:
        """How many units high the output is: rows, or strips of as many as the register tile has."""
        height = max(1, (1, *self.signal.outputs)[-2])
        return self.rows // height * strip_count(height, register.rows, (1, *self.c.dilations)[-2])

    def predict(self, plan: Plan) -> Prediction:
        """Cycles and bytes of a plan."""
        c, target, codelet = self.c, self.target, plan.codelet
        cost = self.cost(codelet, plan.register)
        blocks = codelet.blocks(c, plan.register, target)
        strips = self._strips(plan.register)
        parts = self._segments(plan, strips * blocks)
        units = strips * blocks * parts
        traffic = self._traffic(plan, blocks, parts, units)
        changes = self.changes(codelet)
        return Prediction(
            self.macs / (target.lanes(c.dtype) * target.rates.fmas) if target.fma else self.macs / target.lanes(c.dtype),
            self.macs * cost.arithmetic,
            self.macs * cost.loads,
            traffic.cycles(target),
            self.macs * (cost.overhead + self._edges(plan.register.pixels) * cost.edge),
            self.turning(sum(changes)),
            1 + len(changes),
            ceil_div(units, self.cores) * self.cores / max(1, units),
            self.cores,
            traffic,
        )

    def changes(self, codelet: Codelet) -> list[float]:
        """The bytes of each change of layout."""
        found = []
        if self.signal.source not in (None, codelet.READS):
            found.append(self.input_bytes)
        if self.signal.wanted not in (None, codelet.WRITES):
            found.append(self.output_bytes)
        return found

    def turning(self, changed: float) -> float:
        """Cycles of changes of layout: of each element, and of its bytes where the signals and their copies leave the caches.

        What is written is fetched first, so each byte goes there and back three times in all. Layers that sum over channels
        compute for so long that this decides nothing.
        """
        caches, rates = self.target.caches, self.target.rates
        large = 2 * (self.input_bytes + self.output_bytes) > LARGE * (caches.l3 or caches.l2)
        away = 3 * changed / rates.memory if large and self.c.channels == 1 else 0.0
        return TURN_CYCLES * changed / self.item + away

    def _conflicts(self, plan: Plan) -> tuple[float, float]:
        """How often a row is read from the second and from the third cache, where its channels drive each other out.

        Channels of signals in rows lie a whole map apart: those of maps of 4 KB, or 128 KB, and multiples fall on the same
        places of the caches, and every tap of the row reads them again.
        """
        if plan.codelet.READS is not Layout.ROWS:
            return 1.0, 1.0
        channels, step = self.c.channels, prod(self.signal.inputs) * self.item
        size = self.target.caches.l2
        near, far = self.target.lines(step), self.target.lines(step, max(4096, size // L2_WAYS), size)
        taps = float(self.c.kernel[-1])
        return taps if channels > near else 1.0, taps if channels * self.row_taps > far else 1.0

    def _segments(self, plan: Plan, rows: int) -> int:
        """In how many parts each of so many rows is swept."""
        shared = self.input_bytes * self.row / max(1, self.signal.batch * prod(self.signal.inputs)) if plan.inner > 1 else 0.0
        shared = shared if plan.codelet.READS is Layout.CHANNELS else 0.0
        room = 2 * self.target.caches.l1
        return ceil_div(self.row, segments(rows, self.row, plan.register.pixels, int(shared), room))

    def _edges(self, pixels: int) -> float:
        """The part of a row's tiles that meets the border or the end."""
        lo, hi = self.inside
        whole = max(0, (hi - ceil_div(lo, pixels) * pixels) // pixels)
        return 1 - whole / ceil_div(self.row, pixels)

    def _traffic(self, plan: Plan, blocks: int, parts: int, units: int) -> Traffic:
        """Bytes by level, from what fits between two uses of the same data.

        Units come in the order: outer blocks, rows, inner blocks. A unit sweeps one row with the weights of one block; a
        tile of it reads them once.
        """
        caches, inner = self.target.caches, plan.inner
        outer, strip = blocks // inner, plan.register.rows
        weights = self.weight_bytes / blocks
        # The rows that one row of outputs reads, and of them the channels that one block reads.
        apart = min(self.c.groups, blocks)  # parts of the channels that no two groups of blocks share
        part = self.input_bytes / apart
        taps = self.row_taps if strip == 1 else self.row_taps * (1 + (strip - 1) / self.c.kernel[-2])
        window = min(part, part / max(1, self.rows * parts) * taps)
        near_row, far_row = self._conflicts(plan)
        result = self.output_bytes / units if units else 0.0
        tiles = ceil_div(ceil_div(self.row, parts), plan.register.pixels)
        near = weights + window / tiles + result / tiles
        reads = 1.0 if near <= ROOM * caches.l1 else float(tiles)  # of the weights by one unit
        stays = reads == 1.0 and inner == 1 and weights + window + result <= ROOM * caches.l1
        l2 = (outer * weights if stays else units * reads * weights) + units * window * near_row + self.output_bytes
        # Past the second cache: the inner blocks' weights from row to row, and rows from one output row to the next.
        swept = inner * weights + window * max(1.0, inner * apart / blocks) + inner * result
        sweeps = max(1, outer // apart)  # blocks of different groups read different channels
        many = sweeps if inner * weights + self.input_bytes > ROOM * caches.l2 else 1
        l3 = self._streams(swept, ROOM * caches.l2, window, many, units, weights)
        l3 = min(max(l3, units * window * far_row if far_row > 1 else 0.0), l2)
        third = caches.l3 or caches.l2
        leaves = self.input_bytes + self.weight_bytes + self.output_bytes > third or inner * weights > LARGE * third
        memory = min(l3, self._streams(swept, LARGE * third, window, sweeps, units, weights)) if leaves else 0.0
        return Traffic(l2, l3, memory)

    def _streams(self, swept: float, room: float, window: float, sweeps: int, units: float, weights: float) -> float:
        """Bytes that pass a cache of this room when ``swept`` is what one row of outputs touches."""
        reread = swept > room
        moved = units * weights if reread else self.weight_bytes
        rows = units * window if reread and window > room else sweeps * self.input_bytes
        return moved + rows + self.output_bytes


def inner_counts(c: Convolution, reads: Layout, blocks: int) -> tuple[int, ...]:
    """How many blocks of channels are tried innermost: from one to all of them, in steps of three times and more.

    Where groups read different channels, those of one group, or where channels lie side by side, of all.
    """
    if c.groups > 1:
        return (blocks if reads is Layout.CHANNELS else max(1, blocks // c.groups),)
    return _spread_divisors(blocks)


@lru_cache(maxsize=1024)
def _spread_divisors(number: int) -> tuple[int, ...]:
    """Divisors from 1 up to the number, each of the others at least three times the one before."""
    found = [1]
    for divisor in range(2, number + 1):
        if number % divisor == 0 and (divisor >= 3 * found[-1] or divisor == number):
            found.append(divisor)
    return tuple(found)
