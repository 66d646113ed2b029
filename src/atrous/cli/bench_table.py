"""The tables of ``atrous bench``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from rich.box import SIMPLE_HEAD
from rich.table import Table

if TYPE_CHECKING:
    from atrous.bench.results import Run
    from atrous.bench.rows import Row

#: What a column of a peer takes beside its name, and the columns that are always there.
GAP, FIXED = 3, 88
#: A rate from here on is written without decimals.
WHOLE = 10.0


def machine_line(run: Run) -> str:
    """The machine, what it can do at most, and the libraries."""
    copies = ", ".join(f"{level} {bandwidth / 1e9:.0f}" for level, bandwidth in run.bandwidth.items())
    peak = run.peak()
    top = "unknown" if peak is None else f"{peak / 1e9:.0f} GFLOP/s"
    libraries = ", ".join(f"{name} {version}" for name, version in run.versions.items())
    return (
        f"{run.machine['cpu']} ({run.machine['llvm_name']}), {run.threads} threads, {run.dtype}\n"
        f"at most: multiply-adds {top}; copies in GB/s: {copies}\n{libraries}"
    )


def row_table(rows: Sequence[Row], width: int) -> Table:
    """A line for each case: the speed of each peer, as far as the width allows, and what follows from it."""
    peers = list(dict.fromkeys(name for row in rows for name in row.outcomes))
    networks = all(row.family == "network" for row in rows)
    memory = [f"{peer} MB" for peer in peers] if networks else []
    names = max((len(row.name) + len(row.family) for row in rows), default=0)
    if FIXED + names + sum(len(name) + GAP for name in (*peers, *memory)) > width:
        peers = [peer for peer in peers if peer == "atrous"]
        memory = memory[: len(peers)]
    table = _table("milliseconds, and MB of memory" if networks else "GFLOP/s", "name", "family")
    first, own = (("MFLOP",), ()) if networks else (("MFLOP", "ms"), ("conv × torch",))
    for name in (*first, *peers, *memory, "best peer", "× best", "× torch", *own, "error", "of peak", "of roof"):
        table.add_column(name, justify="right", no_wrap=True)
    for row in rows:
        table.add_row(row.name, row.family, *_cells(row, peers, networks))
    return table


def _table(title: str, *names: str) -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=False, title=title, title_justify="left")
    for name in names:
        table.add_column(name, no_wrap=True)
    return table


def _cells(row: Row, peers: Sequence[str], network: bool) -> Iterator[str]:
    best, measured = row.best_peer(), row.measured("atrous")
    yield f"{row.flop / 1e6:,.0f}"
    if not network:
        yield milliseconds(row.seconds("atrous"))
    for peer in peers:
        text = milliseconds(row.seconds(peer)) if network else rate(row.rate(peer))
        yield f"[bold]{text}[/]" if peer == best else text
    if network:
        for peer in peers:
            found = row.measured(peer)
            yield "-" if found is None or found.memory is None else f"{found.memory / 1e6:,.0f}"
    yield best or "-"
    yield ratio(row.to_best())
    yield ratio(row.to_default())
    if not network:
        yield ratio(row.to_default("atrous.conv"))
    yield "" if measured is None or measured.error is None else f"{measured.error:.0e}"
    yield share(row.of_peak())
    yield share(row.of_roof())


def milliseconds(seconds: float | None) -> str:
    """Four digits or so.

    >>> milliseconds(0.0123456), milliseconds(None)
    ('12.35', '-')
    """
    if seconds is None:
        return "-"
    return f"{seconds * 1e3:.3f}" if seconds < 1e-2 else f"{seconds * 1e3:.2f}" if seconds < 1e-1 else f"{seconds * 1e3:,.1f}"


def rate(value: float | None) -> str:
    """GFLOP/s, two digits at least.

    >>> rate(123.4e9), rate(1.234e9), rate(None)
    ('123', '1.2', '-')
    """
    return "-" if value is None else f"{value / 1e9:.0f}" if value >= WHOLE * 1e9 else f"{value / 1e9:.2g}"


def ratio(value: float | None) -> str:
    """A ratio with two decimals, red where it is below one."""
    return "" if value is None else f"[red]{value:.2f}[/]" if value < 1 else f"{value:.2f}"


def share(value: float | None) -> str:
    """A share in percent."""
    return "" if value is None else f"{value:.0%}"


def mean_table(rows: Sequence[Row]) -> Table:
    """A line for each family."""
    from atrous.bench.rows import means

    table = _table("geometric means", "family")
    for name in ("cases", "× best", "least", "× torch", "conv × torch", "of peak", "of roof"):
        table.add_column(name, justify="right", no_wrap=True)
    for line in means(rows):
        values = (line.to_best, line.least_to_best, line.to_default, line.unpacked_to_default)
        table.add_row(line.family, str(line.rows), *map(ratio, values), share(line.of_peak), share(line.of_roof))
    return table
