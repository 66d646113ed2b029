"""``atrous bench``: layers and networks beside other libraries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from atrous.cli.bench_table import machine_line, mean_table, row_table
from atrous.cli.network import read_sizes
from atrous.cli.options import Threads
from atrous.cli.progress import progress
from atrous.errors import ArgumentError
from atrous.geometry.sizes import ITEMSIZE

if TYPE_CHECKING:
    from atrous.bench.race import Settings
    from atrous.bench.results import Run
    from atrous.bench.suites import Case

Suite = Annotated[str, typer.Argument(metavar="SUITE", help="tour, full, networks, a file of named problems, or an ONNX file.")]
Peers = Annotated[str | None, typer.Option("--peers", metavar="A,B", help="Only these peers; by default all installed ones.")]
Rounds = Annotated[int, typer.Option("--rounds", metavar="N", min=1, help="Turns of each peer.")]
Slice = Annotated[float, typer.Option("--slice", metavar="SECONDS", min=0.0, help="Length of one turn.")]
Limit = Annotated[float, typer.Option("--limit", metavar="SECONDS", min=0.1, help="The most time of a peer for one problem.")]
Only = Annotated[str | None, typer.Option("--only", metavar="PATTERN", help="Only cases whose name fits, such as 'rn50.*'.")]
Type = Annotated[str, typer.Option("--dtype", metavar="TYPE", help="float32 or float64.")]
Sizes = Annotated[
    list[str] | None,
    typer.Option(
        "--input", metavar="SHAPE", help="Shape of an ONNX file's input, such as 1x3x224x224; one for each of several."
    ),
]
Json = Annotated[Path | None, typer.Option("--json", metavar="FILE", help="Write all numbers, and the machine, as JSON.")]
Plots = Annotated[Path | None, typer.Option("--plots", metavar="DIR", help="Write ratio.svg and roofline.svg.")]
#: The width of tables where the output is no terminal.
WIDE = 240


def bench(
    suite: Suite = "tour",
    peers: Peers = None,
    threads: Threads = None,
    rounds: Rounds = 5,
    slice: Slice = 0.05,
    limit: Limit = 20.0,
    only: Only = None,
    dtype: Type = "float32",
    input: Sizes = None,
    json: Json = None,
    plots: Plots = None,
) -> None:
    """Measure layers or networks beside other libraries, each in its own process, in turn; medians, and errors beside them."""
    from atrous.bench.race import Settings
    from atrous.bench.results import write_json

    cases = _cases(suite, only, dtype, input or ())
    run = _measure(suite, cases, peers, threads, dtype, Settings(rounds, slice, limit))
    _show(run)
    if json is not None:
        write_json(run, json)
    if plots is not None:
        from atrous.bench.plots import write_plots

        for path in write_plots(run, plots):
            typer.echo(f"wrote {path}")


def _cases(suite: str, only: str | None, dtype: str, shapes: Sequence[str]) -> list[Case]:
    from atrous.bench.suites import NetworkCase, read_suite

    found = read_suite(suite)
    if shapes:
        first = found[0]
        if len(found) > 1 or not isinstance(first, NetworkCase):
            raise ArgumentError(f"--input: got {' '.join(shapes)} with the suite {suite}; it belongs to an ONNX file")
        found = (replace(first, shapes=tuple(read_sizes("--input", text) for text in shapes)),)
    if dtype not in ITEMSIZE:
        raise ArgumentError(f"--dtype: got {dtype!r}; it must be {' or '.join(ITEMSIZE)}")
    cases = [case.typed(dtype) for case in found if only is None or fnmatchcase(case.name, only)]
    if not cases:
        raise ArgumentError(f"--only: got {only!r}; no name of {suite} fits it")
    return cases


def _measure(suite: str, cases: Sequence[Case], peers: str | None, threads: int | None, dtype: str, settings: Settings) -> Run:
    from atrous.bench import host
    from atrous.bench.peers import select, version_of
    from atrous.bench.results import Run
    from atrous.bench.rows import notes
    from atrous.bench.session import session

    chosen, rows = select(peers), []
    absent = [peer for peer in chosen if version_of(peer) is None]
    machine = host.describe()
    with (
        session([peer for peer in chosen if peer not in absent], threads, settings) as running,
        progress("measuring", "cases", still=True) as report,
    ):
        running.measure_bandwidth()
        for done, case in enumerate(cases):
            rows.append(running.measure(case, partial(report, done, len(cases))))
            report(done + 1, len(cases))
        names = [peer.name for peer in absent]
        return Run(
            *(suite, dtype, running.threads, settings, machine, host.versions(chosen), names),
            *(dict(running.bandwidth), rows, [*notes(rows, absent), *running.notes]),
        )


def _show(run: Run) -> None:
    console = Console()
    if not console.is_terminal:
        console = Console(width=WIDE)
    console.print(machine_line(run), highlight=False, soft_wrap=True)
    console.print(row_table(run.rows, console.width))
    console.print(mean_table(run.rows))
    for note in run.notes:
        console.print(note, markup=False, highlight=False, soft_wrap=True)
