"""Steps as a film: every mark is kept once, with the steps that show it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from atrous.figures.drawing import Drawing, Mark, level


@dataclass(frozen=True, slots=True)
class Sheet:
    """Marks of one level that the same ``steps`` show, counted from 1."""

    steps: tuple[int, ...]
    marks: tuple[Mark, ...]


def sheets(drawings: Sequence[Drawing]) -> Iterator[Sheet]:
    """The sheets of all drawings, the lowest level first; within a level, what fewer steps show lies higher.

    >>> from atrous.figures.drawing import Rect
    >>> from atrous.figures.style import Ink
    >>> still, one, two = (Rect(x, 0, 1, 1, Ink.FRAME) for x in range(3))
    >>> [sheet.steps for sheet in sheets([Drawing.of(3, 1, [still, one], "a"), Drawing.of(3, 1, [still, two], "a")])]
    [(1, 2), (1,), (2,)]
    """
    shown: dict[Mark, list[int]] = {}
    for step, drawing in enumerate(drawings, 1):
        for mark in dict.fromkeys(drawing.marks):
            shown.setdefault(mark, []).append(step)
    for _, marks in groupby(sorted(shown, key=level), key=level):
        by_steps: dict[tuple[int, ...], list[Mark]] = {}
        for mark in marks:
            by_steps.setdefault(tuple(shown[mark]), []).append(mark)
        for steps in sorted(by_steps, key=lambda steps: (-len(steps), steps)):
            yield Sheet(steps, tuple(by_steps[steps]))
