"""Effective receptive fields estimated with a network's own weights: gradients of the centre output at random inputs."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from atrous.errors import ArgumentError, UnsupportedError
from atrous.graph.fact import Array, Fact
from atrous.graph.facts import infer_facts, input_facts
from atrous.graph.network import Network, Node, Shapes
from atrous.report.adjoint import backward, forward
from atrous.report.effective import EffectiveField, Views, axis_of, by_structure, moments, representative, spots
from atrous.report.figure import Figure
from atrous.report.receptive import spatial_axes, trace

#: Told how many samples of how many are done.
Progress = Callable[[int, int], None]


def estimate(
    network: Network,
    facts: Mapping[str, Fact],
    views: Views,
    value: str,
    samples: int,
    seed: int = 0,
    progress: Progress | None = None,
) -> Figure[EffectiveField]:
    """The mean energy (square) of the gradient of the centre element of ``value`` by the first input that it depends on.

    Inputs are normal noise of deviation 1. The channels of the centre are weighed by random signs, anew for each sample: on
    average that is the energy of all channels together. Unavailable where a layer on the way has no derivative here.
    """
    if samples < 1:
        raise ArgumentError(f"samples: got {samples}; an estimate needs at least 1")
    nodes = _way(network, value)
    source = next(name for name in network.inputs if any(name == at for at, _ in views[value]))
    random = np.random.default_rng(seed)
    total = np.zeros(tuple(facts[source].sizes[axis] for axis in spatial_axes(facts[source])))
    for done in range(samples):
        try:
            gradient = _gradient(network, facts, nodes, value, random)[source].astype(np.float64)
        except UnsupportedError as error:
            return Figure.unavailable(str(error))
        axes = spatial_axes(facts[source])
        total += (gradient**2).sum(axis=tuple(i for i in range(gradient.ndim) if i not in axes))
        if progress is not None:
            progress(done + 1, samples)
    if not np.isfinite(total).all() or not total.sum():
        return Figure.unavailable(f"the gradient of {value} vanishes or overflows on random inputs")
    return Figure.complete(_field(total / total.sum(), facts, views, value, source, samples))


def _field(energy: Array, facts: Mapping[str, Fact], views: Views, value: str, source: str, samples: int) -> EffectiveField:
    axes = []
    for place, axis in enumerate(spatial_axes(facts[source])):
        shares = energy.sum(axis=tuple(i for i in range(energy.ndim) if i != place))
        seen = views[value].get((source, axis))
        field = seen.field if seen is not None else None
        size = None if seen is None or field is None or seen.whole else field.size
        axes.append(axis_of(axis, 0, shares.tolist(), size))
    return EffectiveField(value, source, tuple(axes), samples, energy)


def _way(network: Network, value: str) -> tuple[Node, ...]:
    """The nodes that ``value`` is made by."""
    wanted, way = {value}, []
    for node in reversed(network.nodes):
        if node.output in wanted:
            wanted.update(node.inputs)
            way.append(node)
    return tuple(reversed(way))


def _gradient(
    network: Network, facts: Mapping[str, Fact], nodes: tuple[Node, ...], value: str, random: np.random.Generator
) -> dict[str, Array]:
    """The gradient by every value on the way, the inputs among them."""
    values: dict[str, Array] = dict(network.constants)
    for name, fact in network.inputs.items():
        values[name] = random.standard_normal(facts[name].sizes).astype(fact.dtype)
    moving = set(network.inputs)
    for node in nodes:
        known = facts[node.output].value
        if known is None and moving.intersection(node.inputs):
            moving.add(node.output)
        values[node.output] = forward(node.layer, [values[name] for name in node.inputs]) if known is None else known
    seed = np.zeros_like(values[value])
    centre = tuple(size // 2 for size in seed.shape[2:])
    seed[(0, slice(None), *centre)] = random.choice((-1.0, 1.0), seed.shape[1:2])
    gradients = {value: seed}
    for node in reversed(nodes):
        gradient = gradients.pop(node.output, None)
        if gradient is None or node.output not in moving:
            continue
        operands = [values[name] for name in node.inputs]
        for name, each in zip(node.inputs, backward(node.layer, operands, values[node.output], gradient), strict=True):
            if each is not None and name in moving:
                gradients[name] = gradients[name] + each if name in gradients else each
    return {name: gradients.get(name, np.zeros_like(values[name])) for name in network.inputs}


def effective_receptive_field(
    network: Network,
    shapes: Shapes | None = None,
    *,
    value: str | None = None,
    samples: int = 0,
    seed: int = 0,
    progress: Progress | None = None,
) -> EffectiveField:
    """How the energy of one output's gradient is spread over the input: standard deviation, core of 95 %, the map itself.

    Without ``samples`` it follows from the structure alone, exactly, as if every output were the mean of what it reads; with
    them it is estimated with the network's own weights on so many random inputs, seeded by ``seed``; ``progress`` is told
    (done, of). ``value`` names a layer's output; unless given it is the network's first output, or the last value that does
    not read its whole input. ``shapes`` is the shape of the input, or a mapping from input names to shapes.
    Raises ``ArgumentError`` where there is no such field, and says why. Luo et al., arXiv 1701.04128.

    >>> from atrous.graph.networks import context_module
    >>> field = effective_receptive_field(context_module(2), (1, 2, 80, 80))
    >>> [round(axis.deviation, 2) for axis in field.axes], field.axes[0].core, field.axes[0].size
    ([15.12, 15.12], (-28, 27), 67)
    """
    facts = infer_facts(network, input_facts(network, shapes))
    views = trace(network, facts)
    known = moments(network, facts, views)
    if value is None:
        value = representative(network, facts, known).value
    elif value not in known:
        raise ArgumentError(
            f"value: got {value!r}; it must be a value that depends on an input, such as {network.outputs[0]!r}"
        )
    if samples:
        return estimate(network, facts, views, value, samples, seed, progress).value
    spots(known[value], facts, list(network.inputs)).value  # noqa: B018  (raises where it is not known)
    return by_structure(network, facts, views, known, value)
