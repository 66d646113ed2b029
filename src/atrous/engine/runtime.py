"""Running a tape: every thread makes one native call for a whole program, and the threads meet at barriers in it.

The native region walks the table of steps; each thread takes an even share of each step's units. Which thread computes an
element never changes how it is computed. Inside the call denormals are flushed to zero; the caller's floating-point state is
restored at its end.
"""

from __future__ import annotations

import ctypes
import os
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
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
_REGION_NAMES = ("steps", "count", "threads", "arrived", "generation")


def emit_region(e: Emitter) -> None:
    """``region(words, thread, _)``: run all steps of a table as one of several threads."""
    pointer, thread, _ = e.function.args
    args = Arguments(e, pointer, _REGION_NAMES)
    steps, count, threads = args.pointer("steps"), args.number("count"), args.number("threads")
    arrived, generation = args.pointer("arrived"), args.pointer("generation")
    saved = _set_flush(e)
    signature = ir.FunctionType(VOID, [PTR, I64, I64])
    with e.loop(0, count) as loop:
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
            _wait(e, generation, seen)


def _wait(e: Emitter, generation: Value, seen: Value) -> None:
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
    now = b.load_atomic(generation, "acquire", 8, typ=I64)
    b.cbranch(b.icmp_signed("==", now, seen), spin, done)
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
_pool_lock = threading.Lock()
_pools: dict[tuple[int, int], ThreadPoolExecutor] = {}


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


def _pool(workers: int) -> ThreadPoolExecutor:
    key = (os.getpid(), workers)  # a forked child has no threads of its parent's pool
    with _pool_lock:
        if key not in _pools:
            _pools[key] = ThreadPoolExecutor(workers, thread_name_prefix="atrous")
        return _pools[key]


def execute(compiler: Compiler, steps: Array, count: int, threads: int, run_lock: threading.Lock) -> None:
    """Run ``count`` steps of a resolved table on this many threads."""
    region = native_region(compiler)
    barrier = np.zeros(32, np.int64)  # two counters, on cache lines of their own
    base = int(barrier.ctypes.data)
    words = np.array([steps.ctypes.data, count, threads, base, base + 128], np.int64)
    address = int(words.ctypes.data)
    if threads == 1:
        region(address, 0, 0)
        return
    # Threads wait for each other in native code: a run has its workers to itself, or two runs could wait for ever.
    with run_lock:
        others: list[Future[None]] = []
        pool = _pool(threads - 1)
        for thread in range(1, threads):
            others.append(pool.submit(region, address, thread, 0))
        region(address, 0, 0)
        for other in others:
            other.result()


#: Only one program at a time uses the worker threads.
RUN_LOCK = threading.Lock()
