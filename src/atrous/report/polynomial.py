"""Polynomials in open sizes, with exact coefficients, fitted through the numbers that layers give for sizes that are known."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import product
from math import prod

#: A product of symbols: each with its power, in the order of the symbols.
Monomial = tuple[tuple[str, int], ...]
#: No cost of a layer has a higher power of one size.
MOST_DEGREE = 4


@dataclass(frozen=True, slots=True)
class Polynomial:
    """A sum of monomials with coefficients other than 0, the highest powers first.

    >>> area = Polynomial.of({(("H", 1), ("W", 1)): Fraction(9), (): Fraction(-4)})
    >>> str(area), area({"H": 2, "W": 3}), str(area + area)
    ('9·H·W - 4', Fraction(50, 1), '18·H·W - 8')
    """

    terms: tuple[tuple[Monomial, Fraction], ...] = ()

    @classmethod
    def of(cls, terms: Mapping[Monomial, Fraction]) -> Polynomial:
        """The polynomial with these coefficients."""
        kept = [(monomial, factor) for monomial, factor in terms.items() if factor]
        return cls(tuple(sorted(kept, key=lambda term: (-sum(power for _, power in term[0]), term[0]))))

    def __call__(self, sizes: Mapping[str, int]) -> Fraction:
        """The value for known sizes."""
        each = (factor * prod(sizes[name] ** power for name, power in monomial) for monomial, factor in self.terms)
        return sum(each, Fraction(0))

    def __add__(self, other: Polynomial | int) -> Polynomial:
        more = other.terms if isinstance(other, Polynomial) else (((), Fraction(other)),)
        found = dict(self.terms)
        for monomial, factor in more:
            found[monomial] = found.get(monomial, Fraction(0)) + factor
        return Polynomial.of(found)

    __radd__ = __add__

    def times(self, factor: int) -> Polynomial:
        """Every coefficient times a number."""
        return Polynomial.of({monomial: each * factor for monomial, each in self.terms})

    def __bool__(self) -> bool:
        return bool(self.terms)

    def __str__(self) -> str:
        product = _product(self)
        if product is not None:
            return product
        text = ""
        for monomial, factor in self.terms:
            sign = ("-" if factor < 0 else "") if not text else (" - " if factor < 0 else " + ")
            text += sign + _term(monomial, abs(factor))
        return text or "0"


def _product(polynomial: Polynomial) -> str | None:
    """``576·N·(H-2)·(W-2)``: a constant times one factor for each symbol, where it is that."""
    factors, rest = [], polynomial
    for name, power in polynomial.terms[0][0] if polynomial.terms else ():
        with_it = {tuple(s for s in monomial if s != (name, 1)): f for monomial, f in rest.terms if (name, 1) in monomial}
        without = {monomial: factor for monomial, factor in rest.terms if (name, 1) not in monomial}
        ratios = {without[monomial] / with_it[monomial] for monomial in without if monomial in with_it}
        if power != 1 or (without and (len(ratios) != 1 or without.keys() != with_it.keys())):
            return None
        offset = ratios.pop() if ratios else Fraction(0)
        slope = "" if offset.denominator == 1 else f"{offset.denominator}·"
        factors.append(f"({slope}{name}{offset.numerator:+})" if offset else name)
        rest = Polynomial.of({monomial: factor / offset.denominator for monomial, factor in with_it.items()})
    ((_, constant),) = rest.terms or (((), Fraction(0)),)
    return ("-" if constant < 0 else "") + _joined(factors, abs(constant))


def _term(monomial: Monomial, factor: Fraction) -> str:
    """``9·H·W/4``; powers as ``H²``."""
    symbols = [name + (str(power).translate(RAISED) if power > 1 else "") for name, power in monomial]
    return _joined(symbols, factor)


def _joined(symbols: list[str], factor: Fraction) -> str:
    number = [] if factor.numerator == 1 and symbols else [str(factor.numerator)]
    return "·".join(number + symbols) + (f"/{factor.denominator}" if factor.denominator > 1 else "")


RAISED = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


def fitted(count: Callable[[Mapping[str, int]], int], starts: Mapping[str, int], units: Mapping[str, int]) -> Polynomial | None:
    """The polynomial that a function of sizes is on ``starts`` and in steps of ``units``; ``None`` if its degree is not low.

    The degree in each symbol is found along its axis, then a grid of that degree is solved exactly, and one point elsewhere
    is tried.

    >>> area = fitted(lambda sizes: 9 * (sizes["H"] // 2) * (sizes["W"] - 2), {"H": 3, "W": 4}, {"H": 2, "W": 4})
    >>> str(area)
    '9·(H-1)·(W-2)/2'
    """
    names = list(starts)
    at = {name: [starts[name] + i * units[name] for i in range(MOST_DEGREE + 3)] for name in names}
    degrees = []
    for name in names:
        line = at[name][: MOST_DEGREE + 2]
        degree = _degree(count({**starts, name: size}) for size in line)
        if degree is None:
            return None
        degrees.append(degree)
    grid = {
        place: Fraction(count({name: at[name][i] for name, i in zip(names, place, strict=True)}))
        for place in product(*(range(degree + 1) for degree in degrees))
    }
    for axis, degree in enumerate(degrees):
        grid = _solved(grid, axis, at[names[axis]][: degree + 1])
    found = Polynomial.of({_monomial(names, place): value for place, value in grid.items()})
    probe = {name: at[name][-1] for name in names}
    return found if found(probe) == count(probe) else None


def _degree(values: Iterable[int]) -> int | None:
    """How often differences must be taken until two are equal, of as few values as that takes; ``None`` if that never is."""
    differences: list[int] = []  # of the last value: itself, to the one before, of these, ...
    for i, value in enumerate(values):
        fresh = [value]
        for last in differences:
            fresh.append(fresh[-1] - last)
        if i and fresh[-1] == 0:
            return i - 1
        differences = fresh
    return None


def _monomial(names: Sequence[str], powers: Sequence[int]) -> Monomial:
    return tuple((name, power) for name, power in zip(names, powers, strict=True) if power)


def _solved(grid: Mapping[tuple[int, ...], Fraction], axis: int, at: Sequence[int]) -> dict[tuple[int, ...], Fraction]:
    """Values at these sizes along one axis turned into the coefficients of the size's powers 0, 1, ..."""
    found: dict[tuple[int, ...], Fraction] = {}
    for place in grid:
        if place[axis] == 0:
            line = [grid[(*place[:axis], i, *place[axis + 1 :])] for i in range(len(at))]
            for power, coefficient in enumerate(_coefficients(line, at)):
                found[(*place[:axis], power, *place[axis + 1 :])] = coefficient
    return found


def _coefficients(values: Sequence[Fraction], at: Sequence[int]) -> list[Fraction]:
    """The coefficients of the polynomial with these values, by Newton's divided differences."""
    divided = list(values)
    for order in range(1, len(divided)):
        for i in range(len(divided) - 1, order - 1, -1):
            divided[i] = (divided[i] - divided[i - 1]) / (at[i] - at[i - order])
    found = [Fraction(0)] * len(divided)
    for node, value in zip(reversed(at), reversed(divided), strict=True):  # Horner, from the last factor to the first
        found = [up - node * same for up, same in zip([Fraction(0), *found[:-1]], found, strict=True)]
        found[0] += value
    return found
