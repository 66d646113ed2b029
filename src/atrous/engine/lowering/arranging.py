"""Arrays put into the order of their axes by the engine's own copies, on all threads: NumPy takes several times as long."""

from __future__ import annotations

import numpy as np

from atrous.engine.lowering.tape import Tape
from atrous.engine.memory import new_array
from atrous.engine.runtime import check_threads
from atrous.engine.schedule import Schedule
from atrous.engine.view import Buffer, Home, View
from atrous.geometry import Box
from atrous.graph.fact import Array

#: Arrays of fewer bytes are left to NumPy.
LEAST_BYTES = 2**18


def arranged(tape: Tape, array: Array) -> Array:
    """The array in C order: itself if it is, else a copy."""
    if array.flags.c_contiguous or array.nbytes < LEAST_BYTES or any(step % array.itemsize for step in array.strides):
        return np.ascontiguousarray(array)
    made = new_array(array.shape, array.dtype)
    schedule = Schedule()
    Tape(schedule, tape.compiler, {}, tape.planner).copy(_seen(array), _seen(made))
    template = schedule.template(tape.compiler)
    template.job.run(check_threads(None))
    return made


def _seen(array: Array) -> View:
    """An array with any strides that are whole elements."""
    strides = tuple(step // array.itemsize for step in array.strides)
    return View(Buffer(Home.CONSTANT, array.nbytes, array=array), array.dtype.name, Box.full(array.shape), strides)
