"""Compiled networks: bound to sizes, planned for boxes, run by all threads in native code."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from atrous.engine import memory
from atrous.engine.arrays import as_array
from atrous.engine.bands import Band, bands, once
from atrous.engine.codelets.convolution import Packed
from atrous.engine.compiler import Compiler, default_compiler
from atrous.engine.emit import BYTES
from atrous.engine.lowering import Tape, grid_of
from atrous.engine.memory import Arena, new_array
from atrous.engine.plan import Plan
from atrous.engine.planner import Planner, check_accuracy
from atrous.engine.ready import Ready
from atrous.engine.runtime import check_threads
from atrous.engine.schedule import Schedule, Template
from atrous.engine.team import native_region
from atrous.engine.wisdom import Wisdom, default_wisdom
from atrous.engine.writing import written
from atrous.errors import ArgumentError
from atrous.geometry import Box, count_bytes
from atrous.graph.demand import Demands
from atrous.graph.fact import Array, Fact
from atrous.graph.facts import infer_facts, input_facts
from atrous.graph.network import Network, Shapes
from atrous.graph.passes.pipeline import optimise, settle

Boxes = Mapping[str, Box]
#: Seconds that a multiply-add or an element takes at most, before it is measured.
_SLOWEST = 1e-9
#: Scratch memory, in bytes, from which on a run is cut into bands, where the CPU does not say how large its third cache is.
ROOM = 32 * 2**20
#: A program keeps what it made for so many sizes of its inputs.
_SIZES = 8


@dataclass(eq=False)
class Bound:
    """A program for one set of input sizes: every value has its shape, every box its tape."""

    network: Network
    facts: Mapping[str, Fact]
    compiler: Compiler
    packed: dict[Any, Any]
    planner: Planner
    arena: Arena = field(default_factory=Arena)
    _tapes: dict[tuple[tuple[str, Box], ...], Template] = field(default_factory=dict)

    @cached_property
    def _demands(self) -> Demands:
        return Demands(self.network, self.facts, self._grids)

    @cached_property
    def _grids(self) -> dict[str, tuple[tuple[int, int], ...]]:
        """The blocks that kernels compute together, of the values that are computed so."""
        tape = Tape(Schedule(), self.compiler, self.packed, self.planner)
        found = {node.output: grid_of(node, self.facts, tape) for node in self.network.nodes}
        return {name: grid for name, grid in found.items() if grid is not None}

    def demand(self, wanted: Boxes) -> dict[str, Box]:
        """The box of every value that these boxes of the outputs need."""
        return self._demands(wanted)

    def whole(self) -> dict[str, Box]:
        """The demand of the complete outputs; inputs are there as a whole, even where a stride leaves their end unread."""
        boxes = self.demand({name: Box.full(self.facts[name].sizes) for name in self.network.outputs})
        return boxes | {name: Box.full(self.facts[name].sizes) for name in self.network.inputs if name in boxes}

    def arena_bytes(self, boxes: Boxes) -> int:
        """Scratch memory that these boxes need, in bytes."""
        return self.template(boxes).arena_bytes

    def template(self, boxes: Boxes) -> Template:
        """The tape for these boxes, as a job; the last one is kept."""
        key = tuple(sorted(boxes.items(), key=lambda item: item[0]))
        made = self._tapes.get(key)
        if made is None:  # another thread may do the same at the same time, and put its own there
            made = self.schedule(boxes).template(self.compiler, seconds=self.work(boxes) * _SLOWEST)
            self._tapes = {key: made}
        return made

    def schedule(self, boxes: Boxes) -> Schedule:
        """The tape for these boxes, all its kernels made."""
        native_region(self.compiler)  # too, so that a planned peak of memory holds no compiler
        made = self._write(boxes, [once(boxes)])
        room = self.compiler.target.caches.l3 or ROOM
        parts = bands(boxes, made.arena_bytes, room, self._demands, self.work)
        if parts:
            made = min(made, self._write(boxes, parts), key=lambda schedule: schedule.arena_bytes)
        return made

    def work(self, boxes: Boxes) -> float:
        """Multiply-adds and elements that these boxes take."""
        return sum(rate * boxes[name].size for name, rate in self._rates.items() if name in boxes)

    @cached_property
    def _rates(self) -> dict[str, float]:
        """Work for one element of each node's output: its multiply-adds, and itself."""
        rates = {}
        for node in self.network.nodes:
            fact = self.facts[node.output]
            macs = node.layer.macs(fact, *(self.facts[name] for name in node.inputs))
            rates[node.output] = macs / max(1, fact.count) + 1.0
        return rates

    def run(self, boxes: Boxes, inputs: Mapping[str, Array], outputs: Mapping[str, Array], threads: int | None = None) -> None:
        """Compute these boxes: ``inputs`` hold exactly the inputs' boxes, ``outputs`` receive the outputs' ones.

        Raises ``NetworkError``, after the run, where indices that it computed point outside of what they are for.
        """
        self._check(boxes, {**inputs, **outputs})
        template = self.template(boxes)
        given = {name: np.ascontiguousarray(array) for name, array in inputs.items()}
        made = {
            name: array if _plain(array, given.values()) else np.empty(array.shape, array.dtype.newbyteorder("="))
            for name, array in outputs.items()
        }
        read, write = ({name: array.ctypes.data for name, array in side.items()} for side in (given, made))
        count = check_threads(threads)
        seat = self.arena.seat(count)
        with seat.lock:
            own = template.copy(seat.number)
            own.point(seat.address(own.arena_bytes), read, write)
            own.run(count)
        for name, array in outputs.items():
            if made[name] is not array:
                array[...] = made[name]

    def release(self) -> None:
        """Let go of the scratch memory, and of what is kept of dead results; the next run takes them again."""
        self.arena.release()
        memory.release()

    def _check(self, boxes: Boxes, arrays: Mapping[str, Array]) -> None:
        """Kernels trust their boxes: an array of another shape would be overrun."""
        for name, array in arrays.items():
            fact = Fact(self.facts[name].dtype, boxes[name].shape)
            if array.shape != fact.sizes or array.dtype != np.dtype(fact.dtype):
                seen = f"{array.dtype}[{','.join(map(str, array.shape))}]"
                raise ArgumentError(f"{name}: got {seen}; the box {boxes[name]} of this value is {fact!r}: see Bound.demand")

    def _write(self, boxes: Boxes, parts: Sequence[Band]) -> Schedule:
        tape = Tape(Schedule(), self.compiler, self.packed, self.planner)
        return written(self.network, self.facts, boxes, parts, tape, self._grids)


