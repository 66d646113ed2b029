"""The whole-network oracle: every node evaluated in NumPy from its definition, one after the other."""

from __future__ import annotations

from collections.abc import Mapping

from atrous.errors import ArgumentError
from atrous.graph.fact import Array
from atrous.graph.network import Network


def evaluate(network: Network, inputs: Mapping[str, Array]) -> dict[str, Array]:
    """The outputs by name, from arrays for all inputs. Slow and plain: for tests and for folding, not for use.

    Values are dropped after their last reader, so that large networks fit in memory.
    """
    if missing := set(network.inputs) ^ set(inputs):
        raise ArgumentError(f"inputs: {sorted(missing)} are missing or unknown; the network takes {', '.join(network.inputs)}")
    values = dict(network.constants) | dict(inputs)
    last = {name: node.name for node in network.nodes for name in node.inputs}
    for node in network.nodes:
        values[node.output] = node.layer.evaluate(*(values[name] for name in node.inputs))
        for name in set(node.inputs):
            if last[name] == node.name and name not in network.outputs:
                values.pop(name)
    return {name: values[name] for name in network.outputs}
