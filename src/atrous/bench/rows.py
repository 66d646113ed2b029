"""What was measured of one case, and what follows from it: rates, ratios, shares of what the machine can do."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from atrous.bench.peers import DEFAULT, PEERS
from atrous.bench.peers.peer import Peer
from atrous.bench.race import Measured, Missing, Outcome
from atrous.bench.statistics import geometric_mean

#: Peers that are the project itself; they are compared with the others.
OWN = frozenset(peer.name for peer in PEERS if peer.own)
#: Errors relative to the largest output from which on a result counts as wrong: far beyond what rounding does.
FAR = {"float32": 1e-4, "float64": 1e-12}
#: Upper over lower quartile of the peak's times from which on the machine was busy with something else.
RESTLESS = 1.15


@dataclass(frozen=True, slots=True)
class Row:
    """One case. Work is nominal FLOP, from geometry, and FLOP on real elements only; bytes are those of all arrays, once."""

    name: str
    family: str
    text: str
    flop: int
    real_flop: int
    bytes: int
    outcomes: Mapping[str, Outcome]
    #: FLOP a second of the loop of multiply-adds in the same rounds, and bytes a second of the level that holds the arrays.
    peak: float | None = None
    bandwidth: float | None = None
    level: str = ""
    direction: str = "forward"
    dtype: str = "float32"
    #: Whether the peak varied so much within the rounds that something else must have run.
    restless: bool = False

    def measured(self, peer: str) -> Measured | None:
        """What was measured of a peer, if anything."""
        found = self.outcomes.get(peer)
        return found if isinstance(found, Measured) else None

    def seconds(self, peer: str) -> float | None:
        """The median seconds of a peer."""
        found = self.measured(peer)
        return None if found is None else found.times.median

    def rate(self, peer: str) -> float | None:
        """Nominal FLOP a second."""
        seconds = self.seconds(peer)
        return self.flop / seconds if seconds else None

    def best_peer(self) -> str | None:
        """The fastest of the others, in whatever layout."""
        others = {name: self.seconds(name) for name in self.outcomes if name not in OWN}
        timed = {name: seconds for name, seconds in others.items() if seconds is not None}
        return min(timed, key=lambda name: timed[name]) if timed else None

    def ratio(self, ours: str, theirs: str | None) -> float | None:
        """How many times as fast as a peer we are: its time over ours."""
        mine, other = self.seconds(ours), None if theirs is None else self.seconds(theirs)
        return other / mine if mine and other else None

    def to_best(self, ours: str = "atrous") -> float | None:
        """The ratio to the best peer in any layout."""
        return self.ratio(ours, self.best_peer())

    def to_default(self, ours: str = "atrous") -> float | None:
        """The ratio to PyTorch's default: eager, channels first."""
        return self.ratio(ours, DEFAULT)

    def of_peak(self, peer: str = "atrous") -> float | None:
        """The share of the multiply-adds that the machine could have done."""
        rate = self.rate(peer)
        return rate / self.peak if rate and self.peak else None

    def roof(self) -> float | None:
        """FLOP a second that the machine allows: by multiply-adds on real elements, and by moving every array once."""
        if not self.peak or not self.real_flop:
            return None
        by_work = self.peak * self.flop / self.real_flop
        return min(by_work, self.bandwidth * self.flop / self.bytes) if self.bandwidth else by_work

    def of_roof(self, peer: str = "atrous") -> float | None:
        """The share of the roof."""
        rate, roof = self.rate(peer), self.roof()
        return rate / roof if rate and roof else None


@dataclass(frozen=True, slots=True)
class Mean:
    """Geometric means over the rows of a family, and their worst ones."""

    family: str
    rows: int
    to_best: float | None
    least_to_best: float | None
    to_default: float | None
    unpacked_to_default: float | None
    of_peak: float | None
    of_roof: float | None


def means(rows: Sequence[Row]) -> list[Mean]:
    """A line for each family in the order of the rows, and one for all."""
    families = list(dict.fromkeys(row.family for row in rows))
    lines = [_mean(family, [row for row in rows if row.family == family]) for family in families]
    return [*lines, _mean("all", rows)] if len(lines) > 1 else lines


def _mean(family: str, rows: Sequence[Row]) -> Mean:
    best = _present(row.to_best() for row in rows)
    return Mean(
        family,
        len(rows),
        geometric_mean(best),
        min(best, default=None),
        geometric_mean(_present(row.to_default() for row in rows)),
        geometric_mean(_present(row.to_default("atrous.conv") for row in rows)),
        geometric_mean(_present(row.of_peak() for row in rows)),
        geometric_mean(_present(row.of_roof() for row in rows)),
    )


def _present(values: Iterable[float | None]) -> list[float]:
    return [value for value in values if value is not None]


def notes(rows: Sequence[Row], absent: Sequence[Peer]) -> Iterator[str]:
    """What has no number, and why; and whose result is not to be trusted."""
    for peer in absent:
        yield f"{peer.name}: absent; pip install {peer.distribution}"
    reasons: dict[tuple[str, str], list[str]] = {}
    for row in rows:
        for name, outcome in row.outcomes.items():
            if isinstance(outcome, Missing):
                reasons.setdefault((name, f"{outcome.kind}: {outcome.reason}"), []).append(row.name)
            elif outcome.error is not None and not outcome.error <= FAR[row.dtype]:
                reasons.setdefault((name, f"its result is wrong by {outcome.error:.0e}"), []).append(row.name)
    for (name, reason), cases in reasons.items():
        yield f"{name} on {', '.join(cases)}: {reason}"
    restless = [row.name for row in rows if row.restless]
    if restless:
        yield f"the machine was busy during {', '.join(restless)}: its own peak varied by more than {RESTLESS - 1:.0%}"


__all__ = ["OWN", "Mean", "Measured", "Missing", "Row", "means"]
