"""The table of commands, and what becomes of errors."""

from __future__ import annotations

import sys
from typing import Annotated, Any

import typer

from atrous import __version__
from atrous.cli import bench, cache, demo, draw, explore, inspect, passes, plan, run, tune
from atrous.errors import ArgumentError, AtrousError, FileError, MemoryBudgetError

WRONG_USE = (ArgumentError, FileError, MemoryBudgetError)
FAILED, MISUSED, INTERRUPTED = 1, 2, 130
#: What typer raises for a wrong command line. It has no public name: typer brings its own click or uses an installed one.
UsageError: Any = typer.BadParameter.__base__

app = typer.Typer(
    name="atrous",
    help="Convolutional networks on the CPU: run exactly on inputs of any size, and seen in every number.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("run")(run.run)
app.command("plan")(plan.plan)
app.command("tune")(tune.tune)
app.command("inspect")(inspect.inspect)
app.command("passes")(passes.passes)
app.command("explore")(explore.explore)
app.add_typer(draw.app)
app.command("bench")(bench.bench)
app.command("demo")(demo.demo)
app.command("cache")(cache.cache)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"atrous {__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error; may stand anywhere.")] = False,
) -> None:
    """What may stand before a command. ``--debug`` is taken out of the arguments before they come here."""


def execute(arguments: list[str], *, debug: bool) -> int:
    """Run the command line and turn what it raises into one message on stderr and an exit code."""
    try:
        code = app(arguments, prog_name="atrous", standalone_mode=False)
        if code == INTERRUPTED:  # newer typers make this of a KeyboardInterrupt, older ones an Abort
            raise KeyboardInterrupt
    except UsageError as error:
        error.show()
        return MISUSED
    except (KeyboardInterrupt, typer.Abort):
        return _fail("interrupted; nothing half-written is left", INTERRUPTED, debug)
    except AtrousError as error:
        return _fail(str(error), MISUSED if isinstance(error, WRONG_USE) else FAILED, debug)
    except BrokenPipeError:
        return FAILED
    except OSError as error:
        return _fail(str(error), FAILED, debug)
    return code if isinstance(code, int) else 0


def _fail(message: str, code: int, debug: bool) -> int:
    if debug:
        raise  # only called where an exception is being handled
    print(f"atrous: {message}", file=sys.stderr)
    return code