def _plain(array: Array, read: Iterable[Array]) -> bool:
    """Whether kernels can write the array itself: not where it shares memory with what they still read."""
    free = not any(np.may_share_memory(array, other) for other in read)
    return bool(free and array.flags.c_contiguous and array.flags.writeable and array.dtype.isnative)


class Program:
    """A network compiled for this machine: a callable, and the source of ``Bound`` programs for given sizes.

    Calling it runs whole arrays, one for each input in order, and returns an array, or a tuple of them for several outputs. It
    raises ``ArgumentError`` for arrays that do not fit, and ``NetworkError`` for indices, computed by the network, that point
    outside of what they are for; ``out`` then holds no result.
    """

    def __init__(
        self,
        network: Network,
        threads: int | None = None,
        compiler: Compiler | None = None,
        plans: Mapping[str, str] | None = None,
        wisdom: Wisdom | None = None,
        arena: Arena | None = None,
        accuracy: str = "default",
    ) -> None:
        self.network = network
        self.threads = threads
        self.compiler = compiler or default_compiler()
        learnt = default_wisdom() if wisdom is None else wisdom
        self.planner = Planner(self.compiler.target, learnt.finder(self.compiler.target), plans, check_accuracy(accuracy))
        self._optimised = optimise(network)
        _check_plans(plans or {}, self._optimised)
        #: What was made of the constants once, by key: packed weights above all.
        self.packed: dict[Any, Any] = {}
        #: Scratch memory: its own, or one that programs share.
        self._arena = arena or Arena()
        self._bound: dict[tuple[tuple[str, tuple[int, ...]], ...], Bound] = {}
        self._ready: dict[tuple[tuple[int, ...], ...], Ready | None] = {}

    def __repr__(self) -> str:
        return f"Program of {self.network!r} for {self.compiler.target.name}, {check_threads(self.threads)} threads"

    @property
    def weight_bytes(self) -> int:
        """Memory of the weights: the network's own, and as packed so far for its kernels, in bytes."""
        own = {id(array): array.nbytes for net in (self.network, self._optimised) for array in net.constants.values()}
        packed = (part.nbytes for entry in self.packed.values() for part in _arrays(entry))
        return sum(own.values()) + sum(packed)

    def __call__(self, *arrays: Any, out: Any = None) -> Any:
        """Run whole arrays; ``out`` is an array (or a tuple of them) that receives the result instead of a new one."""
        results = self.again(arrays, out)
        if results is None:
            results = self._first(arrays, out)
        return results[0] if len(results) == 1 else results

    def again(self, arrays: Sequence[Any], out: Any = None) -> tuple[Array, ...] | None:
        """The outputs, if arrays of these sizes were run before and all are plain: in C order and of the right type.

        Nothing is made or checked twice, so this takes microseconds. ``None``: not so, and nothing was done.
        """
        try:
            ready = self._ready.get(tuple([array.shape for array in arrays]))
        except (AttributeError, TypeError):
            return None
        return None if ready is None else ready(arrays, out, self.threads)

    def _first(self, arrays: Sequence[Any], out: Any) -> tuple[Array, ...]:
        """A run of any arrays, after which plain ones of the same sizes are quick."""
        given = self._inputs(arrays)
        bound = self.bind({name: array.shape for name, array in given.items()})
        boxes = bound.whole()
        names = self.network.outputs
        wanted = _places(out, names)
        made = {name: _output(place, bound.facts[name]) for name, place in zip(names, wanted, strict=True)}
        read = {name: array[boxes[name].slices()] for name, array in given.items() if name in boxes}
        bound.run(boxes, read, made, self.threads)
        key = tuple(array.shape for array in given.values())
        if key not in self._ready:
            inputs, outputs = ({name: bound.facts[name] for name in side} for side in (given, names))
            ready = Ready.of(bound.template(boxes), bound.arena, inputs, outputs, boxes, bound.work(boxes))
            self._ready = {**dict(list(self._ready.items())[1 - _SIZES :]), key: ready}
        return tuple(made[name] for name in names)

    def bind(self, shapes: Shapes | None = None) -> Bound:
        """The program for inputs of these shapes, by name; the last ones are kept."""
        facts = input_facts(self.network, shapes)
        key = tuple((name, fact.sizes) for name, fact in facts.items())
        bound = self._bound.get(key)
        if bound is None:  # another thread may do the same at the same time, and put its own there
            network = settle(self._optimised, {name: fact.sizes for name, fact in facts.items()})
            bound = Bound(network, infer_facts(network, network.inputs), self.compiler, self.packed, self.planner, self._arena)
            self._bound = {**dict(list(self._bound.items())[1 - _SIZES :]), key: bound}
        return bound

    def _inputs(self, arrays: Sequence[Any]) -> dict[str, Array]:
        names = list(self.network.inputs)
        if len(arrays) != len(names):
            raise ArgumentError(f"inputs: got {len(arrays)} arrays; the network takes {len(names)}: {', '.join(names)}")
        facts = self.network.inputs
        return {
            name: as_array(name, array, facts[name].dtype, None if facts[name].rank else 0)
            for name, array in zip(names, arrays, strict=True)
        }


