"""Layers that move elements: most are only another view of the same memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from math import prod

import numpy as np

from atrous.engine.codelets import lookup
from atrous.engine.codelets.grid import accesses, grid_words, merge
from atrous.engine.codelets.take import Table
from atrous.engine.lowering.rules import lower
from atrous.engine.lowering.tape import Tape, Task, spread
from atrous.engine.view import Address, Layout, View, row_major
from atrous.geometry import Box
from atrous.geometry.blocks import Clamped, Mirrored
from atrous.graph.fact import Array
from atrous.graph.layers import movement as layers
from atrous.graph.layers.reshaping import Reshaping


@lower.register
def _(layer: layers.Transpose, tape: Tape, task: Task) -> View:
    x = task.operands[0]
    order = layer.order(len(x.shape))
    box = Box(tuple(x.box.lo[i] for i in order), tuple(x.box.hi[i] for i in order))
    turned = View(x.buffer, x.dtype, box, tuple(x.strides[i] for i in order), x.start)
    return tape.finish(task, turned.crop(task.box))


@lower.register
def _(layer: layers.Slice, tape: Tape, task: Task) -> View:
    x = task.operands[0]
    taken = layer.ranges(*task.facts)
    first = [r.start + lo * r.step for r, lo in zip(taken, task.box.lo, strict=True)]
    moved = sum((a - b) * step for a, b, step in zip(first, x.box.lo, x.strides, strict=True))
    strides = tuple(step * r.step for r, step in zip(taken, x.strides, strict=True))
    return tape.finish(task, View(x.buffer, x.dtype, task.box, strides, x.start + moved))


@lower.register
def _(layer: layers.Expand, tape: Tape, task: Task) -> View:
    return tape.finish(task, replace(spread(task.operands[0], task.box), box=task.box))


@lower.register
def _(layer: layers.Concat, tape: Tape, task: Task) -> View:
    axis = layer.axis % len(task.box.lo)
    plain = task.plain()
    rows = not any(_spatial(view) for view in task.operands)
    out = task.target if task.target and not task.steps else tape.new(plain, rows=rows)
    for view, start, fact in zip(task.operands, layer.offsets(*task.facts), task.facts, strict=False):
        lo, hi = list(task.box.lo), list(task.box.hi)
        lo[axis], hi[axis] = max(lo[axis], start), min(hi[axis], start + fact.sizes[axis])
        part = Box(tuple(lo), tuple(hi))
        if part.empty:
            continue
        lo[axis], hi[axis] = lo[axis] - start, hi[axis] - start
        source, place = view.crop(Box(tuple(lo), tuple(hi))), out.crop(part)
        written = (source.buffer, source.start, source.strides) == (place.buffer, place.start, place.strides)
        if not written:
            tape.copy(source, place)
    return tape.finish(task, out)


def _spatial(view: View) -> bool:
    return len(view.shape) >= 3 and view.channels_last()


@lower.register
def _(layer: layers.Pad, tape: Tape, task: Task) -> View:
    pairs = layer.pairs(*task.facts)
    if layer.mode == "constant":
        return tape.finish(task, _frame(tape, task, pairs))
    value = task.operands[0]
    sizes = task.facts[0].sizes
    for axis, (lo, hi) in enumerate(pairs):
        if (lo, hi) == (0, 0):
            value = _cut(value, axis, task.box)
            continue
        box = _with_axis(value.box, axis, task.box)
        places = [_source(layer.mode, place, lo, sizes[axis]) for place in range(box.lo[axis], box.hi[axis])]
        out = tape.schedule.array(box, value.dtype, rows=not _spatial(value))
        value = tape.take([Table(axis, np.array(places, np.int64).reshape(-1, 1), None)], value, out)
    return tape.finish(task, value)


def _with_axis(box: Box, axis: int, other: Box) -> Box:
    lo, hi = list(box.lo), list(box.hi)
    lo[axis], hi[axis] = other.lo[axis], other.hi[axis]
    return Box(tuple(lo), tuple(hi))


def _cut(view: View, axis: int, box: Box) -> View:
    return view.crop(_with_axis(view.box, axis, box))


def _source(mode: str, place: int, low: int, size: int) -> int:
    """Which element of the signal stands at a place of the framed one."""
    if mode == "reflect":
        return Mirrored(size, low).source(place)
    if mode == "edge":
        return Clamped(size, low).source(place)
    return (place - low) % size


def _frame(tape: Tape, task: Task, pairs: Sequence[tuple[int, int]]) -> View:
    x = task.operands[0]
    out = tape.new(task.plain() if task.steps else task, rows=not _spatial(x))
    low = [lo for lo, _ in pairs]
    inside = Box(tuple(low), tuple(lo + n for lo, n in zip(low, task.facts[0].sizes, strict=True))).intersect(task.box)
    if inside.shape != task.box.shape:
        number = task.facts[2].value if len(task.facts) > 2 else None
        tape.fill(0.0 if number is None else number, out)
    if not inside.empty:
        source = Box(*(tuple(a - b for a, b in zip(end, low, strict=True)) for end in (inside.lo, inside.hi)))
        tape.copy(x.crop(source), out.crop(inside))
    return out


@lower.register
def _(layer: layers.Tile, tape: Tape, task: Task) -> View:
    value, sizes = task.operands[0], task.facts[0].sizes
    for axis, size in enumerate(sizes):
        if size == task.output.sizes[axis]:
            value = _cut(value, axis, task.box)
            continue
        box = _with_axis(value.box, axis, task.box)
        places = np.arange(box.lo[axis], box.hi[axis], dtype=np.int64).reshape(-1, 1) % size
        value = tape.take([Table(axis, places, None)], value, tape.schedule.array(box, value.dtype, rows=not _spatial(value)))
    return tape.finish(task, value)


@lower.register
def _(layer: layers.Gather, tape: Tape, task: Task) -> View:
    """Through a table: of places that are known, or that a step before finds while the network runs."""
    x, indices = task.operands
    axis = layer.axis % len(x.shape)
    size = task.facts[0].sizes[axis]
    end, count = axis + len(indices.shape), indices.box.size
    lo, hi = (*task.box.lo[:axis], 0, *task.box.lo[end:]), (*task.box.hi[:axis], count, *task.box.hi[end:])
    out = tape.schedule.array(Box(lo, hi), x.dtype, rows=True)
    if out.box.size:
        whole = Box((*lo[:axis], 0, *lo[axis + 1 :]), (*hi[:axis], size, *hi[axis + 1 :]))
        known = task.facts[1].value
        places = _looked_up(layer, tape, task) if known is None else _known(known[indices.box.slices()], size)
        tape.take([Table(axis, places, None)], x.crop(whole), out)
    steps = out.strides
    inner = [prod(indices.shape[a + 1 :]) * steps[axis] for a in range(len(indices.shape))]
    return tape.finish(task, View(out.buffer, x.dtype, task.box, (*steps[:axis], *inner, *steps[axis + 1 :])))


def _known(indices: Array, size: int) -> Array:
    """Constant indices, which are checked already, as a table of places."""
    return np.where(indices < 0, indices + size, indices).astype(np.int64).reshape(-1, 1)


def _looked_up(layer: layers.Gather, tape: Tape, task: Task) -> Address:
    """Where the places of computed indices will be; an index that points outside becomes one on the axis, and an alarm."""
    fact, indices = task.facts[0], task.operands[1]
    axis = layer.axis % fact.rank
    size = fact.sizes[axis]
    rule = f" lies outside axis {axis} of {fact!r}; it must be in {-size}..{size - 1}"
    alarm, code = tape.schedule.alarm(f"node {task.name!r} (Gather): index ", rule)
    box = Box.full(indices.shape)
    places = View(tape.schedule.buffer(box.size, "int64"), "int64", box, row_major(box.shape))
    axes = merge(box.shape, [places.strides, indices.strides])
    first, second = accesses(axes, [places.dtype, indices.dtype])
    spec = lookup.Lookup((first, second))
    words, units = grid_words(axes, [places.place(), indices.place()])
    words |= {"size": size, "alarm": alarm, "code": code}
    tape.schedule.launch(tape.kernel(spec, lookup.emit), lookup.NAMES, words, units)
    return places.place()


@lower.register
def _(layer: layers.DepthToSpace, tape: Tape, task: Task) -> View:
    """One copy in which the block's places are axes; where the box cuts blocks, a copy for each place."""
    x, block = task.operands[0], layer.block
    rows = task.layout is Layout.ROWS if task.layout else not _spatial(x)
    out = tape.new(task.plain() if task.steps else task, rows=rows)
    if not out.channels_last():
        x = tape.as_rows(x)
    n = len(task.box.lo) - 2
    if all(end % block == 0 for ends in (task.box.lo[2:], task.box.hi[2:]) for end in ends) and n <= 2:
        tape.copy(*_blocks(layer, task, x, out))
        return tape.finish(task, out)
    depth = task.output.sizes[1]
    for place in np.ndindex(*(block,) * n):
        number = int(np.ravel_multi_index(place, (block,) * n)) if n else 0
        first, step = (number * depth, 1) if layer.mode == "DCR" else (number, block**n)
        source, target = _block_boxes(task.box, place, block)
        if target is None:
            continue
        plane = x.crop(Box((*source.lo[:1], 0, *source.lo[2:]), (*source.hi[:1], x.shape[1], *source.hi[2:])))
        channels = View(
            plane.buffer,
            plane.dtype,
            Box((source.lo[0], 0, *source.lo[2:]), (source.hi[0], depth, *source.hi[2:])),
            (plane.strides[0], plane.strides[1] * step, *plane.strides[2:]),
            plane.start + first * plane.strides[1],
        )
        corner = out.crop(Box(target, task.box.hi))
        strides = (*corner.strides[:2], *(s * block for s in corner.strides[2:]))
        tape.copy(channels, View(out.buffer, out.dtype, channels.box, strides, corner.start))
    return tape.finish(task, out)


