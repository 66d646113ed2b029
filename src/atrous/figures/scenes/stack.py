"""The activation maps of a network as volumes, layer by layer: how they shrink, and which layers are linear."""

from __future__ import annotations

from atrous.errors import ArgumentError
from atrous.figures.scene import Part, Scene, State, Volume
from atrous.figures.scenes.chain import facts_of
from atrous.figures.text import sizes
from atrous.graph.builder import Builder
from atrous.graph.fact import Fact
from atrous.graph.facts import moving
from atrous.graph.network import Network, Node, Shapes

#: Volumes on one page, and in one row of it.
MOST, ROW = 18, 6


def classifier() -> Network:
    """A small classifier of 1×33×33 images into 10 classes: strides, then dilations, until one decision is left.

    >>> net = classifier()
    >>> net.parameters
    8538
    """
    b = Builder("classifier")
    x = b.input("image", ("N", 1, 33, 33))
    x = b.relu(b.conv(x, 8, 3, stride=2, name="stride 2"))
    x = b.relu(b.conv(x, 16, 3, stride=2, name="stride 2 again"))
    x = b.relu(b.conv(x, 16, 3, dilation=2, name="dilation 2"))
    x = b.relu(b.conv(x, 32, 3, name="3×3"))
    return b.build(b.conv(x, 10, 1, name="10 classes, 1×1", gain=1.0))


def shrinking(network: Network, shapes: Shapes | None = None) -> Scene:
    """The volumes of a network where their size changes, from the input to the output.

    >>> scene = shrinking(classifier(), (1, 1, 33, 33))
    >>> [(volume.channels, volume.rows, volume.columns) for band in scene.bands for volume in band]
    [(1, 33, 33), (8, 16, 16), (16, 7, 7), (16, 3, 3), (32, 1, 1), (10, 1, 1)]
    """
    facts = facts_of(network, shapes)
    kept, before = [], tuple(facts[next(iter(network.inputs))].sizes)
    for node in _layers(network, facts):
        if facts[node.output].sizes != before:
            kept.append(node)
        before = facts[node.output].sizes
    return _scene(network, facts, kept, linear=False, title=f"Activation maps of {network.name}, where their size changes")


def linearity(network: Network, shapes: Shapes | None = None) -> Scene:
    """All layers of a network, the linear ones told apart from the activation functions.

    >>> scene = linearity(classifier(), (1, 1, 33, 33))
    >>> [volume.state.name for band in scene.bands for volume in band[:3]][:3]
    ['SIGNAL', 'LINEAR', 'NONLINEAR']
    """
    facts = facts_of(network, shapes)
    return _scene(network, facts, _layers(network, facts), linear=True, title=f"What is linear in {network.name}")


def _layers(network: Network, facts: dict[str, Fact]) -> list[Node]:
    """The layers that make activations; what follows from sizes alone makes none."""
    active = moving(network, facts)
    return [node for node in network.nodes if node.output in active]


def _scene(network: Network, facts: dict[str, Fact], nodes: list[Node], linear: bool, title: str) -> Scene:
    name = next(iter(network.inputs))
    active = moving(network, facts)
    volumes: list[Part] = [_volume(name, facts[name], State.SIGNAL)]
    counts = {State.LINEAR: 0, State.NONLINEAR: 0}
    for node in nodes:
        places = (i for i, each in enumerate(node.inputs) if each in active)
        state = State.LINEAR if node.layer.affine(*places) else State.NONLINEAR
        counts[state] += 1
        if len(volumes) < MOST:
            volumes.append(_volume(node.name, facts[node.output], state if linear else State.SIGNAL))
    left = 1 + len(nodes) - len(volumes)
    told = [f"{counts[State.LINEAR]} layers are linear, {counts[State.NONLINEAR]} are not"] if linear else []
    told += [f"the first {len(volumes)} of {1 + len(nodes)} volumes"] if left else []
    if not linear and not left:
        first, last = (sizes(facts[value].sizes[1:]) for value in (name, nodes[-1].output if nodes else name))
        told.append(f"from {first} to {last}" if nodes else f"{first} throughout")
    bands = tuple(tuple(volumes[i : i + ROW]) for i in range(0, len(volumes), ROW))
    return Scene(title, bands, tuple(told), (State.LINEAR, State.NONLINEAR) if linear else ())


def _volume(name: str, fact: Fact, state: State) -> Volume:
    """Channels, rows and columns of one value without its batch axis; a third spatial axis is counted with the channels."""
    shape = fact.sizes[1:]
    if not shape:
        raise ArgumentError(f"network: value {name!r} has shape {fact.sizes}; activation maps have a batch and a channel axis")
    channels, *space = shape
    deep, rows, columns = (*(1,) * (3 - len(space)), *space[-3:])
    return Volume(name, channels * deep, rows, columns, state)
