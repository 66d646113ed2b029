"""Pooling: windows over each channel by itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from atrous.engine.codelets import channelwise
from atrous.engine.codelets.grid import Access
from atrous.engine.epilogue import Epilogue
from atrous.engine.lowering.rules import lower
from atrous.engine.lowering.tape import Tape, Task
from atrous.engine.lowering.windows import channel_operand, window_launch
from atrous.engine.sweep import AxisRun
from atrous.engine.view import View
from atrous.geometry import Window
from atrous.graph.layer import Pointwise
from atrous.graph.layers.pooling import AveragePool, LpPool, MaxPool, Pool
from atrous.graph.maths import Maths, Scalar


@lower.register
def _(layer: Pool, tape: Tape, task: Task) -> View:
    return _pooled(layer, tape, task)


def _pooled(layer: Pool, tape: Tape, task: Task) -> View:
    """Windows over each channel by itself."""
    x = tape.as_channels_last(task.operands[0])
    sizes = task.facts[0].sizes[2:]
    windows = layer.windows(sizes)
    axes = [
        AxisRun(window, lo, hi - lo, size) for window, (lo, hi), size in zip(windows, list(task.box)[2:], sizes, strict=True)
    ]
    out = tape.new(task)
    operands = [channel_operand(tape, view, task.box) for view in task.extras]
    epilogue = Epilogue(task.steps, tuple(Access(view.dtype, 1) for view in operands), out.dtype)
    rule, counts, padding = _pool_rule(layer, windows, task, sizes)
    c = channelwise.Channelwise(
        x.dtype, x.shape[1], layer.kernel, layer.strides, layer.dilations, x.strides[-1], rule, epilogue
    )
    window_launch(tape, c, x, out, axes, task.output.sizes[-1], operands, counts, padding)
    return out


def _pool_rule(
    layer: Pool, windows: Sequence[Window], task: Task, sizes: Sequence[int]
) -> tuple[channelwise.Rule, dict[str, object], float]:
    """How a pool combines its taps, the tables it divides by, and what its padding holds."""
    if isinstance(layer, MaxPool):
        return channelwise.Largest(), {}, float("-inf")
    if isinstance(layer, LpPool):
        return channelwise.Total(), {}, 0.0
    assert isinstance(layer, AveragePool)
    counts: dict[str, object] = {}
    for axis, (window, (lo, hi), size) in enumerate(zip(windows, list(task.box)[2:], sizes, strict=True)):
        first, last = (-window.pad_lo, size + window.pad_hi) if layer.count_include_pad else (0, size)
        table = [max(1, len(window.taps_of_output(place, first, last))) for place in range(lo, hi)]
        counts[f"c{axis}"] = np.array(table, task.facts[0].dtype)
    return channelwise.Average(len(windows)), counts, 0.0


@dataclass(frozen=True, slots=True)
class _Power(Pointwise):
    """``|x| ** p``."""

    p: int

    def formula(self, m: Maths, *operands: Scalar) -> Scalar:
        (x,) = operands
        if self.p <= 2:
            return m.abs(x) if self.p == 1 else x * x
        return m.pow(m.abs(x), float(self.p))


@dataclass(frozen=True, slots=True)
class _Root(Pointwise):
    """``x ** (1 / p)``."""

    p: int

    def formula(self, m: Maths, *operands: Scalar) -> Scalar:
        (x,) = operands
        if self.p <= 2:
            return x if self.p == 1 else m.sqrt(x)
        return m.pow(x, 1 / self.p)


@lower.register
def _(layer: LpPool, tape: Tape, task: Task) -> View:
    """Powers, their sum over each window, and the root."""
    x = task.operands[0]
    powers = tape.pointwise(_Power(layer.p), [x], tape.schedule.array(x.box, x.dtype, rows=False))
    total = _pooled(layer, tape, replace(task.plain(), operands=[powers]))
    return tape.pointwise(_Root(layer.p), [total], tape.new(task), task.steps, task.extras)
