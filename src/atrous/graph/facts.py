"""Shape inference: the fact of every value of a network, from the facts of its inputs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from atrous.errors import ArgumentError, NetworkError
from atrous.graph.fact import Fact
from atrous.graph.layers import check

if TYPE_CHECKING:
    from atrous.graph.network import Network, Node, Shapes

#: Constants of at most this many elements are followed through the nodes: shape arithmetic, never weights.
SMALL = 4096

#: Symbolic sizes are tried as odd multiples of one of these, which the strides that networks have divide: of the first that
#: fits. Large ones stand apart from the sizes that a network fixes; with small ones, several make a value that can be.
TRIAL_UNITS = (40320, 672, 96, 32)
#: A network may multiply the elements of its inputs so often.
ROOM = 4096


def infer_facts(network: Network, inputs: Mapping[str, Fact]) -> dict[str, Fact]:
    """The facts of all values. Values that depend on a symbolic size are left out; constants keep their elements.

    Raises ``NetworkError`` naming the node whose operands do not fit.
    """
    facts = {name: Fact.of(array) for name, array in network.constants.items()} | dict(inputs)
    for node in network.nodes:
        operands = [facts.get(name) for name in node.inputs]
        known = [fact for fact in operands if fact is not None and fact.concrete]
        if len(known) < len(operands):
            continue
        facts[node.output] = infer_node(node, *known)
    return facts


def moving(network: Network, facts: Mapping[str, Fact]) -> frozenset[str]:
    """The values that depend on what the inputs hold, not only on their sizes; values without a fact count as such."""
    found = set(network.inputs)
    for node in network.nodes:
        fact = facts.get(node.output)
        if found.intersection(node.inputs) and (fact is None or fact.value is None):
            found.add(node.output)
    return frozenset(found)


def deciding(network: Network) -> frozenset[str]:
    """The inputs whose elements must be known before a run, because shapes, paddings or weights follow from them."""
    facts, makers = trial_facts(network), {node.output: node for node in network.nodes}
    waiting = [node.inputs[i] for node in network.nodes for i in node.layer.fixed if i < len(node.inputs)]
    seen: set[str] = set()
    while waiting:
        name = waiting.pop()
        known = name in facts and facts[name].value is not None  # follows from constants and from sizes
        if name not in seen and not known and name in makers:
            waiting.extend(makers[name].inputs)
        seen.add(name)
    return frozenset(network.inputs).intersection(seen)


def infer_node(node: Node, *operands: Fact) -> Fact:
    """The fact of one node's output; with its elements when they are few and follow from constants."""
    try:
        fact = node.layer.infer(*operands)
        values = [operand.value for operand in operands if operand.value is not None and operand.count <= SMALL]
        if fact.value is None and fact.count == 0:  # nothing to compute: all is known
            return Fact.of(np.empty(fact.sizes, fact.dtype))
        if fact.value is None and fact.count <= SMALL and len(values) == len(operands):
            return Fact.of(node.layer.evaluate(*values))
    except (NetworkError, ArgumentError) as error:
        raise NetworkError(f"node {node.name!r} ({type(node.layer).__name__}): {error}") from None
    return fact


def trial(fact: Fact, sizes: Mapping[str, int]) -> Fact:
    """A fact with every symbolic size replaced, itself if it has none; only its rank and channels mean anything."""
    if fact.concrete:
        return fact
    dims = (sizes[dim] if isinstance(dim, str) else dim for dim in fact.shape)
    return Fact(fact.dtype, tuple(dims), fact.value)


