"""Networks by name, with weights drawn by stated rules: known shapes to inspect, run and measure.

Adding one is a file here, a row of ``NETWORKS``, and a row of the tests' table of published numbers.
"""

from __future__ import annotations

from collections.abc import Callable

from atrous.errors import ArgumentError
from atrous.graph.network import Network
from atrous.graph.networks.alexnet import alexnet
from atrous.graph.networks.context_module import context_module, context_module_large
from atrous.graph.networks.dncnn import dncnn
from atrous.graph.networks.lenet import lenet
from atrous.graph.networks.mobilenet_v2 import mobilenet_v2
from atrous.graph.networks.resnet import resnet18, resnet50
from atrous.graph.networks.unet import unet
from atrous.graph.networks.unet3d import unet3d
from atrous.graph.networks.vgg16 import vgg16
from atrous.graph.networks.wavenet import wavenet

#: Every built-in network by name, with its default sizes.
NETWORKS: dict[str, Callable[[], Network]] = {
    "lenet": lenet,
    "alexnet": alexnet,
    "vgg16": vgg16,
    "resnet18": resnet18,
    "resnet50": resnet50,
    "mobilenet_v2": mobilenet_v2,
    "unet": unet,
    "unet3d": unet3d,
    "context_module": context_module,
    "context_module_large": context_module_large,
    "dncnn": dncnn,
    "wavenet": wavenet,
}


def by_name(name: str) -> Network:
    """The built-in network of this name.

    >>> by_name("lenet").name
    'lenet'

    Raises ``ArgumentError`` that lists the names when there is none.
    """
    try:
        make = NETWORKS[name]
    except KeyError:
        raise ArgumentError(f"network: {name!r} is none of the built-in ones: {', '.join(NETWORKS)}") from None
    return make()


__all__ = [
    "NETWORKS",
    "alexnet",
    "by_name",
    "context_module",
    "context_module_large",
    "dncnn",
    "lenet",
    "mobilenet_v2",
    "resnet18",
    "resnet50",
    "unet",
    "unet3d",
    "vgg16",
    "wavenet",
]
