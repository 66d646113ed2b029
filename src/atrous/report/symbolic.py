"""Sizes that stay open: every size of a network as an expression in the symbols of its inputs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from atrous.errors import ArgumentError, NetworkError
from atrous.geometry import Same, ToSize
from atrous.graph.fact import Dim, Fact
from atrous.graph.facts import infer_node, trial
from atrous.graph.network import Network
from atrous.report.polynomial import Polynomial

#: What stands for an open size: usual strides divide it, and the product of several is still a legal number of elements.
TRIAL_SIZE = 6720
#: What stands for an open batch, which no layer strides over.
TRIAL_BATCH = 2
#: So many remainders are tried where a network, a U-Net without padding for one, does not take multiples of the trial size.
REMAINDERS = 32


def symbols(network: Network) -> tuple[str, ...]:
    """The open sizes of the inputs, in order."""
    return tuple(dict.fromkeys(dim for fact in network.inputs.values() for dim in fact.shape if isinstance(dim, str)))


@dataclass(frozen=True, slots=True)
class OpenSizes:
    """Facts of all values under trial sizes; each size as it is printed, and as a formula where it is one of one symbol.

    What is said holds for the trial sizes ``starts`` and for all that are a multiple of ``units`` away from them.
    """

    starts: Mapping[str, int]
    units: Mapping[str, int]
    remainder: int
    facts: Mapping[str, Fact]
    shapes: Mapping[str, tuple[Dim, ...]]
    forms: Mapping[str, tuple[Polynomial | None, ...]]

    @property
    def exact_for(self) -> str:
        """Which sizes the expressions are exact for."""
        rest = f" plus {self.remainder}" if self.remainder else ""
        return f"multiples of {TRIAL_SIZE}{rest}, and other sizes that the strides divide likewise"


def open_sizes(network: Network) -> OpenSizes:
    """Every value's shape in terms of the symbols.

    A size is followed by trying: each symbol is moved in turn, and what changes depends on it. Sizes that depend on several
    symbols are written ``?``. Values that fit no trial size are left out.
    """
    units = _units(network)
    remainder, facts = _fitting(network, units)
    starts = _starts(network, units, remainder)
    moved = {name: _facts(network, starts | {name: starts[name] + units[name]}) for name in units}
    forms: dict[str, tuple[Polynomial | None, ...]] = {}
    for value, fact in facts.items():
        if all(value in other and other[value].rank == fact.rank for other in moved.values()):
            seen = {name: other[value].sizes for name, other in moved.items()}
            each = ({name: sizes[i] for name, sizes in seen.items()} for i in range(fact.rank))
            forms[value] = tuple(_form(size, at, starts, units) for size, at in zip(fact.sizes, each, strict=True))
    shapes = {value: tuple(map(_dim, each)) for value, each in forms.items()}
    known = {name: fact for name, fact in facts.items() if name in forms}
    return OpenSizes(starts, units, remainder, known, shapes, forms)


def _fitting(network: Network, units: Mapping[str, int]) -> tuple[int, dict[str, Fact]]:
    """The first remainder for which every layer fits, or none, and the facts of the trial sizes with it."""
    wanted = len(network.constants) + len(network.inputs) + len(network.nodes)
    plain = _facts(network, _starts(network, units, 0))
    if len(plain) < wanted:
        for remainder in range(1, REMAINDERS):
            facts = _facts(network, _starts(network, units, remainder))
            if len(facts) == wanted:
                return remainder, facts
    return 0, plain


def _units(network: Network) -> dict[str, int]:
    """How far each symbol moves: small steps for those that are batches wherever they stand."""
    spatial = {dim for fact in network.inputs.values() for dim in fact.shape[1:]}
    return {name: TRIAL_SIZE if name in spatial else TRIAL_BATCH for name in symbols(network)}


def _starts(network: Network, units: Mapping[str, int], remainder: int) -> dict[str, int]:
    """A size for each symbol, all of them different."""
    each = enumerate(units.items(), start=1)
    return {name: unit * place + (remainder if unit == TRIAL_SIZE else 0) for place, (name, unit) in each}


def odd_facts(network: Network, remainder: int) -> dict[str, Fact] | None:
    """Facts under sizes one further, for what depends on more than how large a size is; ``None`` if no padding does.

    "Same" padding of a strided layer does: an even size is padded at its high end alone, an odd one at both.
    """
    if not any(isinstance(getattr(node.layer, "padding", None), Same | ToSize) for node in network.nodes):
        return None
    starts = _starts(network, _units(network), remainder)
    return _facts(network, {name: size + 1 for name, size in starts.items()})


def _facts(network: Network, sizes: Mapping[str, int]) -> dict[str, Fact]:
    facts = {name: Fact.of(array) for name, array in network.constants.items()}
    facts |= {name: trial(fact, sizes) for name, fact in network.inputs.items()}
    for node in network.nodes:
        if all(name in facts for name in node.inputs):
            try:
                facts[node.output] = infer_node(node, *(facts[name] for name in node.inputs))
            except (NetworkError, ArgumentError):
                continue
    return facts


def _form(size: int, moved: Mapping[str, int], starts: Mapping[str, int], units: Mapping[str, int]) -> Polynomial | None:
    """One size as a formula in the one symbol that moves it; ``None`` for several."""
    moving = [name for name, other in moved.items() if other != size]
    if len(moving) > 1:
        return None
    if not moving:
        return Polynomial() + size
    (name,) = moving
    slope = Fraction(moved[name] - size, units[name])
    return Polynomial.of({((name, 1),): slope}) + Polynomial.of({(): size - slope * starts[name]})


def _dim(form: Polynomial | None) -> Dim:
    """As it is printed: a number, or ``2H/3-1``."""
    if form is None:
        return "?"
    factors = dict(form.terms)
    offset = factors.pop((), Fraction(0))
    if not factors:
        return int(offset)
    (((name, _),), slope), *_ = factors.items()
    return _expression(name, slope, offset)


def _expression(name: str, slope: Fraction, offset: Fraction) -> str:
    """``2H/3-1``."""
    factor = "" if slope.numerator == 1 else str(slope.numerator)
    divisor = "" if slope.denominator == 1 else f"/{slope.denominator}"
    return f"{factor}{name}{divisor}" + (f"{'+' if offset > 0 else '-'}{abs(offset)}" if offset else "")
