"""Convolutions by tiles of outputs: bands of tiles, each through two kernels, inputs to points and products to outputs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from math import prod

from atrous.engine.codelets import winograd_kernels as kernels
from atrous.engine.codelets.convolution import Packed
from atrous.engine.codelets.winograd import Minimal
from atrous.engine.epilogue import Epilogue
from atrous.engine.lowering.tape import Tape
from atrous.engine.lowering.windows import padding_row
from atrous.engine.sweep import AxisRun
from atrous.engine.view import View
from atrous.geometry import Box, ceil_div

#: Bytes of the transformed inputs of a band: they go from core to core by way of the last cache.
BAND = 4 * 2**20
#: The same where planes of neighbouring bands overlap and are transformed twice.
DEEP = 16 * 2**20
#: Units of work a core, at the least, into which the products of a band are cut.
UNITS = 4


def tiles_of(axis: AxisRun, m: int) -> range:
    """The tiles of an axis that hold its outputs: ``m`` each, of one residue class of the dilation."""
    step = axis.window.dilation if m > 1 else 1
    return range(axis.first // (m * step) * step, ceil_div(axis.first + axis.count, m * step) * step)


@dataclass(frozen=True, eq=False)
class Filtered:
    """One convolution to be computed by tiles: what ``filtered`` hands from step to step."""

    tape: Tape
    spec: Minimal
    packed: Packed
    x: View
    out: View
    axes: Sequence[AxisRun]
    operands: Sequence[View]

    @property
    def block(self) -> int:
        """Elements of a block of transformed tiles."""
        return self.spec.points * self.spec.block * self.spec.pitch(self.tape.compiler.target)

    @cached_property
    def tiles(self) -> list[range]:
        """The tiles of every axis, those that only later pieces of the taps read with them; of one that is summed, outputs."""
        found = []
        for axis, m, pieces in zip(self.axes, self.spec.outputs, self.spec.pieces, strict=True):
            tiles = tiles_of(axis, m)
            found.append(range(tiles.start, tiles.stop + (pieces - 1) * axis.window.dilation))
        return found

    @property
    def count(self) -> int:
        """Tiles that are numbered in one row: of a plane, or where none are summed, of all images."""
        summed = self.spec.summed
        return prod(map(len, self.tiles[summed:])) * (1 if summed else self.out.shape[0])

    @property
    def shift(self) -> int:
        """How many tiles farther on the last piece of the taps reads than the first."""
        shift = 0
        for part, pieces, axis in list(zip(self.tiles, self.spec.pieces, self.axes, strict=True))[self.spec.summed :]:
            shift = shift * len(part) + (pieces - 1) * axis.window.dilation
        return shift

    def room(self, blocks: int) -> tuple[int, int, int]:
        """How transformed inputs lie: elements between vectors of channels (in tiles), between blocks, and of a plane.

        Block by block; where pieces of the taps read tiles farther on, all blocks as one. An odd number of tiles apart, vectors
        do not crowd the first cache.
        """
        spec = self.spec
        pitch, lanes = (part(self.tape.compiler.target) for part in (spec.pitch, lambda t: t.lanes(spec.c.dtype)))
        if self.shift == 0:
            size = spec.points * spec.block * pitch
            return spec.block, size, blocks * size
        tiles = (blocks * spec.block + self.shift) | 1
        return tiles, spec.block * lanes, spec.points * tiles * pitch

    def planes(self, outputs: range) -> range:
        """The planes that these outputs of a summed axis read."""
        axis = self.axes[0]
        lo, hi = axis.window.needs(outputs.start, outputs.stop)
        lo = min(max(0, lo), axis.extent)
        return range(lo, max(lo, min(hi, axis.extent)))


@dataclass(frozen=True, slots=True)
class Band:
    """What goes through both kernels at once: ``blocks`` from tile ``base`` on, of these outputs of a summed axis, if any.

    ``read`` are the planes that are transformed for them.
    """

    base: int
    blocks: int
    outputs: range
    read: range


def filtered(work: Filtered) -> None:
    """Launch the kernels, band by band."""
    spec, tape, axes = work.spec, work.tape, len(work.axes)
    plain = replace(spec, c=replace(spec.c, epilogue=Epilogue(), outputs=1))  # what the transform of the inputs depends on
    inputs = tape.compiler.kernel(f"winograd inputs {plain!r}", lambda e: kernels.emit_inputs(e, plain))
    products = tape.compiler.kernel(f"winograd products {spec!r}", lambda e: kernels.emit_products(e, spec))
    bands = _deep_bands(work) if spec.summed else _flat_bands(work)
    images = work.out.shape[0] if spec.summed else 1
    largest = max(images * len(band.read) * work.room(band.blocks)[2] for band in bands)
    v = tape.schedule.array(Box((0,), (largest,)), work.x.dtype, rows=True)
    for band in bands:
        tiles = min(work.count - band.base, band.blocks * spec.block + work.shift)
        words = _input_words(work, v, band)
        tape.schedule.launch(inputs, kernels.input_names(axes), words, images * len(band.read) * tiles)
        words, groups = _product_words(work, v, band)
        units = images * len(band.outputs) * band.blocks * groups
        tape.schedule.launch(products, kernels.product_names(spec.c), words, units)


def _flat_bands(work: Filtered) -> list[Band]:
    """Parts of the row of all tiles that are alike, whole blocks each, whose transformed inputs fit the last cache."""
    blocks = ceil_div(work.count, work.spec.block)
    most = max(1, BAND // (work.block * work.x.item))
    most = ceil_div(blocks, ceil_div(blocks, most))
    one = range(1)
    return [Band(lo * work.spec.block, min(most, blocks - lo), one, one) for lo in range(0, blocks, most)]


def _deep_bands(work: Filtered) -> list[Band]:
    """Parts of the summed axis that are alike; planes that two of them read are transformed twice."""
    blocks, outputs = ceil_div(work.count, work.spec.block), work.tiles[0]
    plane = work.out.shape[0] * blocks * work.block * work.x.item
    one, whole = (len(work.planes(part)) * plane for part in (outputs[:1], outputs))
    most = len(outputs)
    if whole > DEEP:
        most = 1 + max(0, DEEP - one) * (len(outputs) - 1) // max(1, whole - one)
        most = ceil_div(len(outputs), ceil_div(len(outputs), most))
    parts = [outputs[lo : lo + most] for lo in range(0, len(outputs), most)]
    return [Band(0, blocks, part, work.planes(part)) for part in parts]


def _groups(work: Filtered, blocks: int) -> tuple[int, int]:
    """How many blocks of output channels a unit goes through, and how many such units a block of tiles has."""
    target = work.tape.compiler.target
    outputs = ceil_div(work.spec.c.outputs, work.spec.width(target))
    groups = min(outputs, ceil_div(UNITS * target.cores, max(1, blocks)))
    inner = ceil_div(outputs, groups)
    return inner, ceil_div(outputs, inner)


def _input_words(work: Filtered, v: View, band: Band) -> dict[str, object]:
    x, summed = work.x, work.spec.summed
    pad = padding_row(work.tape, x.dtype, work.spec.pitch(work.tape.compiler.target), 0.0)
    origin = (work.out.box.lo[0], x.box.lo[1], *(0 for _ in work.axes))
    words: dict[str, object] = {"x": x.place(origin), "v": v.place(), "pad": pad, "xb": x.strides[0]}
    words |= {"tiles": work.count, "base": band.base}
    words["room"], words["leap"], words["slab"] = work.room(band.blocks)
    for number, (axis, part) in enumerate(zip(work.axes, work.tiles, strict=True)):
        part, before = (band.read, 0) if number < summed else (part, axis.window.pad_lo)
        # What no output reads counts as padding, so that boxes, which do not have it, meet the same.
        read = axis.window.needs(0, axis.window.output_size(axis.extent))[1]
        words |= {f"x{number}": x.strides[2 + number], f"e{number}": min(axis.extent, read), f"p{number}": before}
        words |= {f"f{number}": part.start, f"t{number}": len(part)}
    return words


def _product_words(work: Filtered, v: View, band: Band) -> tuple[dict[str, object], int]:
    """The words of a band's products, and how many units each of its blocks is."""
    out, (depth, *_), summed = work.out, work.axes, work.spec.summed
    origin = (*out.box.lo[:2], *(0 for _ in work.axes))
    words: dict[str, object] = {"v": v.place(), "w": work.packed.weights, "b": work.packed.bias}
    words |= {"y": out.place(origin), "yb": out.strides[0], "planes": len(band.read), "plane": band.read.start}
    words |= {"extent": depth.extent, "origin": depth.window.pad_lo}
    words |= {"tiles": work.count, "blocks": band.blocks, "base": band.base}
    words["room"], words["leap"], words["slab"] = work.room(band.blocks)
    inner, groups = _groups(work, band.blocks * len(band.outputs) * (out.shape[0] if summed else 1))
    words |= {"inner": inner, "groups": groups}
    for number, (axis, part) in enumerate(zip(work.axes, work.tiles, strict=True)):
        part = band.outputs if number < summed else part
        words |= {f"y{number}": out.strides[2 + number], f"l{number}": axis.first, f"n{number}": axis.first + axis.count}
        words |= {f"f{number}": part.start, f"t{number}": len(part)}
    for j, view in enumerate(work.operands):
        words |= {f"r{j}": view.place(origin), f"r{j}b": view.strides[0]}
        words |= {f"r{j}.{number}": view.strides[2 + number] for number in range(len(work.axes))}
    return words, groups
