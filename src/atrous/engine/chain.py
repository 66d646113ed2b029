"""Two steps as one, group by group: what a thread has just written, it reads while it is still in its own cache.

A group is some units of the first step and those units of the second that read nothing else of it. The words of both steps
stand behind those of the chain.
"""

from __future__ import annotations

from atrous.engine.compiler import Compiler
from atrous.engine.emit import I64, Arguments, Emitter
from atrous.engine.region import KERNEL, Indirect
from atrous.engine.schedule import Launch

#: For each step its kernel and the units of a group; then the place of the second one's words.
NAMES = ("first", "first_units", "second", "second_units", "second_words")


def emit_chain(e: Emitter) -> None:
    """The kernel, whose units are groups."""
    pointer, lo, hi = e.function.args
    a = Arguments(e, pointer, NAMES)
    steps = [
        (a.pointer("first"), e.at(pointer, len(NAMES), I64), a.number("first_units")),
        (a.pointer("second"), e.at(pointer, a.number("second_words"), I64), a.number("second_units")),
    ]
    with e.loop(lo, hi) as groups:
        for kernel, words, units in steps:
            begin = e.mul(groups.index, units)
            e.b.call(Indirect(kernel, KERNEL), [words, begin, e.add(begin, units)])
    e.end()


def chained(compiler: Compiler, first: Launch, second: Launch, groups: int) -> Launch:
    """Both steps as one of so many groups, which must divide the units of both."""
    head = (first.kernel, first.units // groups, second.kernel, second.units // groups, len(NAMES) + len(first.words))
    return Launch(compiler.kernel("chain", emit_chain), (*head, *first.words, *second.words), groups)
