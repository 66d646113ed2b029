"""Which module stands for which built-in network, and what it is tried on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from math import prod, sqrt

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from tests.importers.torch_networks import classifiers as C
from tests.importers.torch_networks import maps as M
from tests.importers.torch_networks import sequences as S


@dataclass(frozen=True, slots=True)
class Case:
    """A module, and a thin form of it where the whole one is slow.

    ``gain`` scales random weights, so that results depend on every layer: neither lost on the way, nor saturated.
    ``shared`` says whether the built-in network takes the arguments of the thin form.
    """

    make: Callable[..., nn.Module]
    shape: tuple[int, ...]
    thin: dict[str, int] = field(default_factory=dict)
    shared: bool = True
    gain: float = sqrt(2)


CASES: dict[str, Case] = {
    "lenet": Case(C.LeNet, (2, 1, 32, 32), gain=1.0),
    "alexnet": Case(C.alexnet, (1, 3, 224, 224), {"width": 8}, shared=False),
    "vgg16": Case(C.vgg16, (1, 3, 224, 224), {"width": 4}, shared=False),
    "resnet18": Case(lambda: C.ResNet((2, 2, 2, 2), (3, 3)), (2, 3, 64, 50)),
    "resnet34": Case(lambda: C.ResNet((3, 4, 6, 3), (3, 3)), (1, 3, 64, 50)),
    "resnet50": Case(lambda: C.ResNet((3, 4, 6, 3), (1, 3, 1)), (1, 3, 64, 50)),
    "resnet101": Case(lambda: C.ResNet((3, 4, 23, 3), (1, 3, 1)), (1, 3, 64, 50)),
    "mobilenet_v2": Case(C.mobilenet_v2, (2, 3, 64, 50)),
    "squeezenet1_0": Case(lambda: C.SqueezeNet(96, 7, (3, 7)), (1, 3, 64, 50)),
    "squeezenet1_1": Case(lambda: C.SqueezeNet(64, 3, (2, 4)), (1, 3, 64, 50)),
    "densenet121": Case(C.DenseNet, (1, 3, 64, 50)),
    "convnext_tiny": Case(C.convnext_tiny, (1, 3, 64, 50), gain=1.0),
    "unet": Case(M.UNet, (1, 1, 204, 188), {"width": 8}),
    "unet_padded": Case(lambda width=64: M.UNet(width, 1), (1, 1, 48, 64), {"width": 8}),
    "unet3d": Case(M.UNet3d, (1, 3, 100, 92, 92), {"width": 4}),
    "deeplabv3_head": Case(M.deeplabv3_head, (1, 2048, 9, 13), {"channels": 64, "width": 32}),
    "front_end": Case(M.front_end, (1, 3, 388, 380), {"width": 4}, shared=False),
    "context_module": Case(M.context_module, (1, 21, 20, 37)),
    "context_module_large": Case(lambda channels=21: M.context_module(channels, M.LARGE), (1, 21, 20, 37), {"channels": 4}),
    "dncnn": Case(M.DnCNN, (1, 1, 40, 33)),
    "c3d": Case(C.C3D, (1, 3, 16, 112, 112), {"width": 4}, shared=False),
    "wavenet": Case(S.WaveNet, (1, 256, 100), {"blocks": 1}, gain=1.0),
    "tcn": Case(S.tcn, (2, 1, 100), {"depth": 4}, gain=0.7),
    "hifigan": Case(S.HiFiGAN, (1, 80, 5), {"width": 64}, gain=0.5),
}


def example(case: Case, thin: bool) -> Tensor:
    """A signal of the case's shape; its channels are those of the thin form where that says so."""
    channels = case.thin.get("channels", case.shape[1]) if thin else case.shape[1]
    return torch.randn(case.shape[0], channels, *case.shape[2:], generator=torch.Generator().manual_seed(3))


@torch.no_grad()
def trained(case: Case, thin: bool) -> nn.Module:
    """The module with random weights and statistics that all matter."""
    torch.manual_seed(7)
    module = case.make(**case.thin if thin else {}).eval()
    for layer in module.modules():
        if isinstance(layer, nn.modules.conv._ConvNd | nn.Linear):
            _draw(layer, case.gain)
        elif isinstance(layer, nn.modules.batchnorm._BatchNorm | nn.LayerNorm):
            layer.weight.uniform_(0.5, 1.5)
            layer.bias.normal_(0, 0.2)
        elif isinstance(layer, C.ConvNeXtBlock):
            layer.layer_scale.uniform_(0.2, 0.6)
    for name, buffer in module.named_buffers():
        if name.endswith("mean"):
            buffer.normal_(0, 0.2)
        elif name.endswith(("var", "deviation")):
            buffer.uniform_(0.5, 1.5)
    return module


def _draw(layer: nn.Module, gain: float) -> None:
    """Deviations that keep the signal's size, times the gain."""
    reads = layer.weight[0].numel()
    if isinstance(layer, nn.modules.conv._ConvTransposeNd):
        reads = layer.weight.shape[0] * prod(layer.weight.shape[2:]) // prod(layer.stride)
    weight = torch.randn(layer.weight.shape) * (gain / sqrt(reads))
    if parametrize.is_parametrized(layer):
        layer.weight = weight
        layer.parametrizations.weight.original1.mul_(3)  # a direction whose length is not the weight's
    else:
        layer.weight.copy_(weight)
    if layer.bias is not None:
        layer.bias.normal_(0, 0.1)


def plain(module: nn.Module) -> nn.Module:
    """The module with weight normalisation folded into its weights."""
    with torch.enable_grad():  # else the weights would be no parameters any more
        for layer in module.modules():
            if parametrize.is_parametrized(layer):
                parametrize.remove_parametrizations(layer, "weight")
    return module
