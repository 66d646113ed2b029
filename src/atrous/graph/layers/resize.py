"""Resizing by interpolation, separable over the axes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from math import floor
from typing import ClassVar, final

import numpy as np

from atrous import reference
from atrous.errors import NetworkError
from atrous.geometry import SAME, Pull
from atrous.geometry.resample import Aspect, Coordinates, Crop, Filter, Nearest, Resample, short_fraction
from atrous.graph.fact import Array, Fact
from atrous.graph.layer import Layer, whole
from atrous.graph.layers import check


@final
@dataclass(frozen=True, slots=True)
class Resize(Layer):
    """Interpolation ``(x, goal)``: the goal holds float scales or integer sizes, one for each axis of ``axes`` (all if none).

    Axes that keep their size are copied. ``filter`` is nearest, linear or cubic; ``coordinates`` says where outputs lie: one
    rule for all axes, or a crop for each of them, with zeros beyond the signal. ``aspect`` says what sizes mean.
    """

    filter: Filter = field(default_factory=Nearest)
    coordinates: Coordinates | tuple[Crop, ...] = Coordinates.half_pixel
    axes: tuple[int, ...] | None = None
    aspect: Aspect = Aspect.stretch

    linear: ClassVar[bool] = True
    fixed: ClassVar[tuple[int, ...]] = (1,)

    def resamples(self, *operands: Fact) -> tuple[Resample | None, ...]:
        """The map of each axis of the operand; ``None`` where the axis is copied."""
        check.arity(operands, 2)
        x, goal = operands[0], check.value(operands[1], "scales or sizes").reshape(-1)
        axes = tuple(range(x.rank)) if self.axes is None else check.axes(self.axes, x.rank)
        if len(goal) != len(axes):
            raise NetworkError(f"scales or sizes {goal.tolist()} must hold one number for each of the axes {axes} of {x!r}")
        where = self.coordinates
        places: list[Coordinates | Crop] = list(where) if isinstance(where, tuple) else [where] * len(axes)
        if len(places) != len(axes):
            raise NetworkError(f"{len(places)} crops must be one for each of the axes {axes} of {x!r}")
        maps: list[Resample | None] = [None] * x.rank
        goals = self._goals([x.sizes[axis] for axis in axes], goal)
        for axis, line, (outputs, scale) in zip(axes, places, goals, strict=True):
            if scale != 1 or isinstance(line, Crop):
                made = Resample.between(x.sizes[axis], outputs, line, self.filter, scale)
                maps[axis] = None if made.same else made
        return tuple(maps)

    def _goals(self, sizes: Sequence[int], goal: Array) -> Sequence[tuple[int, Fraction]]:
        """(outputs, scale) of each axis."""
        for target in goal.tolist():
            if not np.isfinite(target) or target <= 0:
                raise NetworkError(f"scale or size {target} is not legal; it must be positive and finite")
        if np.issubdtype(goal.dtype, np.floating):
            scales = [short_fraction(target) for target in goal.tolist()]
            goals = [(floor(size * scale), scale) for size, scale in zip(sizes, scales, strict=True)]
        else:
            goals = list(self.aspect.goals([max(1, size) for size in sizes], [int(target) for target in goal]))
        for size, target, (outputs, _) in zip(sizes, goal.tolist(), goals, strict=True):
            if size < 1 or outputs < 1:
                raise NetworkError(f"a resize of {size} elements by {target} gives {outputs}; there must be at least 1 of both")
        return goals

    def infer(self, *operands: Fact) -> Fact:
        maps = self.resamples(*operands)
        x = operands[0]
        if not isinstance(self.filter, Nearest):
            check.floats(x)
        sizes = zip(x.sizes, maps, strict=True)
        return Fact(x.dtype, tuple(size if axis is None else axis.outputs for size, axis in sizes))

    def reads(self, *operands: Fact) -> tuple[tuple[Pull, ...], ...]:
        maps = self.resamples(*operands)
        return tuple(Pull(i, axis or SAME) for i, axis in enumerate(maps)), whole(operands[1])

    def evaluate(self, *operands: Array) -> Array:
        maps = self.resamples(*(Fact.of(array) for array in operands))
        axes = {axis: resample for axis, resample in enumerate(maps) if resample is not None}
        return reference.resize(operands[0], axes).astype(operands[0].dtype)
