"""The plain loop nest: any convolution at all, one output element at a time, written straight from the definition.

The last row of the table. It knows no lanes and no tiles, takes any strides of batch and space, and computes each element by
the same chain of multiply-adds as the fast kernels; they are tested against it, bit for bit. It skips taps on padding on
every axis, where the fast kernels multiply a zero on the row axis: the same, unless a weight is infinite or NaN.
"""

from __future__ import annotations

from math import prod

import numpy as np
from llvmlite import ir

from atrous.engine.codelets.convolution import Convolution, Cost, Packed, Register
from atrous.engine.emit import ELEMENT, Emitter, Value
from atrous.engine.epilogue import Writer
from atrous.engine.sweep import Shape, Sweep, Tile, Unit, argument_names
from atrous.engine.view import Layout
from atrous.graph.fact import Array
from atrous.target import Target

#: The layout that is read, and the one that is written.
READS = WRITES = Layout.CHANNELS
#: Every output is a sum of its own.
GRID = 1


def applies(c: Convolution, target: Target) -> bool:
    return True


def worthwhile(c: Convolution, target: Target) -> bool:
    return True


def candidates(c: Convolution, target: Target) -> tuple[Register, ...]:
    return (Register(1, 1),)


def cost(c: Convolution, register: Register, row: int, target: Target) -> Cost:
    """One chain of dependent multiply-adds."""
    return Cost(float(target.rates.latency))


def names(c: Convolution) -> list[str]:
    return argument_names(len(c.kernel), ["w", "b", *c.epilogue.names(len(c.kernel))])


def pack(c: Convolution, register: Register, weights: Array, bias: Array | None, target: Target) -> Packed:
    """``[output channel][tap][channel]``."""
    outputs = c.groups * c.outputs
    packed = weights.reshape(outputs, c.channels, prod(c.kernel)).transpose(0, 2, 1).astype(c.dtype)
    return Packed(np.ascontiguousarray(packed), np.zeros(outputs, c.dtype) if bias is None else bias.astype(c.dtype))


def blocks(c: Convolution, register: Register, target: Target) -> int:
    return c.groups * c.outputs


def emit(e: Emitter, c: Convolution, register: Register) -> None:
    element = ELEMENT[c.dtype]
    one = ir.VectorType(element, 1)
    shape = Shape(c.kernel, c.strides, c.dilations, c.pitch, 1)
    extra = ["w", "b", *c.epilogue.names(shape.axes)]
    sweep = Sweep(e, shape, element, c.groups * c.outputs, extra)
    weights, biases = sweep.args.pointer("w"), sweep.args.pointer("b")

    def tile(tile: Tile, unit: Unit) -> None:
        w = e.at(weights, e.mul(unit.block, prod(c.kernel) * c.channels), element)
        start = e.load(e.at(biases, unit.block, element), one)
        first = e.mul(e.b.udiv(unit.block, e.i64(c.outputs)), c.channels)

        def row(x: Value, w_row: Value | None, acc: list[Value]) -> list[Value]:
            assert w_row is not None
            start = sweep.interior_pointer(tile, x, first)
            with e.loop(*sweep.tap_bounds(-1, tile.column), carry=acc) as taps:
                pointer = e.at(start, e.mul(taps.index, sweep.interior_offset(0, 1)), element)
                w_tap = e.at(w_row, e.mul(taps.index, c.channels), element)
                with e.loop(0, c.channels, carry=taps.values) as loop:
                    value = e.load(e.at(pointer, loop.index, element), one)
                    weight = e.load(e.at(w_tap, loop.index, element), one)
                    loop.next = [e.fma(weight, value, loop.values[0])]
                taps.next = loop.results
            return taps.results

        result = sweep.taps(unit, w, c.kernel[-1] * c.channels, [start], row)[0]
        Writer(sweep, unit, tile, c.epilogue, c.dtype, unit.block).write(0, 0, result, None)

    sweep.emit(tile)
