"""Tables for the terminal of what the engine explains and measures."""

from __future__ import annotations

import shutil
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from atrous.engine.explain import COLUMNS, Explanation
from atrous.engine.tune import Tuned

#: Width where the output is no terminal.
WIDE = 140
_LEFT = ("", "plan", "bound by", "convolution", "fastest", "the model's choice")
#: Columns of an explanation that are left out where there is no room, the first first.
_LESSER = ("layouts", "from memory", "from L3", "from L2", "bound by", "of peak")


def show_explanation(found: Explanation) -> None:
    """Print the plan of a problem: its header, and for each of its parts the reason and the candidates."""
    console = _console()
    console.print(Text(found.header()))
    for choice in found.choices:
        console.print()
        console.print(Text(found.title(choice), style="bold"))
        rows = choice.rows()
        shown = _fitting(rows, console.width)
        table = _table(tuple(COLUMNS[place] for place in shown))
        for row in rows:
            table.add_row(*(Text(row[place]) for place in shown), style="green" if row[0] else None)
        console.print(table)


def show_tuned(found: Tuned) -> None:
    """Print what a tuning found."""
    console = _console()
    table = _table(("convolution", "fastest", "time", "the model's choice", "times slower"))
    for trial in found.trials:
        micros = f"{trial.seconds[trial.best] * 1e6:,.1f} µs"
        row = (str(trial.request), str(trial.best), micros, str(trial.predicted), f"{trial.gain:.2f}")
        table.add_row(*map(Text, row))
    if found.trials:
        console.print(table)
    console.print(Text(found.summary))


def _fitting(rows: Sequence[Sequence[str]], width: int) -> list[int]:
    """The columns of an explanation that say something and fit, by number: a number that is cut off would be another one."""
    wide = [max(len(name), *(len(row[place]) for row in rows)) for place, name in enumerate(COLUMNS)]
    shown = [place for place in range(len(COLUMNS)) if any(row[place] for row in rows)]
    for lesser in map(COLUMNS.index, _LESSER):
        if sum(wide[place] + 2 for place in shown) > width and lesser in shown:
            shown.remove(lesser)
    return shown


def _table(columns: tuple[str, ...]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for name in columns:
        table.add_column(name, justify="left" if name in _LEFT else "right", no_wrap=name != "convolution", overflow="fold")
    return table


def _console() -> Console:
    """A console as wide as the terminal; wide enough for every table where there is none."""
    return Console(width=shutil.get_terminal_size((WIDE, 24)).columns, highlight=False)
