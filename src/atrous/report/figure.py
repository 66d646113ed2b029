"""One figure of a report: a value that is complete, partial or unavailable, and why. Nothing is silently zero."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

from atrous.errors import ArgumentError
from atrous.report.polynomial import Polynomial

T = TypeVar("T")
S = TypeVar("S")
#: What can be added up: counts, and formulas of counts.
N = TypeVar("N", int, Polynomial)
#: How many parts a total names before it counts the rest.
SPELT = 3


class Status(StrEnum):
    """How much of a figure is known."""

    COMPLETE = "complete"
    PARTIAL = "partial"
    UNAVAILABLE = "unavailable"


@dataclass(frozen=True, slots=True)
class Figure(Generic[T]):
    """A value and how far it can be relied on; ``reason`` says what is missing where it is not complete.

    >>> Figure.complete(3).value, Figure[int].unavailable("needs H").reason
    (3, 'needs H')
    """

    status: Status
    known: T | None
    reason: str = ""

    @classmethod
    def complete(cls, value: T) -> Figure[T]:
        """All of it is known."""
        return cls(Status.COMPLETE, value)

    @classmethod
    def partial(cls, value: T, reason: str) -> Figure[T]:
        """The value leaves out what ``reason`` names."""
        return cls(Status.PARTIAL, value, reason)

    @classmethod
    def unavailable(cls, reason: str) -> Figure[T]:
        """There is no value, because of ``reason``."""
        return cls(Status.UNAVAILABLE, None, reason)

    @property
    def value(self) -> T:
        """The value; raises ``ArgumentError`` with the reason where there is none."""
        if self.known is None:
            raise ArgumentError(f"this figure is unavailable: {self.reason}")
        return self.known

    def map(self, function: Callable[[T], S]) -> Figure[S]:
        """The figure of what a function makes of the value."""
        return Figure(self.status, None if self.known is None else function(self.known), self.reason)

    def join(self, other: Figure[S], function: Callable[[T, S], T]) -> Figure[T]:
        """The figure of two values together, as good as the worse of both."""
        if self.known is None or other.known is None:
            return Figure.unavailable(self.reason if self.known is None else other.reason)
        worse: Figure[T] | Figure[S] = self if self.status is not Status.COMPLETE else other
        return Figure(worse.status, function(self.known, other.known), worse.reason)


def total(parts: Iterable[tuple[str, Figure[N]]], nothing: N) -> Figure[N]:
    """The sum over named parts, from ``nothing`` on; parts without a value leave it partial, all without one unavailable."""
    each = list(parts)
    known = [figure.known for _, figure in each if figure.known is not None]
    missing: dict[str, list[str]] = {}
    for name, figure in each:
        if figure.status is not Status.COMPLETE:
            missing.setdefault(figure.reason, []).append(name)
    if not missing:
        return Figure.complete(sum(known, nothing))
    if not known:
        return Figure.unavailable("; ".join(missing))
    said = "; ".join(f"without {_some(names)}: {reason}" for reason, names in missing.items())
    return Figure.partial(sum(known, nothing), said)


def _some(names: list[str]) -> str:
    more = f" and {len(names) - SPELT} more" if len(names) > SPELT else ""
    return ", ".join(names[:SPELT]) + more
