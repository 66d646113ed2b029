"""What passes change, node by node."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np

from atrous.geometry import Explicit
from atrous.graph.fact import Fact
from atrous.graph.layers import BatchNorm, Conv, Identity, Pad, Relu
from atrous.graph.network import Network, Node
from atrous.report.passes import Change, changes, kinds, operator


def network(*nodes: Node) -> Network:
    ones = np.ones(2, np.float32)
    constants = {
        "w": np.ones((2, 2, 1, 1), np.float32),
        "one": ones,
        "two": 2 * ones,
        "pads": np.array([0, 0, 1, 1, 0, 0, 1, 1]),
    }
    read = {name for node in nodes for name in node.inputs}
    held = {name: array for name, array in constants.items() if name in read}
    return Network("small", {"x": Fact("float32", ("N", 2, "H", "W"))}, (nodes[-1].output,), nodes, held)


CONV = Conv((1, 1), (1, 1), (1, 1), Explicit(((0, 0), (0, 0))))


def test_a_network_through_all_passes() -> None:
    """A frame, a convolution, an identity, a norm and an activation become one node."""
    nodes = (
        Node("frame", Pad(), ("x", "pads"), "a"),
        Node("conv", CONV, ("a", "w"), "b"),
        Node("same", Identity(), ("b",), "c"),
        Node("norm", BatchNorm(), ("c", "one", "one", "one", "two"), "d"),
        Node("relu", Relu(), ("d",), "y"),
    )
    found = changes(network(*nodes))
    told = [(change.name, *(kinds(part) for part in (change.gone, change.made, change.changed))) for change in found]
    assert told == [
        ("remove identities", "1 Identity (same)", "", ""),
        ("pad inside the layers that read it", "1 Pad (frame)", "", "1 Conv (conv)"),
        ("fold scales and shifts into the weights before them", "1 BatchNorm (norm)", "", "1 Conv (conv)"),
        ("fuse epilogues", "1 Relu (relu)", "", "1 Conv+Relu (conv)"),
    ]
    assert [operator(node) for node in found[-1].after.nodes] == ["Conv+Relu"]
    assert all(one.after.nodes == other.before.nodes for one, other in pairwise(found))


def test_what_counts_as_changed() -> None:
    """Another layer, other constants; not other names of values."""
    before = network(Node("conv", CONV, ("x", "w"), "a"), Node("relu", Relu(), ("a",), "y"))
    renamed = network(Node("conv", CONV, ("x", "w"), "b"), Node("relu", Relu(), ("b",), "y"))
    assert not Change("", before, replace(renamed, constants=before.constants)).changed
    assert [node.name for node in Change("", before, renamed).changed] == ["conv"]
    assert kinds(Change("", before, network(Node("all", Relu(), ("x",), "y"))).made) == "1 Relu (all)"
