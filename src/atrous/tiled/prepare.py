"""From what a caller passes to a planned job: sources and sinks opened, network compiled and bound, tile chosen."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, SupportsIndex, cast

import numpy as np

from atrous.errors import ArgumentError, MemoryBudgetError
from atrous.geometry.sizes import per_axis
from atrous.graph.fact import Array, Fact
from atrous.graph.network import Network
from atrous.tiled.aside import Aside
from atrous.tiled.bound import Program
from atrous.tiled.footprint import Job, Need, middle
from atrous.tiled.formats import Format, format_of, open_file
from atrous.tiled.formats.array import ArraySink, ArraySource, as_array, check_apart
from atrous.tiled.layout import input_layout, output_layout
from atrous.tiled.memory import megabytes, parse_memory, release_heap, resident
from atrous.tiled.plan import MemoryLine, TilePlan
from atrous.tiled.search import choose, grid_need, smallest_tile
from atrous.tiled.source import Sink, Source

#: What a run may take beyond what is counted: Python objects of the loop, library pages touched for the first time.
MARGIN = 8_000_000


#: Sizes of a tile along the spatial axes: one for all, or one each.
TileSize = SupportsIndex | Sequence[SupportsIndex]


@dataclass(frozen=True, slots=True)
class Options:
    """How to run, as the caller said it; see ``run``."""

    memory: int | str | None = None
    tile: TileSize | None = None
    threads: int | None = None
    overwrite: bool = False
    accuracy: str = "default"


@dataclass(frozen=True, eq=False)
class Prepared:
    """A job and its plan: everything is known and checked, nothing is read or written yet."""

    job: Job
    plan: TilePlan


@contextmanager
def prepared(
    network: Network | Program,
    source: object,
    out: object,
    options: Options,
) -> Iterator[Prepared]:
    """A planned job; its source is closed at the end. Cheap checks come first: files and shapes before compiling."""
    program = None if isinstance(network, Network) else network
    described = network if isinstance(network, Network) else network.network
    name, fact = _single_input(described)
    target = _target(out, options.overwrite)
    if options.memory is not None:
        parse_memory(options.memory)
    with open_source(source) as opened:
        reading = input_layout(opened.shape, opened.axes, fact, opened.name)
        _check_dtype(opened, name, fact)
        bound = (program or compile_network(described, options.threads, options.accuracy)).bind(
            {name: reading.network_shape(opened.shape)}
        )
        output = bound.facts[bound.network.outputs[0]]
        image = bool(opened.axes) or (target is not None and target[1].image)
        writing, axes = output_layout(output.sizes, reading, image)
        stored = writing.stored_shape(output.sizes)
        sink = _open_sink(out, target, stored, np.dtype(output.dtype), axes)
        if isinstance(out, np.ndarray) and isinstance(opened, ArraySource):
            check_apart(opened.array, out)
        job = Job(bound, opened, reading, sink, writing)
        yield Prepared(job, _plan(job, described.name, options))


def compile_network(network: Network, threads: int | None, accuracy: str) -> Program:
    """The engine's program."""
    from atrous.engine.program import compile_network as compiled  # the engine is loaded when it is needed

    return compiled(network, threads, accuracy=accuracy)


def open_source(source: object) -> Source:
    """A source from a path or an array."""
    if isinstance(source, str | os.PathLike):
        return open_file(Path(os.fspath(source)))
    return ArraySource(as_array("input", source))


def _single_input(network: Network) -> tuple[str, Fact]:
    if len(network.inputs) != 1 or len(network.outputs) != 1:
        raise ArgumentError(
            f"network: {network.name} has inputs {list(network.inputs)} and outputs {list(network.outputs)}; run and plan take "
            "one of each: call the compiled network on arrays (net.compile()), or keep the part that leads to one output"
        )
    return next(iter(network.inputs.items()))


def _target(out: object, overwrite: bool) -> tuple[Aside, Format] | None:
    if not isinstance(out, str | os.PathLike):
        return None
    path = Path(os.fspath(out))
    form = format_of(path)
    return Aside(path, overwrite), form


