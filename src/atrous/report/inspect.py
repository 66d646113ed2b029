"""Inspection: everything that the layers know about themselves, gathered for one network on given sizes."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from atrous.errors import ArgumentError, NetworkError
from atrous.graph.fact import Fact
from atrous.graph.facts import infer_facts, input_facts
from atrous.graph.network import Network, Node, Shapes
from atrous.report.receptive import Field, Seen, Source, summary, trace
from atrous.report.report import Report, Row

#: What an open size is taken for where none is given: one image, 224 on every other axis.
BATCH, SIZE = 1, 224


def inspect(network: Network, shapes: Shapes | None = None) -> Report:
    """Look at a network without running it: sizes, parameters, multiply-adds and receptive field of every layer.

    ``shapes`` is the shape of the input, or a mapping from input names to shapes. Sizes that the network leaves open and
    that are not given are assumed (a batch of 1, 224 elsewhere), and the report says so. Raises ``ArgumentError`` for shapes
    that the network cannot take, ``NetworkError`` naming the node that does not fit.

    >>> from atrous.graph.networks import lenet
    >>> inspect(lenet())
    <Report lenet: 12 layers, 61,706 parameters, 416,520 MACs>
    """
    inputs, assumed = _concrete(network, shapes)
    try:
        facts = infer_facts(network, inputs)
    except NetworkError as error:
        if assumed:
            sizes = ", ".join(assumed)
            raise ArgumentError(f"shapes: none was given and {sizes} does not fit; give the input's shape: {error}") from None
        raise
    views = trace(network, facts)
    counted: set[str] = set()
    rows = tuple(_row(network, node, facts, views, counted) for node in network.nodes if facts[node.output].value is None)
    return Report(
        network=network.name,
        inputs=tuple((name, fact.dtype, fact.sizes) for name, fact in inputs.items()),
        outputs=tuple((name, facts[name].dtype, facts[name].sizes) for name in network.outputs),
        rows=rows,
        parameters=network.parameters,
        weight_bytes=sum(array.nbytes for array in network.constants.values()),
        macs=sum(row.macs for row in rows),
        fields=_output_fields(network, views, inputs),
        assumed=assumed,
    )


def _concrete(network: Network, shapes: Shapes | None) -> tuple[dict[str, Fact], tuple[str, ...]]:
    """Concrete facts of the inputs, and what had to be assumed for them."""
    if shapes is not None:
        return input_facts(network, shapes), ()
    sizes: dict[str, int] = {}
    for fact in network.inputs.values():
        for axis, dim in enumerate(fact.shape):
            if isinstance(dim, str):
                sizes.setdefault(dim, BATCH if axis == 0 else SIZE)
    filled = {
        name: tuple(sizes[dim] if isinstance(dim, str) else dim for dim in fact.shape) for name, fact in network.inputs.items()
    }
    return input_facts(network, filled), tuple(f"{dim} = {size}" for dim, size in sizes.items())


def _row(
    network: Network,
    node: Node,
    facts: Mapping[str, Fact],
    views: Mapping[str, Mapping[Source, Seen]],
    counted: set[str],
) -> Row:
    """One line; parameters that an earlier layer holds already count there."""
    held = network.trained(node) - counted
    counted |= held
    output = facts[node.output]
    return Row(
        name=node.name,
        operator=type(node.layer).__name__,
        output=output.sizes,
        dtype=output.dtype,
        parameters=sum(network.constants[name].size for name in held),
        macs=node.layer.macs(output, *(facts[name] for name in node.inputs)),
        bytes=output.count * np.dtype(output.dtype).itemsize,
        fields=summary(views.get(node.output, {}), {name: facts[name] for name in network.inputs}),
        linear=node.layer.linear,
        local=node.layer.local,
    )


def _output_fields(
    network: Network, views: Mapping[str, Mapping[Source, Seen]], inputs: Mapping[str, Fact]
) -> tuple[Field, ...]:
    """The receptive field of the first output."""
    return summary(views.get(network.outputs[0], {}), inputs)
