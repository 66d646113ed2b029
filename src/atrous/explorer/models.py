"""The networks that the page can look at: a person's ONNX file, the built-in ones, and the demo's denoiser."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path

from atrous import demo_network
from atrous.graph.network import Network
from atrous.graph.networks import NETWORKS, by_name
from atrous.importers import load

#: The name of the demo's network on the page.
DENOISER = "denoiser"
_RANDOM = "Its weights are random, drawn by stated rules: sizes and counts are the published ones, activation maps are not."
_TRAINED = "The dilated denoiser of atrous demo, trained on photographs."


@dataclass(frozen=True, eq=False)
class Model:
    """A network, the name that a person knows it by, and what there is to say of it."""

    name: str
    network: Network
    told: tuple[str, ...] = ()


def names() -> tuple[str, ...]:
    """What ``built_in`` takes, the trained one first."""
    return (DENOISER, *NETWORKS)


def built_in(name: str) -> Model:
    """A network that comes with atrous; raises ``ArgumentError`` that lists them for another name."""
    if name == DENOISER:
        return Model(name, load(demo_network.path()), (_TRAINED,))
    return Model(name, by_name(name), (_RANDOM,))


def uploaded(path: Path, name: str) -> Model:
    """The network of an ONNX file that a person sent; it is read from its bytes, so it cannot name other files.

    Raises what ``load`` raises.
    """
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        network = load(path.read_bytes())
    return Model(name, network, tuple(str(each.message) for each in told))