def _blocks(layer: layers.DepthToSpace, task: Task, x: View, out: View) -> tuple[View, View]:
    """Operand and result as ``(N, C, *space, *block)``."""
    block, n = layer.block, len(task.box.lo) - 2
    depth = task.output.sizes[1]
    box = Box(
        (*task.box.lo[:2], *(a // block for a in task.box.lo[2:])), (*task.box.hi[:2], *(b // block for b in task.box.hi[2:]))
    )
    source = x.crop(Box((*box.lo[:1], 0, *box.lo[2:]), (*box.hi[:1], x.shape[1], *box.hi[2:])))
    channel, place = (1, depth) if layer.mode == "DCR" else (block**n, 1)
    within = [source.strides[1] * place * block ** (n - 1 - axis) for axis in range(n)]
    first = source.start + task.box.lo[1] * channel * source.strides[1]
    whole = Box((*box.lo, *(0,) * n), (*box.hi, *(block,) * n))
    strides = (source.strides[0], source.strides[1] * channel, *source.strides[2:], *within)
    spaced = (*out.strides[:2], *(step * block for step in out.strides[2:]), *out.strides[2:])
    return View(x.buffer, x.dtype, whole, strides, first), View(out.buffer, out.dtype, whole, spaced, out.start)


def _block_boxes(box: Box, place: Sequence[int], block: int) -> tuple[Box, tuple[int, ...] | None]:
    """For one place of the block: the input box that fills it within the output box, and its first output."""
    lo = [-((place[i] - a) // block) for i, a in enumerate(box.lo[2:])]
    hi = [-((place[i] - b) // block) for i, b in enumerate(box.hi[2:])]
    source = Box((*box.lo[:2], *lo), (*box.hi[:2], *hi))
    first = (*box.lo[:2], *(a * block + p for a, p in zip(lo, place, strict=True)))
    return source, None if source.empty else first


@lower.register
def _(layer: layers.SpaceToDepth, tape: Tape, task: Task) -> View:
    x, block = task.operands[0], layer.block
    out = tape.new(task.plain() if task.steps else task, rows=False)
    n = len(task.box.lo) - 2
    depth = task.facts[0].sizes[1]
    for number, place in enumerate(np.ndindex(*(block,) * n)):
        first = tuple(a * block + p for a, p in zip(task.box.lo[2:], place, strict=True))
        moved = sum((a - b) * step for a, b, step in zip(first, x.box.lo[2:], x.strides[2:], strict=True))
        moved += (task.box.lo[0] - x.box.lo[0]) * x.strides[0]
        strides = (*x.strides[:2], *(s * block for s in x.strides[2:]))
        part = Box((task.box.lo[0], 0, *task.box.lo[2:]), (task.box.hi[0], depth, *task.box.hi[2:]))
        first_channel, step = (number * depth, 1) if layer.mode == "DCR" else (number, block**n)
        places = (out.strides[0], out.strides[1] * step, *out.strides[2:])
        target = View(out.buffer, out.dtype, part, places, out.start + first_channel * out.strides[1])
        tape.copy(View(x.buffer, x.dtype, part, strides, x.start + moved), target)
    return tape.finish(task, out)


@lower.register
def _(layer: Reshaping, tape: Tape, task: Task) -> View:
    """Another view if the axes that merge are evenly spaced; else a copy in which they are."""
    x = task.operands[0]
    groups = axis_groups(task.facts[0].sizes, task.output.sizes)
    source = x.crop(_source_box(x, task, groups))
    if not all(_even(source, ours) for ours, _ in groups):
        source = tape.copy(source, _grouped(tape, source, groups))
    strides, box = [0] * len(task.box.lo), task.box
    for ours, theirs in groups:
        step = _inner_step(source, ours)
        for axis in reversed(theirs):
            strides[axis] = step
            step *= task.output.sizes[axis]
            if len(ours) != 1 or len(theirs) != 1:
                box = _with_axis(box, axis, Box.full(task.output.sizes))
    return tape.finish(task, View(source.buffer, x.dtype, box, tuple(strides), source.start).crop(task.box))


Groups = list[tuple[tuple[int, ...], tuple[int, ...]]]


def axis_groups(source: Sequence[int], result: Sequence[int]) -> Groups:
    """Runs of axes of both shapes that hold the same elements, as short as can be.

    >>> axis_groups((2, 12, 5), (2, 3, 4, 5))
    [((0,), (0,)), ((1,), (1, 2)), ((2,), (3,))]
    """
    if 0 in source:
        return [(tuple(range(len(source))), tuple(range(len(result))))]
    groups: Groups = []
    i = j = 0
    while i < len(source) or j < len(result):
        ours, theirs = [i] if i < len(source) else [], [j] if j < len(result) else []
        if ours and theirs and source[i] != result[j] and 1 in (source[i], result[j]):
            ours, theirs = (ours, []) if source[i] == 1 else ([], theirs)
        i, j = i + len(ours), j + len(theirs)
        while (a := prod(source[k] for k in ours)) != (b := prod(result[k] for k in theirs)):
            if a < b:
                ours.append(i)
                i += 1
            else:
                theirs.append(j)
                j += 1
        groups.append((tuple(ours), tuple(theirs)))
    return groups


def _source_box(x: View, task: Task, groups: Groups) -> Box:
    """The operand's box that the output's box holds: in place where one axis stays one, whole elsewhere."""
    lo, hi = list(x.box.lo), list(x.box.hi)
    for ours, theirs in groups:
        if len(ours) == len(theirs) == 1:
            lo[ours[0]], hi[ours[0]] = task.box.lo[theirs[0]], task.box.hi[theirs[0]]
    return Box(tuple(lo), tuple(hi))


def _wide(view: View, axes: Sequence[int]) -> list[int]:
    return [axis for axis in axes if view.shape[axis] != 1]


def _even(view: View, axes: Sequence[int]) -> bool:
    """Whether these axes can be walked as one."""
    wide = _wide(view, axes)
    return all(view.strides[a] == view.strides[b] * view.shape[b] for a, b in pairwise(wide))


def _inner_step(view: View, axes: Sequence[int]) -> int:
    wide = _wide(view, axes)
    return view.strides[wide[-1]] if wide else 1


def _grouped(tape: Tape, source: View, groups: Groups) -> View:
    """A new array in which every group of axes is walked as one: the space outside and the channels' group innermost."""
    order = [ours for ours, _ in groups if ours]
    if len(order) >= 3 and _spatial(source):
        order = [order[0], *order[2:], order[1]]
    strides, step = [0] * len(source.shape), 1
    for axes in reversed(order):
        for axis in reversed(axes):
            strides[axis] = step
            step *= source.shape[axis]
    return View(tape.schedule.buffer(source.box.size, source.dtype), source.dtype, source.box, tuple(strides))
