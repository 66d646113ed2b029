"""Equivariance: shift the input of a convolution and its output shifts, by multiples of the stride."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np

from atrous import reference
from atrous.errors import ArgumentError
from atrous.figures.scene import Cell, Grid, Part, Scene, State
from atrous.geometry import Window

Row = list[float]


def equivariance(
    x: Sequence[float] = (0, 0, 2, 1, 3, 0, 0, 0, 0, 0), w: Sequence[float] = (1, -1, 2), stride: int = 1, shifts: int = 3
) -> tuple[Scene, ...]:
    """A signal and its output, and below them both again with the input shifted; one step for each shift from 0 on.

    Zeros come in from the left; ``x`` must end in enough zeros that nothing is lost at the right. Outputs that equal the first
    ones, moved by shift/stride places, are marked. With a stride that happens for its multiples only.

    >>> [step.caption[0] for step in equivariance(stride=2, shifts=2)]
    ['shift by 0: the same output', 'shift by 1: another output', 'shift by 2: the same output, shifted by 1']
    """
    window = Window(len(w), stride=stride)
    if any(x[len(x) - shifts :]) or shifts >= len(x):
        raise ArgumentError(f"x: got {tuple(x)}; it must end in {shifts} zeros, which is how far it is shifted")
    signal = np.asarray(x, dtype=np.float64)
    return tuple(_step(signal, np.asarray(w, dtype=np.float64), window, shift, shifts) for shift in range(shifts + 1))


def _output(signal: np.ndarray[tuple[int, ...], np.dtype[np.float64]], w: object, window: Window) -> Row:
    weights = np.asarray(w)[None, None]
    found: Row = reference.conv(signal[None, None], weights, None, (window,))[0, 0].tolist()
    return found


def _step(
    signal: np.ndarray[tuple[int, ...], np.dtype[np.float64]], w: object, window: Window, shift: int, shifts: int
) -> Scene:
    moved = np.concatenate([np.zeros(shift), signal[: len(signal) - shift]])
    first, second = _output(signal, w, window), _output(moved, w, window)
    by, rest = divmod(shift, window.stride)
    # what has come in at the left is the output of zeros that were not there before: only the others can be compared
    same = not rest and first[: len(first) - by] == second[by:]
    told = "another output" if not same else f"the same output, shifted by {by}" if by else "the same output"
    slope, offset = window.centre

    def row(name: str, label: str, values: Row, state: State, first_kept: int = 0, inputs: bool = True) -> Grid:
        cells = tuple(Cell(state if i >= first_kept else State.PENDING, value) for i, value in enumerate(values))
        pitch, place = (Fraction(1), Fraction(0)) if inputs else (slope, offset)
        return Grid(name, (cells,), label, pitch=pitch, offset=place)

    kept = State.CURRENT if same else State.DONE
    bands: tuple[tuple[Part, ...], ...] = (
        (row("input", "a signal", signal.tolist(), State.SIGNAL),),
        (row("output", "its output", first, State.DONE, inputs=False),),
        (row("shifted input", f"the signal, shifted by {shift}", moved.tolist(), State.SIGNAL, shift),),
        (row("shifted output", "its output", second, kept, by if same else 0, inputs=False),),
    )
    strided = f", stride {window.stride}" if window.stride > 1 else ""
    title = f"Shift the input, and the output shifts (kernel {window.kernel}{strided})"
    caption = (f"shift by {shift}: {told}",)
    return Scene(title, bands, caption, (), (), (), True, shift + 1, shifts + 1)
