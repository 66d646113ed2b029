"""The arguments that several commands share: a network, sizes, tiles."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

import typer

from atrous.errors import ArgumentError
from atrous.graph.layer_list import RULES, read_layers
from atrous.graph.network import Network, Shapes
from atrous.graph.networks import NETWORKS, by_name

#: NET of every command.
NetworkName = Annotated[str, typer.Argument(metavar="NET", help=f"An ONNX file, or a built-in network: {', '.join(NETWORKS)}.")]


def read_network(name: str, shapes: Shapes | None = None) -> Network:
    """A built-in network by its name, layers typed as a line, otherwise the ONNX file; ``./lenet`` is always a file.

    ``shapes`` is what the input will be, for layers that are typed: how many channels and axes it has.
    """
    if RULES.keys() & {name.replace(",", " ").split(" ")[0].lower()} and not Path(name).exists():
        return read_layers(name, None if isinstance(shapes, Mapping) else shapes)
    if name in NETWORKS or not (Path(name).suffix or Path(name).exists()):
        return by_name(name)
    from atrous.importers import load

    return load(name)


def read_sizes(option: str, text: str) -> tuple[int, ...]:
    """Sizes as a person writes them.

    >>> read_sizes("--input", "1x3x224x224")
    (1, 3, 224, 224)
    """
    if not re.fullmatch(r"\d+([x×,]\d+)*", text):
        raise ArgumentError(f"{option}: got {text!r}; it must be sizes such as 1x3x224x224")
    return tuple(map(int, re.split("[x×,]", text)))


def read_shapes(texts: Sequence[str]) -> dict[str, tuple[int, ...]] | tuple[int, ...] | None:
    """What ``--input`` gave: one shape for the only input, or ``name=shape`` for each of several; ``None`` if not given."""
    if not texts:
        return None
    if len(texts) == 1 and "=" not in texts[0]:
        return read_sizes("--input", texts[0])
    named = [text.partition("=") for text in texts]
    if any(not equals for _, equals, _ in named):
        raise ArgumentError(f"--input: got {' '.join(texts)!r}; with several inputs each is given as NAME=1x3x224x224")
    return {name: read_sizes("--input", sizes) for name, _, sizes in named}
