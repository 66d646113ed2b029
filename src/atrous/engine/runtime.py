"""Running a tape: every thread makes one native call for a whole program, and the threads meet at barriers in it.

The native region walks the table of steps; each thread takes an even share of each step's units. Which thread computes an
element never changes how it is computed. Inside the call denormals are flushed to zero; the caller's floating-point state is
restored at its end.

Threads that wait for each other hang for ever if one of them never comes, because the caller was interrupted while it started
them or the system refused a thread. So all meet at a gate first: it opens when all are there, or sends them home.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from functools import cache

import numpy as np
from llvmlite import ir

from atrous.engine.compiler import Compiler
from atrous.engine.emit import I32, I64, PTR, VOID, Arguments, Emitter, Value
from atrous.errors import ArgumentError
from atrous.graph.fact import Array
from atrous.target import available_cores

_STEP_WORDS = 3
_SPINS = 4000
_FLUSH_DENORMALS = 0x8040  # MXCSR: flush to zero, denormals are zero
_REGION_NAMES = ("steps", "count", "threads", "arrived", "generation", "ready", "stopped")
_LINE = 16  # words of two cache lines, which processors fetch as pairs
_STOPPED = 3 * _LINE  # the place of the word that sends threads home


def emit_region(e: Emitter) -> None:
    """``region(words, thread, _)``: run all steps of a table as one of several threads."""
    pointer, thread, _ = e.function.args
    args = Arguments(e, pointer, _REGION_NAMES)
    steps, count, threads = args.pointer("steps"), args.number("count"), args.number("threads")
    arrived, generation = args.pointer("arrived"), args.pointer("generation")
    everyone = _gate(e, args.pointer("ready"), args.pointer("stopped"), threads)
    saved = _set_flush(e)
    signature = ir.FunctionType(VOID, [PTR, I64, I64])
    with e.loop(0, e.b.select(everyone, count, e.i64(0))) as loop:
        step = e.at(steps, e.mul(loop.index, _STEP_WORDS), I64)
        words, units = e.load(e.at(step, 1, I64), PTR), e.load(e.at(step, 2, I64), I64)
        lo = e.b.udiv(e.mul(units, thread), threads)
        hi = e.b.udiv(e.mul(units, e.add(thread, 1)), threads)
        with e.when(e.less(lo, hi)):
            kernel = e.load(step, PTR)
            e.b.call(_Indirect(kernel, signature), [words, lo, hi])
        with e.when(e.less(1, threads)):
            _barrier(e, arrived, generation, threads)
    _restore(e, saved)
    e.end()


def _gate(e: Emitter, ready: Value, stopped: Value, threads: Value) -> Value:
    """Wait until all threads are here, or will not be: whether they are."""
    b = e.b
    b.atomic_rmw("add", ready, e.i64(1), "acq_rel")

    def closed() -> Value:
        missing = e.less(b.load_atomic(ready, "acquire", 8, typ=I64), threads)
        return b.and_(missing, b.icmp_signed("==", b.load_atomic(stopped, "acquire", 8, typ=I64), e.i64(0)))

    _spin(e, closed)
    return b.icmp_signed("==", b.load_atomic(ready, "acquire", 8, typ=I64), threads)


class _Indirect:
    """A function pointer with the type that llvmlite needs to write the call."""

    def __init__(self, pointer: Value, signature: ir.FunctionType) -> None:
        self.function_type = signature
        self.type = pointer.type
        self._pointer = pointer

    def get_reference(self) -> str:
        return str(self._pointer.get_reference())


def _barrier(e: Emitter, arrived: Value, generation: Value, threads: Value) -> None:
    """Wait for all threads: the last to arrive opens the next generation; the others spin, then yield."""
    b = e.b
    seen = b.load_atomic(generation, "acquire", 8, typ=I64)
    ticket = b.atomic_rmw("add", arrived, e.i64(1), "acq_rel")
    last = b.icmp_signed("==", e.add(ticket, 1), threads)
    with e.choose(last) as (first, others):
        with first:
            b.atomic_rmw("xchg", arrived, e.i64(0), "monotonic")
            b.atomic_rmw("xchg", generation, e.add(seen, 1), "release")
        with others:
            _spin(e, lambda: b.icmp_signed("==", b.load_atomic(generation, "acquire", 8, typ=I64), seen))


def _spin(e: Emitter, waiting: Callable[[], Value]) -> None:
    """Spin while ``waiting``, after a while yielding the core."""
    b = e.b
    spin, done = (e.function.append_basic_block(name) for name in ("spin", "arrived"))
    before = b.block
    b.branch(spin)
    b.position_at_end(spin)
    turns = b.phi(I64)
    turns.add_incoming(e.i64(0), before)
    with e.choose(e.less(turns, _SPINS)) as (spinning, yielding):
        with spinning:
            if e.target.arch == "x86_64":
                b.call(e.intrinsic("llvm.x86.sse2.pause", VOID, []), [])
        with yielding:
            b.call(e.intrinsic("sched_yield", I32, []), [])
    turns.add_incoming(e.add(turns, 1), b.block)
    b.cbranch(waiting(), spin, done)
    b.position_at_end(done)


def _set_flush(e: Emitter) -> Value | None:
    if e.target.arch != "x86_64":
        return None
    slot = e.b.alloca(I32, size=2)
    e.b.call(e.intrinsic("llvm.x86.sse.stmxcsr", VOID, [PTR]), [slot])
    state = e.b.or_(e.load(slot, I32), ir.Constant(I32, _FLUSH_DENORMALS))
    work = e.at(slot, 1, I32)
    e.store(state, work)
    e.b.call(e.intrinsic("llvm.x86.sse.ldmxcsr", VOID, [PTR]), [work])
    return slot


def _restore(e: Emitter, slot: Value | None) -> None:
    if slot is not None:
        e.b.call(e.intrinsic("llvm.x86.sse.ldmxcsr", VOID, [PTR]), [slot])


@cache
def native_region(compiler: Compiler) -> Callable[[int, int, int], None]:
    """The native call that a thread makes for a whole tape."""
    signature = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64)
    return signature(compiler.kernel("region", emit_region))


_default_threads: int | None = None
# By process: a forked child has no threads of its parent's pool, and no business with what the parent's threads hold.
_pools: dict[tuple[int, int], Workers] = {}
_locks: dict[int, threading.Lock] = {}


def set_num_threads(count: int) -> None:
    """How many threads a program uses unless told otherwise; the default is one for each available core."""
    global _default_threads
    _default_threads = check_threads(count)


def check_threads(count: int | None) -> int:
    """A number of threads as given by a caller; ``None`` is the default."""
    if count is None:
        return _default_threads or available_cores()
    if not isinstance(count, int) or isinstance(count, bool) or not 1 <= count <= 1024:
        raise ArgumentError(f"threads: got {count!r}; it must be an integer from 1 to 1024 (leave it out for one a core)")
    return count


class Workers:
    """Threads that wait for their part of a program.

    A scheduler may wake a thread on the very core of the caller that has just woken it, and leave both there for longer than
    a program takes: so before a run the workers are told to keep off the caller's core.
    """

    def __init__(self, count: int) -> None:
        threads = ThreadPoolExecutor(count, thread_name_prefix="atrous", initializer=self._arrive)
        self.submit = threads.submit
        self._ids: list[int] = []
        self._placed: tuple[int, frozenset[int]] | None = None

    def _arrive(self) -> None:
        self._ids.append(threading.get_native_id())
        self._placed = None

    def keep_off(self) -> None:
        """Leave the caller's core to the caller, if the process may use others."""
        if not hasattr(os, "sched_setaffinity"):
            return
        here, allowed = _current_core(), frozenset(os.sched_getaffinity(0))
        if self._placed == (here, allowed):
            return
        self._placed = (here, allowed)
        for worker in self._ids:
            with contextlib.suppress(OSError):  # a sandbox may forbid it, and the run does not depend on it
                os.sched_setaffinity(worker, allowed - {here} or allowed)


