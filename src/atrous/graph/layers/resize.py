"""Resizing by interpolation, separable over the axes."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from math import floor
from typing import ClassVar, final

import numpy as np

from atrous import reference
from atrous.errors import NetworkError
from atrous.geometry import SAME, Pull
from atrous.geometry.resample import Coordinates, Filter, Nearest, Resample, short_fraction
from atrous.graph.fact import Array, Fact
from atrous.graph.layer import Layer, whole
from atrous.graph.layers import check


@final
@dataclass(frozen=True, slots=True)
class Resize(Layer):
    """Interpolation ``(x, goal)``: the goal holds float scales or integer sizes, one for each axis of ``axes`` (all if none).

    Axes that keep their size are copied. ``filter`` is nearest, linear or cubic; ``coordinates`` says where outputs lie.
    """

    filter: Filter = field(default_factory=Nearest)
    coordinates: Coordinates = Coordinates.half_pixel
    axes: tuple[int, ...] | None = None

    linear: ClassVar[bool] = True
    fixed: ClassVar[tuple[int, ...]] = (1,)

    def resamples(self, *operands: Fact) -> tuple[Resample | None, ...]:
        """The map of each axis of the operand; ``None`` where the axis is copied."""
        check.arity(operands, 2)
        x, goal = operands[0], check.value(operands[1], "scales or sizes").reshape(-1)
        axes = tuple(range(x.rank)) if self.axes is None else check.axes(self.axes, x.rank)
        if len(goal) != len(axes):
            raise NetworkError(f"scales or sizes {goal.tolist()} must hold one number for each of the axes {axes} of {x!r}")
        maps: list[Resample | None] = [None] * x.rank
        for axis, target in zip(axes, goal.tolist(), strict=True):
            maps[axis] = self._axis(x.sizes[axis], target, np.issubdtype(goal.dtype, np.floating))
        return tuple(maps)

    def _axis(self, size: int, target: float, scaled: bool) -> Resample | None:
        if not np.isfinite(target) or target <= 0:
            raise NetworkError(f"scale or size {target} is not legal; it must be positive and finite")
        scale = short_fraction(target) if scaled else Fraction(int(target), max(1, size))
        outputs = floor(size * scale)
        if size < 1 or outputs < 1:
            raise NetworkError(f"a resize of {size} elements by {target} gives {outputs}; there must be at least 1 of both")
        return None if scale == 1 else Resample.between(size, outputs, self.coordinates, self.filter, scale)

    def infer(self, *operands: Fact) -> Fact:
        maps = self.resamples(*operands)
        x = operands[0]
        sizes = zip(x.sizes, maps, strict=True)
        return Fact(x.dtype, tuple(size if axis is None else axis.outputs for size, axis in sizes))

    def reads(self, *operands: Fact) -> tuple[tuple[Pull, ...], ...]:
        maps = self.resamples(*operands)
        return tuple(Pull(i, axis or SAME) for i, axis in enumerate(maps)), whole(operands[1])

    def evaluate(self, *operands: Array) -> Array:
        maps = self.resamples(*(Fact.of(array) for array in operands))
        axes = {axis: resample for axis, resample in enumerate(maps) if resample is not None}
        return reference.resize(operands[0], axes).astype(operands[0].dtype)
