"""Convolutions by tiles of outputs: bands of tiles, each through two kernels, inputs to points and products to outputs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
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
#: Units of work a core, at the least, into which the products of a band are cut.
UNITS = 4


def tiles_of(axis: AxisRun, m: int) -> range:
    """The tiles of an axis that hold its outputs: ``m`` each, of one residue class of the dilation."""
    step = axis.window.dilation if m > 1 else 1
    return range(axis.first // (m * step) * step, ceil_div(axis.first + axis.count, m * step) * step)


def filtered(
    tape: Tape, spec: Minimal, packed: Packed, x: View, out: View, axes: Sequence[AxisRun], operands: Sequence[View]
) -> None:
    """Launch the kernels, band by band of the first axis."""
    plain = replace(spec, c=replace(spec.c, epilogue=Epilogue(), outputs=1))  # what the transform of the inputs depends on
    inputs = tape.compiler.kernel(f"winograd inputs {plain!r}", lambda e: kernels.emit_inputs(e, plain))
    products = tape.compiler.kernel(f"winograd products {spec!r}", lambda e: kernels.emit_products(e, spec))
    first, *others = (tiles_of(axis, m) for axis, m in zip(axes, spec.outputs, strict=True))
    block = spec.points * spec.block * spec.pitch(tape.compiler.target)
    row = out.shape[0] * prod(map(len, others))
    rows = max(1, min(len(first), BAND // (block * x.item) * spec.block // row))
    rows = ceil_div(len(first), ceil_div(len(first), rows))  # bands alike
    v = tape.schedule.array(Box((0,), (ceil_div(row * rows, spec.block) * block,)), x.dtype, rows=True)
    for lo in range(0, len(first), rows):
        tiles = [first[lo : lo + rows], *others]
        count = out.shape[0] * prod(map(len, tiles))
        blocks = ceil_div(count, spec.block)
        words = _input_words(tape, spec, x, out, v, axes, tiles)
        tape.schedule.launch(inputs, kernels.input_names(len(axes)), words, count)
        inner, groups = _groups(tape, spec, blocks)
        words = _product_words(packed, out, v, axes, tiles, operands)
        words |= {"tiles": count, "inner": inner, "groups": groups}
        tape.schedule.launch(products, kernels.product_names(spec.c), words, blocks * groups)


def _groups(tape: Tape, spec: Minimal, blocks: int) -> tuple[int, int]:
    """How many blocks of output channels a unit goes through, and how many such units a block of tiles has."""
    target = tape.compiler.target
    outputs = ceil_div(spec.c.outputs, spec.width(target))
    groups = min(outputs, ceil_div(UNITS * target.cores, blocks))
    inner = ceil_div(outputs, groups)
    return inner, ceil_div(outputs, inner)


def _input_words(
    tape: Tape, spec: Minimal, x: View, out: View, v: View, axes: Sequence[AxisRun], tiles: Sequence[range]
) -> dict[str, object]:
    pad = padding_row(tape, x.dtype, spec.pitch(tape.compiler.target), 0.0)
    origin = (out.box.lo[0], x.box.lo[1], *(0 for _ in axes))
    words: dict[str, object] = {"x": x.place(origin), "v": v.place(), "pad": pad, "xb": x.strides[0]}
    for number, (axis, part) in enumerate(zip(axes, tiles, strict=True)):
        words |= {f"x{number}": x.strides[2 + number], f"e{number}": axis.extent, f"p{number}": axis.window.pad_lo}
        words |= {f"f{number}": part.start, f"t{number}": len(part)}
    return words


def _product_words(
    packed: Packed, out: View, v: View, axes: Sequence[AxisRun], tiles: Sequence[range], operands: Sequence[View]
) -> dict[str, object]:
    origin = (*out.box.lo[:2], *(0 for _ in axes))
    words: dict[str, object] = {"v": v.place(), "w": packed.weights, "b": packed.bias}
    words |= {"y": out.place(origin), "yb": out.strides[0]}
    for number, (axis, part) in enumerate(zip(axes, tiles, strict=True)):
        words |= {f"y{number}": out.strides[2 + number], f"l{number}": axis.first, f"n{number}": axis.first + axis.count}
        words |= {f"f{number}": part.start, f"t{number}": len(part)}
    for j, view in enumerate(operands):
        words |= {f"r{j}": view.place(origin), f"r{j}b": view.strides[0]}
        words |= {f"r{j}.{number}": view.strides[2 + number] for number in range(len(axes))}
    return words
