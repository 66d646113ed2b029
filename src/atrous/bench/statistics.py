"""What is said of many timings: medians with quartiles, and geometric means of ratios."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import exp, log
from statistics import quantiles

from atrous.errors import ArgumentError


@dataclass(frozen=True, slots=True)
class Times:
    """Seconds of one call, over all calls of all rounds: the median between its quartiles, the least, and how many calls.

    >>> Times.of([3.0, 1.0, 2.0])
    Times(median=2.0, lower=1.5, upper=2.5, least=1.0, calls=3)
    """

    median: float
    lower: float
    upper: float
    least: float
    calls: int

    @classmethod
    def of(cls, seconds: Sequence[float]) -> Times:
        """The summary of at least one call; quartiles between two calls are interpolated."""
        if not seconds:
            raise ArgumentError("seconds: got no call; at least one must have been timed")
        if len(seconds) == 1:
            return cls(seconds[0], seconds[0], seconds[0], seconds[0], 1)
        lower, middle, upper = quantiles(seconds, n=4, method="inclusive")
        return cls(middle, lower, upper, min(seconds), len(seconds))


def geometric_mean(ratios: Iterable[float]) -> float | None:
    """The mean of ratios that does not depend on which side is the denominator; ``None`` of no ratio.

    >>> geometric_mean([0.5, 2.0])
    1.0
    """
    logs = [log(ratio) for ratio in ratios]
    return exp(sum(logs) / len(logs)) if logs else None
