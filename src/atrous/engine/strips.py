"""Large runs strip by strip: the whole network for one band of the output's rows after another, in the same scratch memory.

What a strip needs of the values before it overlaps with what the next one needs, and is computed twice; so strips are as few
as bring the scratch memory below ``ROOMY``, and there are none where they would cost more than ``MOST_EXTRA``. Bits do not
change: every box of a value has the same numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from atrous.geometry import Box

Boxes = Mapping[str, Box]

#: Scratch memory, in bytes, from which on a run is cut into strips.
ROOMY = 256 * 10**6
#: How much more work strips may be than the whole at once.
MOST_EXTRA = 1.05
#: Strips at the most.
MOST = 16


def strips(
    output: str, box: Box, arena: int, demand: Callable[[Boxes], dict[str, Box]], work: Callable[[Boxes], float]
) -> list[dict[str, Box]]:
    """The demands of the strips of an output's box, if ``arena`` bytes for all at once are too many; else none.

    ``demand`` pushes boxes of the output back through the network, ``work`` counts what boxes take.
    """
    found: list[dict[str, Box]] = []
    if arena <= ROOMY or len(box.lo) < 3:
        return found
    once = work(demand({output: box}))
    for count in range(2, min(MOST, box.shape[2]) + 1):
        parts = [demand({output: part}) for part in cut(box, count)]
        if sum(work(part) for part in parts) > MOST_EXTRA * once:
            break
        found = parts
        if arena / count <= ROOMY:
            break
    return found


def cut(box: Box, count: int) -> list[Box]:
    """A box in so many parts along its first axis of space.

    >>> [part.hi for part in cut(Box((0, 0, 2), (1, 3, 7)), 2)]
    [(1, 3, 4), (1, 3, 7)]
    """
    size, parts = box.shape[2], []
    for number in range(count):
        lo, hi = (box.lo[2] + size * end // count for end in (number, number + 1))
        parts.append(Box((*box.lo[:2], lo, *box.lo[3:]), (*box.hi[:2], hi, *box.hi[3:])))
    return parts
