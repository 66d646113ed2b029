"""Convolutions whose weights come with each call: all but packing them is made once for each kind of call.

The program is made for weights that number themselves (``engine.packing``). Its tape gets one step more for each packed array,
which packs the call's weights into it on all threads, and weights and bias become inputs like the signal.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

import numpy as np

from atrous.engine.codelets.convolution import Packed
from atrous.engine.forking import renew_in_child
from atrous.engine.packing import MOST_WEIGHTS, find_packing
from atrous.engine.program import Bound, Program
from atrous.engine.ready import Ready
from atrous.engine.schedule import Launch, Schedule
from atrous.engine.view import Address, Buffer, Home
from atrous.graph.fact import Array, Fact

#: Kinds of calls that are kept, and the memory of their packed weights in bytes.
KINDS, KEEP_BYTES = 32, 64 * 2**20
Made = TypeVar("Made")


class Unpacked:
    """One kind of call: a layer, and the shapes and types of its signal, weights and bias."""

    def __init__(self, ready: Ready, flag: Array, size: int) -> None:
        self._ready, self._flag, self.bytes = ready, flag, size
        self.renew()
        renew_in_child(self)

    def renew(self) -> None:
        self._lock = threading.Lock()

    @classmethod
    def of(cls, program: Program, shape: tuple[int, ...]) -> Unpacked | None:
        """From a program for numbered weights; ``None`` if a kernel reads weights that are not packed."""
        if any(array.size > MOST_WEIGHTS for array in program.network.constants.values()):
            return None
        bound = program.bind({"x": shape})
        boxes = bound.whole()
        made, flag = bound.schedule(boxes), np.zeros(1, np.int64)
        schedule = _with_packing(program, bound, made, flag)
        if schedule is None:
            return None
        template = schedule.template(program.compiler)
        weights = program.network.constants
        inputs = {"x": bound.facts["x"]} | {name: Fact.of(array) for name, array in weights.items()}
        outputs = {name: bound.facts[name] for name in program.network.outputs}
        ready = Ready.of(template, bound.arena, inputs, outputs, {"x": boxes["x"]} if "x" in boxes else {}, bound.work(boxes))
        return None if ready is None else cls(ready, flag, sum(array.nbytes for array in weights.values()))

    def __call__(self, arrays: Sequence[Any], out: Any) -> Array | None:
        """The result for (signal, weights, bias if any); ``None`` unless all are plain and finite."""
        with self._lock:
            self._flag[0] = 0
            results = self._ready(arrays, out, None)
            return None if results is None or self._flag[0] else results[0]


def _with_packing(program: Program, bound: Bound, made: Schedule, flag: Array) -> Schedule | None:
    """The tape with steps before it that pack what it reads."""
    schedule = Schedule(keep=[*made.keep, flag], arena_bytes=made.arena_bytes)
    packed = [entry for entry in program.packed.values() if isinstance(entry, Packed)]
    arrays = {"w": [entry.weights for entry in packed], "bias": [entry.bias for entry in packed]}
    for name, constant in program.network.constants.items():
        lanes = bound.compiler.target.lanes(constant.dtype.name)
        for found in find_packing(arrays[name], lanes):
            found.launch(schedule, bound.compiler, Buffer(Home.INPUT, 0, name), flag)
    known = {id(array) for entry in packed for array in (entry.weights, entry.bias)}
    numbered = list(program.network.constants.values())
    if any(_reads(launch, known, numbered) for launch in made.launches):
        return None
    schedule.launches += made.launches
    return schedule


def _reads(launch: Launch, known: set[int], numbered: Sequence[Array]) -> bool:
    """Whether a step reads the weights themselves, not packed."""
    arrays = [word.buffer.array for word in launch.words if isinstance(word, Address) and word.buffer.home is Home.CONSTANT]
    return any(id(a) not in known and np.may_share_memory(a, b) for a in arrays for b in numbered if a is not None)


class Kinds:
    """The kinds of calls that were seen lately. One that comes a second time is made ready for a third."""

    def __init__(self) -> None:
        self._calls: dict[object, int] = {}  # how often a kind was called the long way
        self._ready: dict[object, Unpacked] = {}
        self.renew()
        renew_in_child(self)

    def renew(self) -> None:
        self._lock = threading.Lock()

    def ready(self, key: object) -> Unpacked | None:
        """The call's kind if it is ready."""
        return self._ready.get(key)

    def learn(self, key: object, make: Callable[[], Unpacked | None]) -> None:
        """A call of this kind was made the long way; the second such call makes the kind ready, if it can be."""
        with self._lock:
            calls = self._calls[key] = self._calls.pop(key, 0) + 1
            while len(self._calls) > KINDS:
                self._forget(next(iter(self._calls)))
        made = make() if calls == 2 else None
        if made is None or made.bytes > KEEP_BYTES:
            return
        with self._lock:
            self._ready[key] = made
            while sum(each.bytes for each in self._ready.values()) > KEEP_BYTES:
                self._forget(next(iter(self._ready)))

    def _forget(self, key: object) -> None:
        self._calls.pop(key, None)
        self._ready.pop(key, None)


class Latest(Generic[Made]):
    """What was made for the latest keys, at most ``count`` of them; ``None`` is no key."""

    def __init__(self, count: int) -> None:
        self._count, self._made = count, dict[object, Made]()

    def get(self, key: object | None) -> Made | None:
        """What was made for the key, if it is kept."""
        return self._made.get(key)

    def put(self, key: object | None, made: Made) -> None:
        """Keep it as the latest one; other threads see the old entries or the new ones."""
        if key is not None:
            others = {other: value for other, value in self._made.copy().items() if other != key}
            self._made = {**dict(list(others.items())[1 - self._count :]), key: made}


def kind_of(arrays: Sequence[Any], arguments: Sequence[Any]) -> object | None:
    """What two calls share that differ in numbers only; ``None`` where that cannot be told."""
    try:
        key = (*[(array.shape, array.dtype) for array in arrays], *arguments, *map(type, arguments))
        hash(key)
    except (AttributeError, TypeError):
        return None
    return key
