"""``atrous bench``: layers and networks beside other libraries."""

from __future__ import annotations

from fnmatch import fnmatchcase
from functools import partial
from typing import Annotated

import typer
from rich.console import Console

from atrous.cli.bench_table import mean_table, notes, row_table
from atrous.cli.options import Threads
from atrous.cli.progress import progress
from atrous.errors import ArgumentError

Suite = Annotated[str, typer.Argument(metavar="SUITE", help="tour, full, networks, a file of named problems, or an ONNX file.")]
Peers = Annotated[str | None, typer.Option("--peers", metavar="A,B", help="Only these peers; by default all installed ones.")]
Rounds = Annotated[int, typer.Option("--rounds", metavar="N", min=1, help="Turns of each peer.")]
Slice = Annotated[float, typer.Option("--slice", metavar="SECONDS", min=0.0, help="Length of one turn.")]
Limit = Annotated[float, typer.Option("--limit", metavar="SECONDS", min=0.1, help="The most time of a peer for one problem.")]
Only = Annotated[str | None, typer.Option("--only", metavar="PATTERN", help="Only cases whose name fits, such as 'rn50.*'.")]
Type = Annotated[str, typer.Option("--dtype", metavar="TYPE", help="float32 or float64.")]


def bench(
    suite: Suite = "tour",
    peers: Peers = None,
    threads: Threads = None,
    rounds: Rounds = 5,
    slice: Slice = 0.05,
    limit: Limit = 20.0,
    only: Only = None,
    dtype: Type = "float32",
) -> None:
    """Measure layers or networks beside other libraries, each in its own process, in turn; medians, and errors beside them."""
    from atrous.bench.peers import select, version_of
    from atrous.bench.race import Settings
    from atrous.bench.session import session
    from atrous.bench.suites import read_suite

    cases = [case.typed(dtype) for case in read_suite(suite) if only is None or fnmatchcase(case.name, only)]
    if not cases:
        raise ArgumentError(f"--only: got {only!r}; no name of {suite} fits it")
    chosen = select(peers)
    absent = [peer for peer in chosen if version_of(peer) is None]
    rows = []
    with session([peer for peer in chosen if peer not in absent], threads, Settings(rounds, slice, limit)) as running:
        running.measure_bandwidth()
        with progress("measuring", "cases", still=True) as report:
            for done, case in enumerate(cases):
                rows.append(running.measure(case, partial(report, done, len(cases))))
                report(done + 1, len(cases))
    console = Console()
    if not console.is_terminal:
        console = Console(width=220)
    console.print(row_table(rows))
    console.print(mean_table(rows))
    for note in (*notes(rows, absent), *running.notes):
        console.print(note, markup=False, highlight=False)
