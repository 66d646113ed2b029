"""The path of layers with windows through a network, as figures draw it: what a cone or a coverage map looks through."""

from __future__ import annotations

from atrous.errors import ArgumentError
from atrous.figures.settings import Layer
from atrous.geometry import SAME, TransposedWindow, Window
from atrous.graph.fact import Fact
from atrous.graph.facts import infer_facts, input_facts, moving
from atrous.graph.network import Network, Shapes


def facts_of(network: Network, shapes: Shapes | None) -> dict[str, Fact]:
    """All sizes of a network; a batch is one where nothing is said, other open sizes have to be given."""
    if shapes is None:
        named = {name: fact.shape for name, fact in network.inputs.items()}
        one = {name: (1 if isinstance(shape[0], str) else shape[0], *shape[1:]) for name, shape in named.items() if shape}
        shapes = {name: tuple(n for n in shape if isinstance(n, int)) for name, shape in one.items()}
        if any(len(shapes[name]) < len(shape) for name, shape in one.items()):
            shapes = None
    return infer_facts(network, input_facts(network, shapes))


def chain(network: Network, shapes: Shapes | None = None) -> tuple[Layer, ...]:
    """Its convolutions and pools one after the other, from the input on; layers that keep every place are passed over.

    Raises ``ArgumentError`` where the network branches, or a layer reads its input otherwise than through windows.

    >>> from atrous.graph.layer_list import read_layers
    >>> net = read_layers("conv 3 8 s2, relu, maxpool 2", (1, 1, 20))
    >>> [layer.space for layer in chain(net, (1, 1, 20))]
    [(20,), (9,)]
    """
    facts = facts_of(network, shapes)
    active, layers = moving(network, facts), list[Layer]()
    before = next(iter(network.inputs))
    for node in network.nodes:
        if node.output not in active:
            continue
        if [name for name in node.inputs if name in active] != [before]:
            raise ArgumentError(f"network: node {node.name!r} does not follow {before!r} alone; figures look along one path")
        place = node.inputs.index(before)
        pulls = node.layer.reads(*(facts[name] for name in node.inputs))[place][2:]
        if any(pull.map != SAME for pull in pulls):
            windows = tuple(pull.map for pull in pulls if isinstance(pull.map, Window | TransposedWindow))
            if len(windows) < len(pulls):
                raise ArgumentError(f"network: node {node.name!r} reads its input through no window; stop before it")
            layers.append(Layer(facts[before].sizes[2:], windows, facts[node.output].sizes[2:]))
        before = node.output
    if not layers:
        raise ArgumentError(f"network: {network.name} has no convolution and no pool; there is nothing to look through")
    return tuple(layers)
