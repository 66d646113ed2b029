"""Large runs band by band: the whole network for one band of the output's rows after another, in the same scratch memory.

Rows of a value that the next band reads again are kept, so nothing is computed twice, and what one layer writes is still in a
cache when the next one reads it. Bits do not change: every box of a value has the same numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise

from atrous.geometry import Box, ceil_div
from atrous.graph.demand import Demands

Boxes = Mapping[str, Box]

#: How much more work bands may be than the whole at once.
MOST_EXTRA = 1.02
#: Bands at the most.
MOST = 256
#: Multiply-adds in the time of keeping one element for the next band: it is copied twice.
KEEPING = 100.0
#: Multiply-adds in the time of reading one weight again, where all of them leave the cache.
READING = 20.0


@dataclass(frozen=True, slots=True)
class Band:
    """One band of a run: the boxes of the values that are at hand in it, and of each the part that it computes."""

    held: Boxes
    fresh: Boxes

    def kept(self, name: str, before: Band) -> Box | None:
        """What this band takes of a value from the one before, to put beside what it computes."""
        box, fresh = self.held[name], self.fresh[name]
        return None if fresh.empty or fresh == box else box.intersect(before.held[name])


def once(boxes: Boxes) -> Band:
    """A run that is all in one band."""
    return Band(boxes, boxes)


def bands(boxes: Boxes, arena: int, room: int, demands: Demands, work: Callable[[Boxes], float]) -> list[Band]:
    """The bands of a run that makes these boxes: those that keep its scratch memory within ``room`` bytes; none if it is.

    At once it takes ``arena`` bytes. ``work`` counts the multiply-adds that boxes take. Where bands would cost more than
    ``MOST_EXTRA``, they are fewer or none; and there are none for several outputs.
    """
    outputs = demands.network.outputs
    if arena <= room or len(outputs) != 1 or not boxes[outputs[0]].lo:
        return []
    most = MOST_EXTRA * work(boxes)
    weights = sum(array.size for array in demands.network.constants.values())
    for count in _counts(min(MOST, ceil_div(2 * arena, room))):
        found = follow(outputs[0], cut(boxes[outputs[0]], count), demands)
        again = weights * (len(found) - 1) if weights * 4 > room else 0
        if _work(found, work) + READING * again <= most:
            return found
    return []


def _counts(most: int) -> Iterable[int]:
    """Numbers of bands to try: ``most``, and halves of it."""
    while most > 1:
        yield most
        most //= 2


def follow(output: str, parts: Iterable[Box], demands: Demands) -> list[Band]:
    """The bands that compute these parts of the output one after another."""
    found: list[Band] = []
    made = {node.output for node in demands.network.nodes}
    held: dict[str, Box] = {}
    for part in parts:
        boxes = demands({output: part}, held)
        fresh = {name: box.beyond(held.get(name)) for name, box in boxes.items()}
        now = {name: held[name] if fresh[name].empty and not box.empty else box for name, box in boxes.items()}
        found.append(Band(now, fresh))
        held = {name: box for name, box in now.items() if name in made}
    return found


def _work(found: list[Band], work: Callable[[Boxes], float]) -> float:
    total = sum(work(band.fresh) for band in found)
    for before, band in pairwise(found):
        kept = (band.kept(name, before) for name in band.held if name in before.held)
        total += KEEPING * sum(box.size for box in kept if box is not None)
    return total


def cut(box: Box, count: int) -> list[Box]:
    """A box in about so many parts: its images, in groups or each by its first axis of space.

    >>> [part.hi for part in cut(Box((0, 0, 2), (1, 3, 7)), 2)]
    [(1, 3, 4), (1, 3, 7)]
    """
    images = _cut(box, 0, count)
    rows = ceil_div(count, len(images))
    return [part for image in images for part in (_cut(image, 2, rows) if len(box.lo) > 2 else [image])]


def _cut(box: Box, axis: int, count: int) -> list[Box]:
    size, parts = box.shape[axis], []
    count = max(1, min(count, size))
    for number in range(count):
        lo, hi = (box.lo[axis] + size * end // count for end in (number, number + 1))
        parts.append(Box((*box.lo[:axis], lo, *box.lo[axis + 1 :]), (*box.hi[:axis], hi, *box.hi[axis + 1 :])))
    return parts
