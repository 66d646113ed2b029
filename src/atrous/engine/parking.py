"""How native threads wait for each other: they spin for some tens of microseconds, then let the system put them to sleep.

A place to wait at is a 32-bit word and, beside it, how many sleep on it. Who changes the word wakes them; a change between the
sleeper's last look and its sleep is seen by the system, which compares the word itself (a futex). Systems without futexes yield
the core instead.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from llvmlite import ir

from atrous.engine.emit import I32, I64, PTR, VOID, Emitter, Value

#: Turns of waiting before a thread goes to sleep: about 20 to 100 microseconds, by how long the CPU's pause is.
SPINS = 4000
#: The number of the system call and its two operations, private to the process.
_FUTEX = {"x86_64": 202, "aarch64": 98, "riscv64": 98}
_WAIT, _WAKE = 128, 129
_ALL = 2**31 - 1
#: ARM's hint that a thread waits.
_YIELD = 1


@dataclass(frozen=True, slots=True)
class Turns:
    """The blocks of an endless loop: where the next turn begins, and what follows the loop."""

    again: ir.Block
    leave: ir.Block


@contextmanager
def endless(e: Emitter) -> Iterator[Turns]:
    """Repeat the block until something in it branches to ``leave``."""
    body, after = (e.function.append_basic_block(name) for name in ("again", "left"))
    e.b.branch(body)
    e.b.position_at_end(body)
    yield Turns(body, after)
    if not e.b.block.is_terminated:
        e.b.branch(body)
    e.b.position_at_end(after)


def slot(e: Emitter, kind: ir.Type = I64, count: int = 1) -> Value:
    """A variable on the stack."""
    with e.b.goto_entry_block():
        return e.b.alloca(kind, size=count)


def wait_while(e: Emitter, word: Value, value: Value) -> None:
    """Wait until the word is no longer ``value``; how many sleep is counted in the 64-bit word after it."""
    b, turns, sleepers = e.b, slot(e), e.at(word, 1, I64)
    e.store(e.i64(0), turns)
    with endless(e) as loop:
        with e.when(b.icmp_signed("!=", b.load_atomic(word, "acquire", 4, typ=I32), value)):
            b.branch(loop.leave)
        spent = e.load(turns, I64)
        with e.choose(e.less(spent, SPINS)) as (spinning, sleeping):
            with spinning:
                e.store(e.add(spent, 1), turns)
                pause(e)
            with sleeping:
                b.atomic_rmw("add", sleepers, e.i64(1), "seq_cst")
                _sleep(e, word, value)
                b.atomic_rmw("sub", sleepers, e.i64(1), "seq_cst")


def change(e: Emitter, word: Value, value: Value) -> None:
    """Set the word, and wake who sleeps on it."""
    e.b.atomic_rmw("xchg", word, value, "seq_cst")
    wake(e, word)


def wake(e: Emitter, word: Value) -> None:
    """Wake all who sleep on a word that was changed before."""
    b, number = e.b, _FUTEX.get(e.target.arch)
    if number is None or "linux" not in e.module.triple:
        return
    asleep = b.load_atomic(e.at(word, 1, I64), "seq_cst", 8, typ=I64)
    with e.when(b.icmp_signed("!=", asleep, e.i64(0))):
        b.call(_syscall(e), [e.i64(number), word, e.i64(_WAKE), e.i64(_ALL)])


def _sleep(e: Emitter, word: Value, value: Value) -> None:
    number = _FUTEX.get(e.target.arch)
    if number is None or "linux" not in e.module.triple:
        e.b.call(e.intrinsic("sched_yield", I32, []), [])
        return
    arguments = [e.i64(number), word, e.i64(_WAIT), e.b.zext(value, I64), ir.Constant(PTR, None)]
    e.b.call(_syscall(e), arguments)


def _syscall(e: Emitter) -> Value:
    found = e.module.globals.get("syscall")
    return found or ir.Function(e.module, ir.FunctionType(I64, [I64], var_arg=True), "syscall")


def pause(e: Emitter) -> None:
    """Tell the core that this thread waits for another."""
    if e.target.arch == "x86_64":
        e.b.call(e.intrinsic("llvm.x86.sse2.pause", VOID, []), [])
    elif e.target.arch == "aarch64":
        e.b.call(e.intrinsic("llvm.aarch64.hint", VOID, [I32]), [ir.Constant(I32, _YIELD)])
