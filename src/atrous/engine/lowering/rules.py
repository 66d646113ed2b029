"""The dispatch on the type of a layer."""

from __future__ import annotations

from functools import singledispatch

from atrous.engine.lowering.tape import Tape, Task
from atrous.engine.view import Layout, View
from atrous.errors import UnsupportedError
from atrous.graph.layer import Fused, Layer, Pointwise


@singledispatch
def lower(layer: Layer, tape: Tape, task: Task) -> View:
    """Append the launches that compute ``task.box`` of the output, epilogue included; returns where the result lies."""
    raise UnsupportedError(f"node {task.name!r}: {layer!r} has no kernel; only constants may pass through it")


@lower.register
def _(layer: Fused, tape: Tape, task: Task) -> View:
    own = layer.operands
    inner = Task(
        task.name,
        layer.body,
        task.operands[:own],
        task.facts[:own],
        task.constants[:own],
        task.output,
        task.box,
        layer.steps,
        task.operands[own:],
        task.target,
        task.layout,
    )
    return lower(layer.body, tape, inner)


@lower.register
def _(layer: Pointwise, tape: Tape, task: Task) -> View:
    """In the layout that is wanted, or that of an operand that is not repeated."""
    full = [view for view in task.operands if view.shape == task.box.shape]
    rows = task.layout is Layout.ROWS if task.layout else not any(view.channels_last() for view in full)
    return tape.pointwise(layer, task.operands, tape.new(task, rows=rows), task.steps, task.extras)
