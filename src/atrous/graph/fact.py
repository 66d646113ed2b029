"""What is known of one value of a network before anything runs: its type, its shape and, for a constant, its elements."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

Dim = int | str
Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True, eq=False)
class Fact:
    """Type, shape and (for constants) value of a network's value; a ``str`` dimension is symbolic: any size.

    >>> Fact("float32", ("N", 3, "H", "W"))
    float32[N,3,H,W]
    """

    dtype: str
    shape: tuple[Dim, ...]
    value: Array | None = None

    @classmethod
    def of(cls, array: Array) -> Fact:
        """The fact of a constant."""
        return cls(array.dtype.name, array.shape, array)

    def __repr__(self) -> str:
        return f"{self.dtype}[{','.join(map(str, self.shape))}]"

    @property
    def rank(self) -> int:
        return len(self.shape)

    @property
    def concrete(self) -> bool:
        """Whether every dimension is a number."""
        return all(isinstance(dim, int) for dim in self.shape)

    @property
    def sizes(self) -> tuple[int, ...]:
        """The shape of a concrete fact, as integers."""
        return tuple(int(dim) for dim in self.shape)

    @property
    def count(self) -> int:
        """How many elements a concrete fact has."""
        return prod(self.sizes)