def _current_core() -> int:
    return int(_libc().sched_getcpu())


@cache
def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None)


def _pool(count: int) -> Workers:
    key = (os.getpid(), count)
    return _pools.get(key) or _pools.setdefault(key, Workers(count))


def _run_lock() -> threading.Lock:
    """Only one program at a time uses the worker threads: two that wait for their last ones would wait for ever."""
    return _locks.get(os.getpid()) or _locks.setdefault(os.getpid(), threading.Lock())


def execute(compiler: Compiler, steps: Array, count: int, threads: int) -> None:
    """Run ``count`` steps of a resolved table on this many threads."""
    region = native_region(compiler)
    meeting = np.zeros(4 * _LINE, np.int64)  # four words, far apart
    base = int(meeting.ctypes.data)
    places = [base + 8 * _LINE * place for place in range(4)]
    words = np.array([steps.ctypes.data, count, threads, *places], np.int64)
    address = int(words.ctypes.data)
    if threads == 1:
        region(address, 0, 0)
        return
    with _run_lock():
        others: list[Future[None]] = []
        try:
            workers = _pool(threads - 1)
            workers.keep_off()
            for thread in range(1, threads):
                others.append(workers.submit(_share, region, address, thread, (words, meeting)))
            region(address, 0, 0)
        except BaseException:
            meeting[_STOPPED] = 1
            raise
        finally:
            _wait_for(others)


def _share(region: Callable[[int, int, int], None], address: int, thread: int, alive: object) -> None:
    """One worker's part; ``alive`` is what it reads before it knows whether the run takes place."""
    region(address, thread, 0)


def _wait_for(others: Sequence[Future[None]]) -> None:
    """Until all are done, whatever comes between: they write to the caller's memory."""
    interrupt: KeyboardInterrupt | None = None
    for other in others:
        while not other.done():
            try:
                wait([other])
            except KeyboardInterrupt as error:
                interrupt = error
        other.result()
    if interrupt is not None:
        raise interrupt
