"""Networks by name, with weights drawn by stated rules: known shapes to inspect, run and measure.

Adding one is a file here, a row of ``NETWORKS``, and a row of the table of published numbers, ``tests/graph/published.py``.
"""

from __future__ import annotations

from collections.abc import Callable

from atrous.errors import ArgumentError
from atrous.graph.network import Network
from atrous.graph.networks.alexnet import alexnet
from atrous.graph.networks.alexnet import torch_name as alexnet_name
from atrous.graph.networks.c3d import c3d
from atrous.graph.networks.context_module import context_module, context_module_large
from atrous.graph.networks.convnext import convnext_tiny
from atrous.graph.networks.deeplabv3 import deeplabv3_head
from atrous.graph.networks.densenet import densenet121
from atrous.graph.networks.dncnn import dncnn
from atrous.graph.networks.front_end import front_end
from atrous.graph.networks.hifigan import hifigan
from atrous.graph.networks.lenet import lenet
from atrous.graph.networks.mobilenet_v2 import mobilenet_v2
from atrous.graph.networks.mobilenet_v2 import torch_name as mobilenet_v2_name
from atrous.graph.networks.resnet import resnet18, resnet34, resnet50, resnet101
from atrous.graph.networks.resnet import torch_name as resnet_name
from atrous.graph.networks.squeezenet import squeezenet1_0, squeezenet1_1
from atrous.graph.networks.tcn import tcn
from atrous.graph.networks.unet import unet, unet_padded
from atrous.graph.networks.unet3d import unet3d
from atrous.graph.networks.vgg16 import torch_name as vgg16_name
from atrous.graph.networks.vgg16 import vgg16
from atrous.graph.networks.wavenet import wavenet

#: Every built-in network by name, with its default sizes.
NETWORKS: dict[str, Callable[[], Network]] = {
    "lenet": lenet,
    "alexnet": alexnet,
    "vgg16": vgg16,
    "resnet18": resnet18,
    "resnet34": resnet34,
    "resnet50": resnet50,
    "resnet101": resnet101,
    "mobilenet_v2": mobilenet_v2,
    "squeezenet1_0": squeezenet1_0,
    "squeezenet1_1": squeezenet1_1,
    "densenet121": densenet121,
    "convnext_tiny": convnext_tiny,
    "unet": unet,
    "unet_padded": unet_padded,
    "unet3d": unet3d,
    "deeplabv3_head": deeplabv3_head,
    "front_end": front_end,
    "context_module": context_module,
    "context_module_large": context_module_large,
    "dncnn": dncnn,
    "c3d": c3d,
    "wavenet": wavenet,
    "tcn": tcn,
    "hifigan": hifigan,
}

#: What PyTorch calls a weight, for families that are widely kept in its files and whose layers have other names here; the
#: others have its names as they are.
TORCH_NAMES: dict[str, Callable[[str], str]] = {
    "alexnet": alexnet_name,
    "vgg16": vgg16_name,
    "resnet18": resnet_name,
    "resnet34": resnet_name,
    "resnet50": resnet_name,
    "resnet101": resnet_name,
    "mobilenet_v2": mobilenet_v2_name,
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
    "TORCH_NAMES",
    "alexnet",
    "by_name",
    "c3d",
    "context_module",
    "context_module_large",
    "convnext_tiny",
    "deeplabv3_head",
    "densenet121",
    "dncnn",
    "front_end",
    "hifigan",
    "lenet",
    "mobilenet_v2",
    "resnet18",
    "resnet34",
    "resnet50",
    "resnet101",
    "squeezenet1_0",
    "squeezenet1_1",
    "tcn",
    "unet",
    "unet3d",
    "unet_padded",
    "vgg16",
    "wavenet",
]
