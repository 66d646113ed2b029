"""Convolutions whose weights come with each call: all but packing them is made once for each kind of call.

The program is made for weights that number themselves (``engine.packing``). Its tape gets one step more for each packed array,
which packs the call's weights into scratch memory on all threads, and weights and bias become inputs like the signal. All kinds
share one scratch memory, as large as the largest needs.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Generic, TypeVar

import numpy as np

from atrous.engine.chain import chained
from atrous.engine.codelets.convolution import Packed
from atrous.engine.forking import renew_in_child
from atrous.engine.packing import MOST_WEIGHTS, Gathering, Packing, Target, find_packing
from atrous.engine.program import Bound, Program
from atrous.engine.ready import Ready
from atrous.engine.schedule import LINE, Launch, Schedule, Word
from atrous.engine.view import Address, Buffer, Home
from atrous.geometry import ceil_div
from atrous.graph.fact import Array, Fact

#: Kinds of calls that are kept, and the memory of their tables in bytes.
KINDS, KEEP_BYTES = 32, 64 * 2**20
#: What of ``Packed`` follows from which constant.
_PARTS = (("w", "weights"), ("bias", "bias"))
#: Blocks a core, at the least, that are packed one by one; and the part of a second cache that one may take.
CHAINED, ROOM = 2, 0.75
Made = TypeVar("Made")


class Unpacked:
    """One kind of call: a layer, and the shapes and types of its signal, weights and bias.

    What a call packs lies in scratch memory that all kinds share, so calls from several threads do not meet in it.
    """

    def __init__(self, ready: Ready, size: int) -> None:
        self._ready, self.bytes = ready, size

    @classmethod
    def of(cls, program: Program, shape: tuple[int, ...]) -> Unpacked | None:
        """From a program for numbered weights; ``None`` if a kernel reads weights that are not packed."""
        if any(array.size > MOST_WEIGHTS for array in program.network.constants.values()):
            return None
        bound = program.bind({"x": shape})
        boxes = bound.whole()
        made = bound.schedule(boxes)
        flag = ceil_div(made.arena_bytes, LINE) * LINE
        schedule = _with_packing(program, bound, made, flag)
        if schedule is None:
            return None
        template = schedule.template(program.compiler)
        weights = program.network.constants
        inputs = {"x": bound.facts["x"]} | {name: Fact.of(array) for name, array in weights.items()}
        outputs = {name: bound.facts[name] for name in program.network.outputs}
        whole = {"x": boxes["x"]} if "x" in boxes else {}
        ready = Ready.of(template, bound.arena, inputs, outputs, whole, bound.work(boxes), flag)
        return None if ready is None else cls(ready, sum(array.nbytes for array in schedule.keep))

    @property
    def scratch_bytes(self) -> int:
        """Memory that a call takes while it runs, packed weights included, in bytes."""
        return self._ready.scratch_bytes

    def __call__(self, arrays: Sequence[Any], out: Any) -> Array | None:
        """The result for (signal, weights, bias if any); ``None`` unless all are plain and finite."""
        results = self._ready(arrays, out, None)
        return None if results is None else results[0]


def _with_packing(program: Program, bound: Bound, made: Schedule, flag: int) -> Schedule | None:
    """The tape with steps before it that pack what it reads: behind its own scratch memory, after the word of the flag."""
    packed = [entry for entry in program.packed.values() if isinstance(entry, Packed)]
    names = {name: [getattr(entry, part) for entry in packed] for name, part in _PARTS if name in program.network.constants}
    scratch, at = Buffer(Home.ARENA, 0), flag + LINE
    schedule, places = Schedule(), dict[int, Address]()
    own: list[tuple[Packing | Gathering, Launch]] = []  # steps that pack the weights
    for name, arrays in names.items():
        targets = []
        for array in arrays:
            targets.append(Target(array, at))
            places[id(array)] = Address(scratch, at)
            at += ceil_div(array.nbytes, LINE) * LINE
        lanes = bound.compiler.target.lanes(program.network.constants[name].dtype.name)
        for found in find_packing(targets, lanes):
            found.launch(schedule, bound.compiler, Buffer(Home.INPUT, 0, name), scratch, Address(scratch, flag))
            own += [(found, schedule.launches[-1])] if name == "w" else []
    numbered = list(program.network.constants.values())
    launches = []
    for launch in made.launches:
        words = tuple(_moved(word, places) for word in launch.words)
        if any(_reads(word, numbered) for word in words):
            return None
        launches.append(Launch(launch.kernel, words, launch.units))
    if len(names["w"]) == len(own) == 1:
        packing, step = own[0]
        if isinstance(packing, Packing):
            _chain(program, schedule, launches, packing, step, names["w"][0], places)
    schedule.launches += launches
    schedule.keep += [array for array in made.keep if id(array) not in places]
    schedule.arena_bytes = at
    return schedule


def _chain(
    program: Program,
    schedule: Schedule,
    launches: list[Launch],
    packing: Packing,
    step: Launch,
    array: Array,
    places: Mapping[int, Address],
) -> None:
    """Pack large weights block by block, each just before the outputs that it makes: they are read from the second cache.

    That takes one kernel that reads them, with its blocks outermost, and enough blocks for all cores.
    """
    if not program.planner.chosen:  # the kernel has no plan
        return
    request, plan = next(reversed(program.planner.chosen.items()))
    target = program.compiler.target
    blocks = plan.codelet.blocks(request.c, plan.register, target)
    start = places[id(array)]
    readers = [place for place, launch in enumerate(launches) if any(_same(word, start) for word in launch.words)]
    fits = array.nbytes // blocks <= target.caches.l2 * ROOM and array.nbytes > target.caches.l2
    if not fits or blocks < CHAINED * target.cores or plan.inner != 1 or len(readers) != 1:
        return
    reader = launches[readers[0]]
    if reader.units % blocks == step.units % blocks == 0 and packing.parts(blocks, start.bytes, array.nbytes):
        schedule.launches.remove(step)
        launches[readers[0]] = chained(program.compiler, step, reader, blocks)


def _same(word: Word, address: Address) -> bool:
    return isinstance(word, Address) and (word.buffer, word.bytes) == (address.buffer, address.bytes)


def _moved(word: Word, places: Mapping[int, Address]) -> Word:
    """The address in scratch memory of what a call packs, instead of that of the array packed from numbers."""
    if isinstance(word, int) or id(word.buffer.array) not in places:
        return word
    start = places[id(word.buffer.array)]
    return Address(start.buffer, start.bytes + word.bytes)


def _reads(word: Word, numbered: Sequence[Array]) -> bool:
    """Whether a word is the place of the weights themselves, not packed."""
    array = None if isinstance(word, int) else word.buffer.array
    return array is not None and any(np.may_share_memory(array, other) for other in numbered)


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
