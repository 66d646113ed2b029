"""Convolutions by tiles of outputs: bands of tiles, each through two kernels, inputs to points and products to outputs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
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

    def inputs(self, tiles: range) -> range:
        """What the outputs of these tiles of the first axis read: the tiles themselves, or planes where these are summed."""
        if not self.spec.summed:
            return tiles
        axis = self.axes[0]
        lo, hi = axis.window.needs(tiles.start, tiles.stop)
        lo = min(max(0, lo), axis.extent)
        return range(lo, max(lo, min(hi, axis.extent)))

    def blocks(self, tiles: Sequence[range]) -> tuple[int, int]:
        """Tiles, and blocks of them, that lie one after another: of a plane, or where none are summed, of all images."""
        count = prod(map(len, tiles[self.spec.summed :])) * (1 if self.spec.summed else self.out.shape[0])
        return count, ceil_div(count, self.spec.block)

    def transformed(self, tiles: Sequence[range]) -> int:
        """Elements of the transformed inputs of a band."""
        planes = self.out.shape[0] * len(self.inputs(tiles[0])) if self.spec.summed else 1
        return planes * self.blocks(tiles)[1] * self.block


def filtered(work: Filtered) -> None:
    """Launch the kernels, band by band of the first axis."""
    spec, tape = work.spec, work.tape
    plain = replace(spec, c=replace(spec.c, epilogue=Epilogue(), outputs=1))  # what the transform of the inputs depends on
    inputs = tape.compiler.kernel(f"winograd inputs {plain!r}", lambda e: kernels.emit_inputs(e, plain))
    products = tape.compiler.kernel(f"winograd products {spec!r}", lambda e: kernels.emit_products(e, spec))
    first, *others = (tiles_of(axis, m) for axis, m in zip(work.axes, spec.outputs, strict=True))
    bands = _bands(work, first, others)
    v = tape.schedule.array(Box((0,), (max(work.transformed([band, *others]) for band in bands),)), work.x.dtype, rows=True)
    axes = len(work.axes)
    for band in bands:
        tiles = [band, *others]
        read = [work.inputs(band), *others]
        tape.schedule.launch(
            inputs, kernels.input_names(axes), _input_words(work, v, read), work.out.shape[0] * prod(map(len, read))
        )
        words, units = _product_words(work, v, tiles)
        tape.schedule.launch(products, kernels.product_names(spec.c), words, units)


def _bands(work: Filtered, first: range, others: Sequence[range]) -> list[range]:
    """The tiles of the first axis in parts that are alike, whose transformed inputs fit the last cache."""
    room = (DEEP if work.spec.summed else BAND) // work.x.item
    one, whole = (work.transformed([part, *others]) for part in (first[:1], first))
    if whole <= room:
        return [first]
    most = 1 + max(0, room - one) * (len(first) - 1) // max(1, whole - one)
    most = ceil_div(len(first), ceil_div(len(first), most))
    return [first[lo : lo + most] for lo in range(0, len(first), most)]


def _groups(work: Filtered, blocks: int) -> tuple[int, int]:
    """How many blocks of output channels a unit goes through, and how many such units a block of tiles has."""
    target = work.tape.compiler.target
    outputs = ceil_div(work.spec.c.outputs, work.spec.width(target))
    groups = min(outputs, ceil_div(UNITS * target.cores, blocks))
    inner = ceil_div(outputs, groups)
    return inner, ceil_div(outputs, inner)


def _input_words(work: Filtered, v: View, tiles: Sequence[range]) -> dict[str, object]:
    x, summed = work.x, work.spec.summed
    pad = padding_row(work.tape, x.dtype, work.spec.pitch(work.tape.compiler.target), 0.0)
    origin = (work.out.box.lo[0], x.box.lo[1], *(0 for _ in work.axes))
    words: dict[str, object] = {"x": x.place(origin), "v": v.place(), "pad": pad, "xb": x.strides[0]}
    words["tiles"], words["blocks"] = work.blocks(tiles)
    for number, (axis, part) in enumerate(zip(work.axes, tiles, strict=True)):
        before = 0 if number < summed else axis.window.pad_lo
        words |= {f"x{number}": x.strides[2 + number], f"e{number}": axis.extent, f"p{number}": before}
        words |= {f"f{number}": part.start, f"t{number}": len(part)}
    return words


def _product_words(work: Filtered, v: View, tiles: Sequence[range]) -> tuple[dict[str, object], int]:
    """The words of a band's products, and how many units there are."""
    out, (depth, *_), summed = work.out, work.axes, work.spec.summed
    origin = (*out.box.lo[:2], *(0 for _ in work.axes))
    planes = work.inputs(tiles[0])
    words: dict[str, object] = {"v": v.place(), "w": work.packed.weights, "b": work.packed.bias}
    words |= {"y": out.place(origin), "yb": out.strides[0], "planes": len(planes), "plane": planes.start}
    words |= {"extent": depth.extent, "origin": depth.window.pad_lo}
    words["tiles"], blocks = work.blocks(tiles)
    words["blocks"] = blocks
    outer = out.shape[0] * len(tiles[0]) if summed else 1
    words["inner"], groups = _groups(work, outer * blocks)
    words["groups"] = groups
    for number, (axis, part) in enumerate(zip(work.axes, tiles, strict=True)):
        words |= {f"y{number}": out.strides[2 + number], f"l{number}": axis.first, f"n{number}": axis.first + axis.count}
        words |= {f"f{number}": part.start, f"t{number}": len(part)}
    for j, view in enumerate(work.operands):
        words |= {f"r{j}": view.place(origin), f"r{j}b": view.strides[0]}
        words |= {f"r{j}.{number}": view.strides[2 + number] for number in range(len(work.axes))}
    return words, outer * blocks * groups
