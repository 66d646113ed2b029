"""Everything that atrous raises on purpose.

    AtrousError
    ├── ArgumentError      an argument of a call is wrong (also a ValueError)
    ├── NetworkError       a network, or one node of it, is wrong (also a ValueError)
    │   └── UnsupportedError   operators or attributes that atrous does not have, all of them at once
    ├── FileError          a file is missing, damaged, foreign, or in the way (also an OSError)
    ├── MemoryBudgetError  the planned peak does not fit the budget (also a MemoryError)
    └── CompileError       generated code was refused by LLVM: a bug of ours, with what to report

A message names the argument, file or node, what was seen, the rule, and the remedy.
"""

from __future__ import annotations


class AtrousError(Exception):
    """The root of all errors that atrous raises on purpose."""


class ArgumentError(AtrousError, ValueError):
    """An argument of a call is wrong; the message starts with its name."""


class NetworkError(AtrousError, ValueError):
    """A network, or one of its nodes, is wrong; the message names the node."""


class UnsupportedError(NetworkError):
    """A model uses operators, attributes or types that atrous does not have; the message lists all of them."""


class FileError(AtrousError, OSError):
    """A file is missing, damaged, of an unknown format, or would be overwritten."""


class MemoryBudgetError(AtrousError, MemoryError):
    """The smallest plan of a run needs more memory than its budget; the message says how much works."""


class CompileError(AtrousError, RuntimeError):
    """LLVM refused generated code; the message holds the problem text to report."""
