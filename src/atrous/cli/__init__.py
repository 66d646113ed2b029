"""The command ``atrous``. Thin: it reads arguments, calls the rooms below, and prints; it has no arithmetic of its own.

Exit codes: 0 done, 2 wrong use (arguments, files, a memory budget that cannot be kept), 1 failed, 130 interrupted.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command line (default: the process's) and give its exit code. ``--debug`` anywhere shows tracebacks."""
    from atrous.cli.app import execute

    given = list(sys.argv[1:] if arguments is None else arguments)
    return execute([each for each in given if each != "--debug"], debug="--debug" in given)
