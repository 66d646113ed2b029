"""A progress bar for what takes over a second; silent where stderr is not a terminal."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

#: Told how many parts of how many are done.
Report = Callable[[int, int], None]

#: Seconds of work before a bar is worth showing.
PATIENCE = 1.0


@contextmanager
def progress(label: str, unit: str = "tiles", still: bool = False) -> Iterator[Report]:
    """Gives a function to call with (done, total) as the work goes on.

    ``still``: the bar changes only when it is told something, and takes no time of what is being measured.
    """
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn(unit)
    console = Console(stderr=True)
    bar = Progress(
        *columns, TimeElapsedColumn(), TimeRemainingColumn(), console=console, transient=True, auto_refresh=not still
    )
    task = bar.add_task(label, total=None)
    begin = time.monotonic()

    def report(done: int, total: int) -> None:
        bar.update(task, completed=done, total=total)
        if console.is_terminal and not bar.live.is_started and time.monotonic() - begin > PATIENCE:
            bar.start()
        if still and bar.live.is_started:
            bar.refresh()

    try:
        yield report
    finally:
        if bar.live.is_started:  # otherwise stop would print an empty line
            bar.stop()