def _open_sink(
    out: object, target: tuple[Aside, Format] | None, shape: tuple[int, ...], dtype: np.dtype[Any], axes: str
) -> Sink:
    if target is not None:
        aside, form = target
        return form.create(aside, shape, dtype, axes)
    return ArraySink(shape, dtype, cast("Array | None", out))


def _check_dtype(source: Source, name: str, fact: Fact) -> None:
    if source.dtype.name != fact.dtype:
        scale = {"uint8": " 255", "uint16": " 65535"}.get(source.dtype.name, "")
        raise ArgumentError(
            f"{source.name}: its elements are {source.dtype.name}; the network's input {name!r} is {fact!r}. Convert the array "
            f"(x.astype('{fact.dtype}')), or let the network do it: --scale{scale} adds the layers"
        )


def _plan(job: Job, network: str, options: Options) -> TilePlan:
    """The plan of a job within a budget; ``MemoryBudgetError`` if there is none."""
    job.need(middle(job.output_fact.sizes, smallest_tile(job)))  # kernels are compiled and weights packed: they count as ours
    job.bound.release()  # what earlier runs left for the next one is no need of this one
    release_heap()
    budget, tile = parse_memory(options.memory), options.tile
    fixed = _fixed_memory(job)
    room = budget - sum(line.size for line in fixed)
    sizes = job.output_fact.sizes
    if tile is not None:
        chosen = _given_tile(tile, sizes)
        found: tuple[tuple[int, ...], Need] | None = (chosen, grid_need(job, chosen))
        if found is not None and found[1].total > room:
            found = None
    else:
        chosen, found = smallest_tile(job), choose(job, room)
    if found is None:
        raise MemoryBudgetError(
            _too_small(job, network, budget, budget - room + grid_need(job, chosen).total, tile is not None)
        )
    chosen, need = found
    whole = job.work(middle(sizes, sizes))
    return TilePlan(
        network=network,
        input=job.input,
        input_shape=job.input_fact.sizes,
        output=job.output,
        output_shape=sizes,
        tile=chosen,
        halo=job.halo(chosen),
        overhead=sum(job.work(kind.box) * kind.count for kind in job.kinds(chosen)) / whole - 1 if whole else 0.0,
        memory=(*fixed, *_tile_memory(need)),
        budget=budget,
    )


def _fixed_memory(job: Job) -> tuple[MemoryLine, ...]:
    return (
        MemoryLine("this process now: Python, libraries, the compiled network", resident()),
        MemoryLine("margin for what is not counted", MARGIN),
        MemoryLine("source: what stays decoded in memory", job.source.held),
        MemoryLine("sink: the result, as far as it stays in memory", job.sink.held),
    )


def _tile_memory(need: Need) -> tuple[MemoryLine, ...]:
    return (
        MemoryLine("arena of a tile: activation maps between layers", need.arena),
        MemoryLine("input of a tile, with halo", need.tile_in),
        MemoryLine("output of a tile", need.tile_out),
        MemoryLine("reading a tile", need.source),
        MemoryLine("writing a tile", need.sink),
    )


def _given_tile(tile: TileSize, sizes: tuple[int, ...]) -> tuple[int, ...]:
    """A tile of one batch item with these spatial sizes, from one integer or one for each spatial axis of the output."""
    space = per_axis("tile", tile, len(sizes) - 2)
    return (1, *sizes[1:2], *(min(t, n) for t, n in zip(space, sizes[2:], strict=True)))


def _too_small(job: Job, network: str, budget: int, smallest: int, given: bool) -> str:
    works = f"{-(-int(smallest + MARGIN / 2) // 1_000_000)}MB"
    text = f"memory: {megabytes(budget)} is too small for {network} on {job.source.name}"
    if given:
        return f"{text} with this tile, which needs {works}; give memory={works!r} (--memory {works}) or a smaller tile"
    if job.whole_nodes:
        names = ", ".join(f"{node.name!r} ({type(node.layer).__name__})" for node in job.whole_nodes[:8])
        more = f" and {len(job.whole_nodes) - 8} more" if len(job.whole_nodes) > 8 else ""
        text += f". It cannot be cut into tiles, because these nodes read the whole signal: {names}{more}"
    return f"{text}. The smallest budget that works is memory={works!r} (--memory {works})"
