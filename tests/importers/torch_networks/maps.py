"""Networks in PyTorch that give a map for a map: segmentation and denoising."""

from __future__ import annotations

from collections import OrderedDict

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tests.importers.torch_networks.classifiers import VGG


class Double(nn.Module):
    """Two convolutions of U-Net, in two dimensions."""

    def __init__(self, inputs: int, outputs: int, padding: int) -> None:
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(inputs, outputs, 3, padding=padding), nn.Conv2d(outputs, outputs, 3, padding=padding)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.conv2(F.relu(self.conv1(x))))


class Fixed(nn.Module):
    """Caffe's batch norm: known statistics, nothing learned."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(1, channels, 1, 1, 1))
        self.register_buffer("deviation", torch.ones(1, channels, 1, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        return (x - self.mean) / self.deviation


class Double3d(nn.Module):
    """Two convolutions of 3D U-Net."""

    def __init__(self, inputs: int, first: int, second: int) -> None:
        super().__init__()
        self.conv1, self.norm1 = nn.Conv3d(inputs, first, 3), Fixed(first)
        self.conv2, self.norm2 = nn.Conv3d(first, second, 3), Fixed(second)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.norm2(self.conv2(F.relu(self.norm1(self.conv1(x))))))


def _cropped(skip: Tensor, x: Tensor) -> Tensor:
    """The middle of a skip, as large as what it is joined to."""
    for axis in range(2, x.dim()):
        margin = (skip.shape[axis] - x.shape[axis]) // 2
        skip = skip.narrow(axis, margin, x.shape[axis])
    return torch.cat([skip, x], 1)


class UNet(nn.Module):
    def __init__(self, width: int = 64, padding: int = 0) -> None:
        super().__init__()
        before = 1
        for level in range(4):
            setattr(self, f"down{level}", Double(before, width << level, padding))
            before = width << level
        self.bottom = Double(before, width << 4, padding)
        for level in range(4):
            wide = width << level
            up = Double(2 * wide, wide, padding)
            up.up = nn.ConvTranspose2d(2 * wide, wide, 2, 2)
            setattr(self, f"up{level}", up)
        self.scores = nn.Conv2d(width, 2, 1)

    def forward(self, x: Tensor) -> Tensor:
        skips = []
        for level in range(4):
            skips.append(getattr(self, f"down{level}")(x))
            x = F.max_pool2d(skips[-1], 2)
        x = self.bottom(x)
        for level in reversed(range(4)):
            block = getattr(self, f"up{level}")
            x = block(_cropped(skips[level], block.up(x)))
        return self.scores(x)


class UNet3d(nn.Module):
    def __init__(self, width: int = 32) -> None:
        super().__init__()
        for level in range(3):
            setattr(self, f"down{level}", Double3d(width << level if level else 3, width << level, 2 * width << level))
        self.bottom = Double3d(8 * width, 8 * width, 16 * width)
        for level in range(3):
            inner, outer = 4 * width << level, 2 * width << level
            up = Double3d(inner + outer, outer, outer)
            up.up = nn.ConvTranspose3d(inner, inner, 2, 2, bias=False)
            setattr(self, f"up{level}", up)
        self.scores = nn.Conv3d(2 * width, 3, 1)

    def forward(self, x: Tensor) -> Tensor:
        skips = []
        for level in range(3):
            skips.append(getattr(self, f"down{level}")(x))
            x = F.max_pool3d(skips[-1], 2)
        x = self.bottom(x)
        for level in reversed(range(3)):
            block = getattr(self, f"up{level}")
            x = block(_cropped(skips[level], block.up(x)))
        return self.scores(x)


def _unit(inputs: int, outputs: int, kernel: int, rate: int = 1) -> list[nn.Module]:
    conv = nn.Conv2d(inputs, outputs, kernel, padding=rate * (kernel // 2), dilation=rate, bias=False)
    return [conv, nn.BatchNorm2d(outputs), nn.ReLU()]


class Image(nn.Sequential):
    """The mean of the whole image, at every place."""

    def forward(self, x: Tensor) -> Tensor:
        return F.interpolate(super().forward(x), size=x.shape[-2:], mode="bilinear", align_corners=False)


class Pyramid(nn.Module):
    def __init__(self, inputs: int, width: int) -> None:
        super().__init__()
        branches = [nn.Sequential(*_unit(inputs, width, 1))]
        branches += [nn.Sequential(*_unit(inputs, width, 3, rate)) for rate in (12, 24, 36)]
        self.convs = nn.ModuleList([*branches, Image(nn.AdaptiveAvgPool2d(1), *_unit(inputs, width, 1))])
        self.project = nn.Sequential(*_unit(5 * width, width, 1), nn.Dropout(0.5))

    def forward(self, x: Tensor) -> Tensor:
        return self.project(torch.cat([branch(x) for branch in self.convs], 1))


def deeplabv3_head(channels: int = 2048, width: int = 256) -> nn.Module:
    return nn.Sequential(Pyramid(channels, width), *_unit(width, width, 3), nn.Conv2d(width, 21, 1))


#: Widths of the large context module, as multiples of the classes.
LARGE = (2, 2, 4, 8, 16, 32, 32, 1)


def context_module(channels: int = 21, widths: tuple[int, ...] = (1,) * 8) -> nn.Module:
    layers: dict[str, nn.Module] = {}
    before = channels
    for number, (rate, wide) in enumerate(zip((1, 1, 2, 4, 8, 16, 1), widths, strict=False), 1):
        layers[f"conv{number}"] = nn.Conv2d(before, wide * channels, 3, padding=rate, dilation=rate)
        layers[f"relu{number}"] = nn.ReLU()
        before = wide * channels
    return nn.Sequential(OrderedDict(layers, conv8=nn.Conv2d(before, channels, 1)))


def front_end(width: int = 64) -> nn.Module:
    layers: dict[str, nn.Module] = {}
    before = 3
    for stage, (depth, wide) in enumerate(VGG, 1):
        for number in range(1, depth + 1):
            layers[f"conv{stage}_{number}"] = nn.Conv2d(before, wide * width, 3, dilation=2 if stage == 5 else 1)
            layers[f"relu{stage}_{number}"] = nn.ReLU(inplace=True)
            before = wide * width
        if stage <= 3:
            layers[f"pool{stage}"] = nn.MaxPool2d(2)
    layers |= {"fc6": nn.Conv2d(before, 64 * width, 7, dilation=4), "relu6": nn.ReLU()}
    layers |= {"fc7": nn.Conv2d(64 * width, 64 * width, 1), "relu7": nn.ReLU()}
    return nn.Sequential(OrderedDict(layers, maps=nn.Conv2d(64 * width, 21, 1)))


class DnCNN(nn.Sequential):
    def __init__(self, width: int = 64, depth: int = 17) -> None:
        layers: dict[str, nn.Module] = {"conv1": nn.Conv2d(1, width, 3, padding=1, bias=False), "relu1": nn.ReLU()}
        for number in range(2, depth):
            layers[f"conv{number}"] = nn.Conv2d(width, width, 3, padding=1, bias=False)
            layers[f"bn{number}"] = nn.BatchNorm2d(width)
            layers[f"relu{number}"] = nn.ReLU(inplace=True)
        layers[f"conv{depth}"] = nn.Conv2d(width, 1, 3, padding=1, bias=False)
        super().__init__(OrderedDict(layers))

    def forward(self, x: Tensor) -> Tensor:
        return x - super().forward(x)
