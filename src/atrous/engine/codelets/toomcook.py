"""Minimal filtering F(m, r): m outputs of a filter of r taps by m + r - 1 multiplications, by exact rational matrices.

``y = At ((G g) * (Bt d))`` for the taps ``g`` and the inputs ``d`` of a tile: S. Winograd, *Arithmetic Complexity of
Computations* (1980); A. Lavin and S. Gray, arXiv:1509.09308. The matrices follow from the points at which polynomials are
evaluated and interpolated (Toom and Cook). Small points in symmetric pairs keep rounding errors small: A. Barabasz et al.,
arXiv:1803.10986.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from math import prod
from typing import Any, Protocol

Row = tuple[Fraction, ...]
Matrix = tuple[Row, ...]

#: The finite points of each number of multiplications, smallest errors first; infinity is always one more.
POINTS: dict[int, tuple[Fraction, ...]] = {
    1: (),
    4: (Fraction(0), Fraction(1), Fraction(-1)),
    5: (Fraction(0), Fraction(5, 4), Fraction(-5, 4), Fraction(1, 2)),
    6: (Fraction(0), Fraction(3, 4), Fraction(-3, 4), Fraction(3, 2), Fraction(-3, 2)),
    7: (Fraction(0), Fraction(1), Fraction(-1), Fraction(2), Fraction(-2), Fraction(3, 8)),
    8: (Fraction(0), Fraction(1), Fraction(-1), Fraction(2), Fraction(-2), Fraction(1, 2), Fraction(-1, 2)),
}


@dataclass(frozen=True)
class Filter:
    """F(m, r) on one axis: the matrices that transform weights (``g``), inputs (``bt``) and products (``at``).

    >>> filtering(2, 3).points
    4
    """

    outputs: int
    taps: int
    at: Matrix
    g: Matrix
    bt: Matrix

    @property
    def points(self) -> int:
        """Multiplications of a tile, and inputs that it reads."""
        return self.outputs + self.taps - 1


@lru_cache(maxsize=32)
def filtering(outputs: int, taps: int) -> Filter:
    """F(outputs, taps), for as many points as ``POINTS`` has sets."""
    finite = POINTS[outputs + taps - 1]
    rows = [_roots([q for q in finite if q != p]) for p in finite]
    bt = [(*row, Fraction(0)) for row in rows] + [_roots(finite)]
    scale = [prod((p - q for q in finite if q != p), start=Fraction(1)) for p in finite]
    infinite: Row = tuple(Fraction(int(k == taps - 1)) for k in range(taps))
    g = [tuple(p**k / n for k in range(taps)) for p, n in zip(finite, scale, strict=True)] + [infinite]
    at = [(*(p**j for p in finite), Fraction(int(j == outputs - 1))) for j in range(outputs)]
    return Filter(outputs, taps, tuple(at), tuple(g), tuple(bt))


def _roots(points: Sequence[Fraction]) -> Row:
    """The coefficients of the polynomial with these roots and leading coefficient 1, lowest power first."""
    found = [Fraction(1)]
    for p in points:
        found = [high - p * low for high, low in zip([Fraction(0), *found], [*found, Fraction(0)], strict=True)]
    return tuple(found)


class Arithmetic(Protocol):
    """What a transform is written in: vectors of any kind."""

    def times(self, number: Fraction, value: Any) -> Any:
        """``number * value``."""
        ...

    def plus(self, number: Fraction, value: Any, rest: Any) -> Any:
        """``rest + number * value``."""
        ...


def transform(m: Arithmetic, matrix: Matrix, values: Sequence[Any]) -> list[Any]:
    """``matrix @ values``: rows, or columns, that differ only in signs share their even and their odd part."""
    pairs = _mirrored(matrix)
    if not pairs:
        columns = _mirrored(tuple(zip(*matrix, strict=True)))
        return _columns(m, matrix, values, columns)
    made: dict[int, Any] = {}
    for i, j in pairs:
        same = [(c, v) for c, other, v in zip(matrix[i], matrix[j], values, strict=True) if c and c == other]
        odd = [(c, v) for c, other, v in zip(matrix[i], matrix[j], values, strict=True) if c and c != other]
        # The odd part without its first factor, which the last step multiplies by: one operation less.
        factor = odd[-1][0]
        half, rest = _sum(m, same), _sum(m, [(c / factor, v) for c, v in odd])
        made[i], made[j] = m.plus(factor, rest, half), m.plus(-factor, rest, half)
    return [made[i] if i in made else _sum(m, [*zip(row, values, strict=True)]) for i, row in enumerate(matrix)]


def _columns(m: Arithmetic, matrix: Matrix, values: Sequence[Any], pairs: Sequence[tuple[int, int]]) -> list[Any]:
    one = Fraction(1)
    sums = {pair: m.plus(one, values[pair[1]], values[pair[0]]) for pair in pairs}
    differences = {pair: m.plus(-one, values[pair[1]], values[pair[0]]) for pair in pairs}
    paired = {place for pair in pairs for place in pair}
    found = []
    for row in matrix:
        terms = [(c, v) for place, (c, v) in enumerate(zip(row, values, strict=True)) if place not in paired]
        for (i, j), total in sums.items():
            terms.append((row[i], total if row[i] == row[j] else differences[i, j]))
        found.append(_sum(m, terms))
    return found


def _mirrored(rows: Sequence[Row]) -> list[tuple[int, int]]:
    """Pairs of rows of which one is the other with the signs of some elements changed, but not of all."""
    found: list[tuple[int, int]] = []
    for i, row in enumerate(rows):
        for j in range(i + 1, len(rows)):
            alike = all(abs(a) == abs(b) for a, b in zip(row, rows[j], strict=True))
            changed = [a != b for a, b in zip(row, rows[j], strict=True) if a]
            if alike and any(changed) and not all(changed) and not any(i in pair or j in pair for pair in found):
                found.append((i, j))
    return found


def _sum(m: Arithmetic, terms: Sequence[tuple[Fraction, Any]]) -> Any:
    """A sum of products, from a term that needs no product if there is one."""
    left = [(c, v) for c, v in terms if c]
    start = next((place for place, (c, _) in enumerate(left) if c == 1), 0)
    number, value = left.pop(start)
    total = value if number == 1 else m.times(number, value)
    for number, value in left:
        total = m.plus(number, value, total)
    return total
