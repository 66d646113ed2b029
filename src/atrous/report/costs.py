"""What layers cost: parameters, memory, multiply-adds, and the fully connected layer that each convolution replaces."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from atrous.geometry import fully_connected_cost
from atrous.graph.fact import Fact
from atrous.graph.layers import Conv, ConvTranspose
from atrous.graph.network import Network, Node
from atrous.report.figure import Figure, total

#: How multiply-adds are counted, said wherever they are printed.
CONVENTION = "multiply-adds of convolutions and linear layers, every tap counted, also those on padding; 1 MAC = 2 FLOP"
REAL = "of these, those whose tap lands on the signal (of transposed layers: on an output that exists), not on padding"
MOVED = "every operand read once and the result written once"
PEAK = "layer by layer in the order of the network, each value kept until its last reader, nothing fused or in place"
UNCOUNTED = "only multiply-adds are counted; comparisons, means and other arithmetic are not"


@dataclass(frozen=True, slots=True)
class Costs:
    """The costs of a layer or a network. Bytes are of the layer's own types; ``moved_bytes`` counts as ``MOVED`` says.

    ``fully_connected`` is how many parameters a linear layer between the same maps would have (the lecture's first row).
    """

    parameters: Figure[int]
    weight_bytes: Figure[int]
    activation_bytes: Figure[int]
    moved_bytes: Figure[int]
    macs: Figure[int]
    real_macs: Figure[int]
    flops: Figure[int]
    fully_connected: Figure[int]

    @property
    def intensity(self) -> Figure[float]:
        """FLOP for each byte moved."""
        return self.flops.map(float).join(self.moved_bytes, lambda flops, moved: flops / moved if moved else 0.0)


def item_bytes(fact: Fact) -> int:
    """Bytes of a value."""
    return fact.count * np.dtype(fact.dtype).itemsize


def layer_costs(network: Network, node: Node, facts: Mapping[str, Fact], held: Iterable[str]) -> Costs:
    """The costs of one layer on concrete sizes; ``held`` are the trained constants that count here."""
    output, operands = facts[node.output], [facts[name] for name in node.inputs]
    arrays = [network.constants[name] for name in held]
    macs = node.layer.macs(output, *operands)
    return Costs(
        parameters=Figure.complete(sum(array.size for array in arrays)),
        weight_bytes=Figure.complete(sum(array.nbytes for array in arrays)),
        activation_bytes=Figure.complete(item_bytes(output)),
        moved_bytes=Figure.complete(item_bytes(output) + sum(map(item_bytes, operands))),
        macs=Figure.complete(macs),
        real_macs=Figure.complete(node.layer.real_macs(output, *operands)),
        flops=Figure.complete(2 * macs) if macs else Figure.unavailable(UNCOUNTED),
        fully_connected=_fully_connected(node, output, operands),
    )


def _fully_connected(node: Node, output: Fact, operands: list[Fact]) -> Figure[int]:
    if not isinstance(node.layer, Conv | ConvTranspose):
        return Figure.unavailable("only convolutions replace a linear layer between maps")
    bias = len(operands) > 2
    return Figure.complete(fully_connected_cost(operands[0].sizes[1:], output.sizes[1:], bias).parameters)


def open_costs(network: Network, held: Iterable[str], reason: str) -> Costs:
    """The costs of a layer some of whose sizes are open: only its parameters are known."""
    arrays = [network.constants[name] for name in held]
    missing = Figure[int].unavailable(reason)
    return Costs(
        Figure.complete(sum(array.size for array in arrays)),
        Figure.complete(sum(array.nbytes for array in arrays)),
        *(missing,) * 6,
    )


def network_costs(network: Network, layers: list[tuple[str, Costs]]) -> Costs:
    """All layers together; weights are all constants, shared ones once."""
    weights = sum(array.nbytes for array in network.constants.values())
    flops = total(((name, costs.flops) for name, costs in layers), 0)
    return Costs(
        parameters=Figure.complete(network.parameters),
        weight_bytes=Figure.complete(weights),
        activation_bytes=total(((name, costs.activation_bytes) for name, costs in layers), 0),
        moved_bytes=total(((name, costs.moved_bytes) for name, costs in layers), 0),
        macs=total(((name, costs.macs) for name, costs in layers), 0),
        real_macs=total(((name, costs.real_macs) for name, costs in layers), 0),
        flops=flops,
        fully_connected=_all_fully_connected(layers),
    )


def _all_fully_connected(layers: list[tuple[str, Costs]]) -> Figure[int]:
    known = [costs.fully_connected.known for _, costs in layers if costs.fully_connected.known is not None]
    return Figure.complete(sum(known)) if known else Figure.unavailable("there is no convolution of known sizes")


def peak_bytes(network: Network, facts: Mapping[str, Fact]) -> int:
    """The most bytes of activations alive at once, counted as ``PEAK`` says; weights come on top."""
    last = {name: place for place, node in enumerate(network.nodes) for name in node.inputs}
    alive = {name: item_bytes(facts[name]) for name in network.inputs}
    peak = now = sum(alive.values())
    for place, node in enumerate(network.nodes):
        if facts[node.output].value is None:
            alive[node.output] = item_bytes(facts[node.output])
            now += alive[node.output]
        peak = max(peak, now)
        for name in {*node.inputs, node.output}:
            if last.get(name, place) == place and name not in network.outputs:
                now -= alive.pop(name, 0)
    return peak
