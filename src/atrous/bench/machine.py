"""What the machine can do at most: a loop of multiply-adds, and copies as large as each cache, generated as kernels are."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from llvmlite import ir

from atrous.bench.arrays import LINE, aligned
from atrous.bench.tasks import Ready
from atrous.engine.compiler import Compiler, default_compiler
from atrous.engine.emit import ELEMENT, Emitter
from atrous.engine.runtime import execute
from atrous.geometry.sizes import ITEMSIZE
from atrous.graph.fact import Array
from atrous.target import Caches

if TYPE_CHECKING:
    from atrous.bench.peers.peer import Peer

#: Independent chains, more than an adder has stages times adders; turns of one unit of work, and units for each thread. A
#: call takes some milliseconds, beside which waking a thread is nothing.
CHAINS, TURNS, UNITS = 16, 20_000, 64
#: Vectors that a turn of a copy moves, and bytes that one call moves at least.
MOVED, LEAST_BYTES = 4, 2**29


@dataclass(frozen=True, slots=True)
class PeakTask:
    """Multiply-adds in registers and nothing else; its work is in FLOP."""

    dtype: str
    threads: int

    def prepare(self, peer: Peer) -> Ready:
        compiler, units = default_compiler(), UNITS * self.threads
        words = aligned((4 * LINE,), self.dtype)
        words[...] = 0
        key = f"bench peak {self.dtype} {CHAINS} x {TURNS}"
        code = compiler.kernel(key, lambda e: emit_peak(e, self.dtype))
        steps = np.array([[code, words.ctypes.data, units]], np.int64)
        flop = 2.0 * units * TURNS * CHAINS * compiler.target.lanes(self.dtype)
        return Ready(partial(_run, compiler, steps, self.threads, words), work=flop)


@dataclass(frozen=True, slots=True)
class CopyTask:
    """Each thread copies an array of its own again and again; its work is in bytes, those read and those written.

    ``size`` is the memory that one thread touches, in bytes.
    """

    size: int
    threads: int

    def prepare(self, peer: Peer) -> Ready:
        compiler = default_compiler()
        lanes = compiler.target.lanes("float32")
        step = lanes * MOVED
        count = max(self.size // (2 * 4 * step), 1) * step
        turns = max(1, LEAST_BYTES // (8 * count))
        memory = aligned((self.threads, 2, count + _gap(count)), "float32")
        memory[...] = 1
        code = compiler.kernel(f"bench copy {count} x {turns}", lambda e: emit_copy(e, count, turns))
        steps = np.array([[code, memory.ctypes.data, self.threads]], np.int64)
        return Ready(partial(_run, compiler, steps, self.threads, memory), work=8.0 * count * turns * self.threads)


def _run(compiler: Compiler, steps: Array, threads: int, alive: Array) -> None:
    """One step on all threads; ``alive`` is the memory that it works on."""
    execute(compiler, steps, threads)


def emit_peak(e: Emitter, dtype: str) -> None:
    """Independent chains of multiply-adds in registers; each unit of work runs ``TURNS`` of each chain."""
    words, first, last = e.function.args
    kind = ir.VectorType(ELEMENT[dtype], e.target.lanes(dtype))
    start = e.load(words, kind)
    with e.loop(first, last, carry=[start] * CHAINS) as units:
        with e.loop(0, TURNS, carry=units.values, nonempty=True) as turns:
            turns.next = [e.fma(start, value, value) for value in turns.values]
        units.next = turns.results
    total = units.results[0]
    for value in units.results[1:]:
        total = e.b.fadd(total, value)
    e.store(total, e.at(words, kind.count, ELEMENT[dtype]))
    e.end()


def emit_copy(e: Emitter, count: int, turns: int) -> None:
    """Each unit copies its own first ``count`` elements to its own second ones, ``turns`` times."""
    memory, first, last = e.function.args
    kind = ir.VectorType(ELEMENT["float32"], e.target.lanes("float32"))
    with e.loop(first, last) as unit:
        source = e.at(memory, e.mul(unit.index, 2 * (count + _gap(count))), ELEMENT["float32"])
        target = e.at(source, count + _gap(count), ELEMENT["float32"])
        with e.loop(0, turns, nonempty=True), e.loop(0, count, step=kind.count * MOVED, nonempty=True) as at:
            places = [e.add(at.index, i * kind.count) for i in range(MOVED)]
            values = [e.load(e.at(source, place, ELEMENT["float32"]), kind) for place in places]
            for value, place in zip(values, places, strict=True):
                e.store(value, e.at(target, place, ELEMENT["float32"]))
    e.end()


def _gap(count: int) -> int:
    """Elements between the arrays, so that no load has the place in its page that a store still under way has.

    Such a load would wait for the store: CPUs compare the last 12 bits first.
    """
    page, ahead = 4096, 128
    return (-4 * count - ahead) % page // 4


def copy_sizes(caches: Caches, threads: int) -> dict[str, int]:
    """Bytes that each thread copies to stay within each level: half of its cache, and far beyond all of them."""
    levels = {"L1": caches.l1 // 2, "L2": caches.l2 // 2}
    if caches.l3:
        levels["L3"] = max(caches.l3 // 2 // threads, caches.l2)
    return levels | {"memory": max(8 * max(caches.l3, caches.l2) // threads, 2**26)}


def level_of(size: int, caches: Caches, threads: int) -> str:
    """The smallest level of the caches of so many cores that holds so many bytes."""
    for name, room in (("L1", caches.l1 * threads), ("L2", caches.l2 * threads), ("L3", caches.l3)):
        if size <= room:
            return name
    return "memory"


def bytes_of(shape: tuple[int, ...], dtype: str) -> int:
    """Memory of an array."""
    return int(np.prod(shape, dtype=np.int64)) * ITEMSIZE[dtype]
