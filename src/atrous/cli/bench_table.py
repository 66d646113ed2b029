"""The tables of ``atrous bench``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from rich.box import SIMPLE_HEAD
from rich.table import Table

if TYPE_CHECKING:
    from atrous.bench.peers.peer import Peer
    from atrous.bench.rows import Row


def row_table(rows: Sequence[Row]) -> Table:
    """A line for each case: the rate of each peer in GFLOP/s, and what follows from it."""
    peers = list(dict.fromkeys(name for row in rows for name in row.outcomes))
    table = Table(box=SIMPLE_HEAD, pad_edge=False, title="GFLOP/s", title_justify="left")
    table.add_column("name", no_wrap=True)
    table.add_column("family", no_wrap=True)
    for name in ("MFLOP", "ms", *peers, "x best", "x torch", "conv x torch", "error", "of peak", "of roof"):
        table.add_column(name, justify="right", no_wrap=True)
    for row in rows:
        table.add_row(row.name, row.family, *_cells(row, peers))
    return table


def _cells(row: Row, peers: Sequence[str]) -> Iterator[str]:
    yield f"{row.flop / 1e6:,.0f}"
    seconds = row.seconds("atrous")
    yield "" if seconds is None else f"{seconds * 1e3:.3f}"
    best = row.best_peer()
    for peer in peers:
        rate = row.rate(peer)
        text = "-" if rate is None else f"{rate / 1e9:.0f}" if rate > 1e10 else f"{rate / 1e9:.2g}"
        yield f"[bold]{text}[/]" if peer == best else text
    yield ratio(row.to_best())
    yield ratio(row.to_default())
    yield ratio(row.to_default("atrous.conv"))
    measured = row.measured("atrous")
    yield "" if measured is None or measured.error is None else f"{measured.error:.0e}"
    yield share(row.of_peak())
    yield share(row.of_roof())


def ratio(value: float | None) -> str:
    """A ratio with two decimals, red where it is below one."""
    return "" if value is None else f"[red]{value:.2f}[/]" if value < 1 else f"{value:.2f}"


def share(value: float | None) -> str:
    """A share in percent."""
    return "" if value is None else f"{value:.0%}"


def mean_table(rows: Sequence[Row]) -> Table:
    """A line for each family."""
    from atrous.bench.rows import means

    table = Table(box=SIMPLE_HEAD, pad_edge=False, title="geometric means", title_justify="left")
    table.add_column("family", no_wrap=True)
    for name in ("cases", "x best", "least", "x torch", "conv x torch", "of peak"):
        table.add_column(name, justify="right", no_wrap=True)
    for line in means(rows):
        values = (line.to_best, line.least_to_best, line.to_default, line.unpacked_to_default)
        table.add_row(line.family, str(line.rows), *map(ratio, values), share(line.of_peak))
    return table


def notes(rows: Sequence[Row], absent: Sequence[Peer]) -> Iterator[str]:
    """What has no number, and why."""
    from atrous.bench.rows import Missing

    for peer in absent:
        yield f"{peer.name}: absent; pip install {peer.distribution}"
    reasons: dict[tuple[str, str, str], list[str]] = {}
    for row in rows:
        for name, outcome in row.outcomes.items():
            if isinstance(outcome, Missing):
                reasons.setdefault((name, outcome.kind, outcome.reason), []).append(row.name)
    for (name, kind, reason), cases in reasons.items():
        yield f"{name}: {kind} on {', '.join(cases)}: {reason}"
