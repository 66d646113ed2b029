"""Sizes that stay open: every size of a network as an expression in the symbols of its inputs."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from atrous.errors import ArgumentError, NetworkError
from atrous.geometry import Same, ToSize
from atrous.graph.fact import Dim, Fact
from atrous.graph.facts import infer_node, trial
from atrous.graph.network import Network

#: What stands for an open size: usual strides divide it, and the product of several is still a legal number of elements.
TRIAL_SIZE = 6720
#: What stands for an open batch, which no layer strides over.
TRIAL_BATCH = 2
#: Said wherever an expression is printed.
EXACT_FOR = (
    f"Open sizes are expressed for multiples of {TRIAL_SIZE}, which every usual stride divides; "
    "of others each layer rounds by its own rule"
)


def symbols(network: Network) -> tuple[str, ...]:
    """The open sizes of the inputs, in order."""
    return tuple(dict.fromkeys(dim for fact in network.inputs.values() for dim in fact.shape if isinstance(dim, str)))


def open_facts(network: Network) -> tuple[dict[str, Fact], dict[str, tuple[Dim, ...]]]:
    """Facts under trial sizes, and the shape of each value in terms of the symbols.

    A size is followed by trying: each symbol is doubled in turn, and what changes depends on it. Sizes that depend on several
    symbols are written ``?``. Values that fit no trial size are left out of both.
    """
    names = symbols(network)
    base = _trials(network)
    facts = _facts(network, base)
    moved = {name: _facts(network, base | {name: 2 * base[name]}) for name in names}
    shapes: dict[str, tuple[Dim, ...]] = {}
    for value, fact in facts.items():
        if all(value in other for other in moved.values()):
            seen = {name: other[value].sizes for name, other in moved.items()}
            if all(len(sizes) == fact.rank for sizes in seen.values()):
                shapes[value] = tuple(_dim(fact.sizes[i], {n: s[i] for n, s in seen.items()}, base) for i in range(fact.rank))
    return {name: fact for name, fact in facts.items() if name in shapes}, shapes


def odd_facts(network: Network) -> dict[str, Fact] | None:
    """Facts under odd sizes, for what depends on more than how large a size is; ``None`` if no padding does.

    "Same" padding of a strided layer does: an even size is padded at its high end, an odd one at both.
    """
    if not any(isinstance(getattr(node.layer, "padding", None), Same | ToSize) for node in network.nodes):
        return None
    return _facts(network, {name: size + 1 for name, size in _trials(network).items()})


def _trials(network: Network) -> dict[str, int]:
    """A size for each symbol, all of them different; small ones for those that are batches wherever they stand."""
    spatial = {dim for fact in network.inputs.values() for dim in fact.shape[1:]}
    each = enumerate(symbols(network), start=1)
    return {name: (TRIAL_SIZE if name in spatial else TRIAL_BATCH) * place for place, name in each}


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


def _dim(size: int, moved: Mapping[str, int], base: Mapping[str, int]) -> Dim:
    """One size: a number, or an expression in the one symbol that moves it."""
    moving = [name for name, other in moved.items() if other != size]
    if not moving:
        return size
    if len(moving) > 1:
        return "?"
    (name,) = moving
    slope = Fraction(moved[name] - size, base[name])
    return _expression(name, slope, size - slope * base[name])


def _expression(name: str, slope: Fraction, offset: Fraction) -> str:
    """``2H/3-1``."""
    factor = "" if slope.numerator == 1 else str(slope.numerator)
    divisor = "" if slope.denominator == 1 else f"/{slope.denominator}"
    return f"{factor}{name}{divisor}" + (f"{'+' if offset > 0 else '-'}{abs(offset)}" if offset else "")