def trial_inputs(inputs: Mapping[str, Fact]) -> dict[str, Fact]:
    """Inputs with one size for all symbols, for ranks and for nothing else: values that ought to agree do so.

    The size is the largest unit that leaves room for values of ``ROOM`` times as many elements.
    """
    symbols = {dim for fact in inputs.values() for dim in fact.shape if isinstance(dim, str)}
    made = dict(inputs)
    for unit in TRIAL_UNITS:
        made = {name: trial(fact, dict.fromkeys(symbols, unit)) for name, fact in inputs.items()}
        if all(fact.count <= check.MOST_ELEMENTS // ROOM for fact in made.values()):
            break
    return made


def trial_facts(network: Network) -> dict[str, Fact]:
    """Facts under trial sizes, for passes that ask for ranks and channels; what does not fit the trial is left out.

    Different symbols get different sizes, of which none is twice another: shapes that agree here agree for all sizes. Of
    several trials, the first that fits every node counts; if none does, the one that fits most.
    """
    symbols = dict.fromkeys(dim for fact in network.inputs.values() for dim in fact.shape if isinstance(dim, str))
    best: dict[str, Fact] = {}
    for unit in TRIAL_UNITS:
        sizes = {symbol: unit * (2 * place + 5) for place, symbol in enumerate(symbols)}
        inputs = {name: trial(fact, sizes) for name, fact in network.inputs.items()}
        if unit != TRIAL_UNITS[-1] and any(fact.count > check.MOST_ELEMENTS for fact in inputs.values()):
            continue
        facts = _fitting(network, inputs)
        best = max(best, facts, key=len)
        if len(facts) == len(network.constants) + len(inputs) + len(network.nodes):
            break
    return best


def _fitting(network: Network, inputs: Mapping[str, Fact]) -> dict[str, Fact]:
    """The facts of all values that inputs of these sizes fit."""
    facts = {name: Fact.of(array) for name, array in network.constants.items()} | dict(inputs)
    for node in network.nodes:
        operands = [facts[name] for name in node.inputs if name in facts]
        if len(operands) == len(node.inputs):
            try:
                facts[node.output] = infer_node(node, *operands)
            except NetworkError:
                continue
    return facts


def input_facts(network: Network, shapes: Shapes | None = None) -> dict[str, Fact]:
    """Concrete facts of the inputs from given shapes, checked against what the network fixes.

    ``shapes`` is a mapping by input name, or one shape when there is one input; inputs whose shape the network fixes may be
    left out. Raises ``ArgumentError``.
    """
    given = _by_name(network, shapes)
    symbols: dict[str, int] = {}
    return {name: _bind(name, fact, given.get(name), symbols) for name, fact in network.inputs.items()}


def _by_name(network: Network, shapes: Shapes | None) -> dict[str, tuple[int, ...]]:
    if shapes is None:
        return {}
    if not isinstance(shapes, Mapping):
        if len(network.inputs) != 1:
            names = ", ".join(network.inputs)
            raise ArgumentError(
                f"shapes: got one shape for {len(network.inputs)} inputs; give a mapping with the names {names}"
            )
        shapes = {next(iter(network.inputs)): shapes}
    if unknown := set(shapes) - set(network.inputs):
        raise ArgumentError(f"shapes: {sorted(unknown)} are no inputs of the network; it has {', '.join(network.inputs)}")
    return {name: tuple(int(size) for size in shape) for name, shape in shapes.items()}


def _bind(name: str, fact: Fact, shape: tuple[int, ...] | None, symbols: dict[str, int]) -> Fact:
    if shape is None:
        if not fact.concrete:
            raise ArgumentError(f"shapes: input {name!r} is {fact!r}; give its shape, the network leaves it open")
        return fact
    if len(shape) != fact.rank:
        raise ArgumentError(f"shapes: input {name!r} is {fact!r}, got {shape}; it needs {fact.rank} sizes")
    for dim, size in zip(fact.shape, shape, strict=True):
        wanted = symbols.setdefault(dim, size) if isinstance(dim, str) else dim
        if size != wanted or size < 1:
            rule = f"{dim} is {wanted}" if isinstance(dim, str) and size >= 1 else "fixed sizes must agree and be at least 1"
            raise ArgumentError(f"shapes: input {name!r} is {fact!r}, got {shape}; {rule}")
    return Fact(fact.dtype, shape)
