"""Running a network over an input of any size, exactly: the same bits as the whole run, in a planned amount of memory."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from pathlib import Path

import numpy as np

from atrous.geometry import Box
from atrous.graph.fact import Array
from atrous.graph.network import Network
from atrous.tiled.bound import Program
from atrous.tiled.footprint import Job
from atrous.tiled.plan import TilePlan
from atrous.tiled.prepare import Options, TileSize, prepared

#: Called with (tiles done, tiles in all): first with 0 done, then after each tile.
Progress = Callable[[int, int], None]


def run(
    network: Network | Program,
    source: object,
    out: object = None,
    *,
    memory: int | str | None = None,
    tile: TileSize | None = None,
    threads: int | None = None,
    overwrite: bool = False,
    accuracy: str = "default",
    progress: Progress | None = None,
    planned: Callable[[TilePlan], None] | None = None,
) -> Array | Path:
    """Run a network with one input and one output on an array or a file, tile by tile.

    ``source`` is an array (NumPy, memory map, or anything with DLPack, ``__array__`` or the buffer protocol) or the path of a
    ``.npy``, PNG, JPEG or TIFF file. Its axes are the network's, ``(N, C, *space)``, of which leading ones of size 1 may be
    missing; an image has rows, columns and perhaps channels. Its type must be the type of the network's input.

    ``out`` is a path (the result is written aside and moved into place when it is complete; an existing file is replaced only
    with ``overwrite``), an array that receives the result, or ``None``: a new array. The path or the array is returned.

    ``memory`` is the budget for the peak of the whole process, in bytes or as '300MB', '2GiB' (default: what the process uses
    and half of the free memory); ``tile`` fixes the size of output tiles along the spatial axes instead of choosing it.
    Neither changes a bit of the result, nor does ``threads``. ``accuracy`` is that of ``atrous.compile``; a ``Program`` has its
    own. ``progress(done, total)`` is called after each tile;
    ``planned(plan)`` once before the first, and may stop the run by raising.

    Raises ``ArgumentError``, ``FileError``, or ``MemoryBudgetError`` before anything is read when the budget is too small.

    >>> from atrous.graph.networks import dncnn
    >>> image = np.zeros((100, 120), np.float32)
    >>> run(dncnn(), image, tile=64).shape
    (100, 120)
    """
    with prepared(network, source, out, Options(memory, tile, threads, overwrite, accuracy)) as ready:
        if planned is not None:
            planned(ready.plan)
        return _execute(ready.job, ready.plan, threads, progress)


def plan(
    network: Network | Program,
    source: object,
    out: object = None,
    *,
    memory: int | str | None = None,
    tile: TileSize | None = None,
    threads: int | None = None,
    overwrite: bool = False,
    accuracy: str = "default",
) -> TilePlan:
    """The plan that ``run`` with the same arguments follows; nothing is read but headers, and nothing is written.

    >>> from atrous.graph.networks import dncnn
    >>> plan(dncnn(), np.zeros((100, 120), np.float32), tile=64).grid
    (1, 1, 2, 2)
    """
    with prepared(network, source, out, Options(memory, tile, threads, overwrite, accuracy)) as ready:
        return ready.plan


def _execute(job: Job, plan: TilePlan, threads: int | None, progress: Progress | None) -> Array | Path:
    from atrous.engine.runtime import check_threads  # the engine is loaded when it is needed

    buffers, workers, done = _Buffers(), check_threads(threads), 0
    try:
        job.sink.begin()
        if progress is not None:
            progress(done, plan.count)
        for tile in plan.tiles():
            _compute(job, tile, buffers, workers)
            done += 1
            if progress is not None:
                progress(done, plan.count)
        result: Array | Path = job.sink.finish()
    except BaseException:  # Ctrl-C too
        job.sink.abandon()
        raise
    finally:
        job.bound.release()  # a program may live on: the next plan must not find this run's memory in use
    return result


def _compute(job: Job, tile: Box, buffers: _Buffers, threads: int) -> None:
    demand = job.bound.demand({job.output: tile})
    inputs = {}
    read = demand.get(job.input)
    if read is not None:
        inputs[job.input] = _read(job, read, buffers)
    stored = job.writing.stored_box(tile)
    result = _target(job, tile, buffers)
    job.bound.run(demand, inputs, {job.output: result}, threads)
    job.source.release()
    job.sink.write(stored, job.writing.stored_view(result))


def _target(job: Job, tile: Box, buffers: _Buffers) -> Array:
    """Where the tile's output is computed: right in the sink where that is possible, else in a buffer."""
    if job.computes_in_place(tile):
        target = job.sink.view(job.writing.stored_box(tile))
        assert target is not None, "a sink that computes in place has views"
        return job.writing.network_view(target)
    return buffers.take("output", tile.shape, job.output_fact.dtype)


def _read(job: Job, box: Box, buffers: _Buffers) -> Array:
    """The tile's input: a view where the source is in memory, else read into a buffer."""
    view = job.view(box)
    if view is not None:
        return view
    tile = buffers.take("input", box.shape, job.input_fact.dtype)
    job.source.read(job.reading.stored_box(box), job.reading.stored_view(tile))
    return tile


class _Buffers:
    """The two arrays that all tiles share, so that memory is taken once and stays warm."""

    def __init__(self) -> None:
        self._kept: dict[str, Array] = {}

    def take(self, use: str, shape: tuple[int, ...], dtype: str) -> Array:
        """An array of this shape over the buffer of this use; what it held before is lost."""
        size = prod(shape) * np.dtype(dtype).itemsize
        kept = self._kept.pop(use, None)
        if kept is None or kept.nbytes < size:
            del kept  # the old one goes before the new one comes
            kept = np.empty(size, np.uint8)
        self._kept[use] = kept
        return kept[:size].view(dtype).reshape(shape)