def _check_plans(plans: Mapping[str, str], network: Network) -> None:
    """Refuse plans that are none, or that are for no node."""
    nodes = [node.name for node in network.nodes]
    for node, text in plans.items():
        Plan.parse(text)
        if node not in nodes:
            raise ArgumentError(f"plans: got a plan for node {node!r}; the prepared network has {', '.join(nodes)}")


def _arrays(entry: Any) -> list[Array]:
    return [entry.weights, entry.bias] if isinstance(entry, Packed) else [entry]


def _places(out: Any, names: Sequence[str]) -> list[Any]:
    """Where each output goes; ``None`` for a new array."""
    if out is None:
        return [None] * len(names)
    if len(names) == 1:
        return [out]
    if not isinstance(out, tuple | list) or len(out) != len(names):
        seen = f"{len(out)} arrays" if isinstance(out, tuple | list) else type(out).__name__
        raise ArgumentError(f"out: got {seen}; give a tuple of {len(names)} arrays, one for each output: {', '.join(names)}")
    return list(out)


def _output(place: Any, fact: Fact) -> Array:
    """The caller's array if it can hold the result, or a new one."""
    if place is None:
        count_bytes("result", fact.sizes, BYTES[fact.dtype])
        return new_array(fact.sizes, np.dtype(fact.dtype))
    if not isinstance(place, np.ndarray):
        raise ArgumentError(f"out: got {type(place).__name__}; it must be a NumPy array, {fact!r}")
    if place.shape != fact.sizes or place.dtype != np.dtype(fact.dtype):
        raise ArgumentError(f"out: got {place.dtype}[{','.join(map(str, place.shape))}]; the result is {fact!r}")
    if not place.flags.writeable:
        raise ArgumentError("out: the array is read-only; give one that can be written")
    return place


def compile_network(
    network: Network, threads: int | None = None, plans: Mapping[str, str] | None = None, accuracy: str = "default"
) -> Program:
    """Compile a network for this machine.

    ``threads`` is how many threads a run uses (default: ``set_num_threads``, or one for each available core). Compiling is
    lazy: kernels are made for the first input, and serve inputs of any other size. ``plans`` forces how nodes are computed, by
    their names, such as ``{"conv1": "direct p14v2 i1"}``; see ``atrous.plan``. ``accuracy`` says which algorithms may compute
    layers: ``"strict"`` only plain sums, in which an infinity or NaN shows where the definition has it; ``"default"`` also
    those whose largest error stays within 1e-5 of the largest output; ``"fast"`` all.
    """
    if not isinstance(network, Network):
        raise ArgumentError(f"network: got {type(network).__name__}; read a model with atrous.load, or build a Network")
    return Program(network, None if threads is None else check_threads(threads), plans=plans, accuracy=accuracy)
