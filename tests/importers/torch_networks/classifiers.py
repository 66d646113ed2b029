"""Classifiers of images and clips in PyTorch; ``width`` is the number of channels of the first layer."""

from __future__ import annotations

from collections import OrderedDict

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class LeNet(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.c1, self.c3 = nn.Conv2d(1, 6, 5), nn.Conv2d(6, 16, 5)
        self.c5, self.f6, self.logits = nn.Linear(400, 120), nn.Linear(120, 84), nn.Linear(84, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = F.avg_pool2d(torch.tanh(self.c1(x)), 2)
        x = F.avg_pool2d(torch.tanh(self.c3(x)), 2)
        return self.logits(torch.tanh(self.f6(torch.tanh(self.c5(x.flatten(1))))))


class Classifier(nn.Module):
    """Features, a pool to a fixed size, and linear layers."""

    def __init__(self, features: nn.Module, pool: int, classifier: nn.Module) -> None:
        super().__init__()
        self.features, self.avgpool, self.classifier = features, nn.AdaptiveAvgPool2d(pool), classifier

    def forward(self, x: Tensor) -> Tensor:
        return self.classifier(torch.flatten(self.avgpool(self.features(x)), 1))


def alexnet(width: int = 64) -> nn.Module:
    def pool() -> nn.Module:
        return nn.MaxPool2d(3, 2)

    w, relu = width, nn.ReLU(inplace=True)
    features = [nn.Conv2d(3, w, 11, 4, 2), relu, pool(), nn.Conv2d(w, 3 * w, 5, padding=2), relu, pool()]
    for before, after in ((3, 6), (6, 4), (4, 4)):
        features += [nn.Conv2d(before * w, after * w, 3, padding=1), relu]
    first, second, third = nn.Linear(4 * w * 36, 64 * w), nn.Linear(64 * w, 64 * w), nn.Linear(64 * w, 1000)
    classifier = nn.Sequential(nn.Dropout(), first, relu, nn.Dropout(), second, relu, third)
    return Classifier(nn.Sequential(*features, pool()), 6, classifier)


#: Convolutions of each stage of VGG-16, and their channels in widths.
VGG = ((2, 1), (2, 2), (3, 4), (3, 8), (3, 8))


def vgg16(width: int = 64) -> nn.Module:
    w, relu, features, before = width, nn.ReLU(inplace=True), [], 3
    for depth, wide in VGG:
        for _ in range(depth):
            features += [nn.Conv2d(before, wide * w, 3, padding=1), relu]
            before = wide * w
        features += [nn.MaxPool2d(2, 2)]
    first, second, third = nn.Linear(8 * w * 49, 64 * w), nn.Linear(64 * w, 64 * w), nn.Linear(64 * w, 1000)
    classifier = nn.Sequential(first, relu, nn.Dropout(), second, relu, nn.Dropout(), third)
    return Classifier(nn.Sequential(*features), 7, classifier)


class Residual(nn.Module):
    """A basic block or a bottleneck: kernels say which."""

    def __init__(self, inputs: int, width: int, stride: int, kernels: tuple[int, ...]) -> None:
        super().__init__()
        self.depth = len(kernels)
        outputs = width if self.depth == 2 else 4 * width
        before, strided = inputs, 1 if self.depth == 3 else 0  # the stride is at the first 3×3
        for place, kernel in enumerate(kernels):
            after = outputs if place == self.depth - 1 else width
            step = stride if place == strided else 1
            setattr(self, f"conv{place + 1}", nn.Conv2d(before, after, kernel, step, kernel // 2, bias=False))
            setattr(self, f"bn{place + 1}", nn.BatchNorm2d(after))
            before = after
        plain = stride == 1 and inputs == outputs
        projection = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))
        self.downsample = None if plain else projection

    def forward(self, x: Tensor) -> Tensor:
        y = x
        for place in range(1, self.depth + 1):
            y = getattr(self, f"bn{place}")(getattr(self, f"conv{place}")(y))
            y = torch.relu(y) if place < self.depth else y
        y += x if self.downsample is None else self.downsample(x)
        return torch.relu_(y)


class ResNet(nn.Module):
    def __init__(self, depths: tuple[int, ...], kernels: tuple[int, ...]) -> None:
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64)
        before, growth = 64, 1 if len(kernels) == 2 else 4
        for stage, depth in enumerate(depths):
            width, blocks = 64 << stage, []
            for place in range(depth):
                blocks.append(Residual(before, width, 2 if stage and not place else 1, kernels))
                before = growth * width
            setattr(self, f"layer{stage + 1}", nn.Sequential(*blocks))
        self.fc = nn.Linear(before, 1000)

    def forward(self, x: Tensor) -> Tensor:
        x = F.max_pool2d(torch.relu(self.bn1(self.conv1(x))), 3, 2, 1)
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return self.fc(torch.flatten(F.adaptive_avg_pool2d(x, 1), 1))


#: Expansion, channels, repetitions and first stride of MobileNetV2's stages.
INVERTED = ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1))


def _unit(inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1) -> nn.Module:
    conv = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(outputs), nn.ReLU6(inplace=True))


class Inverted(nn.Module):
    def __init__(self, inputs: int, outputs: int, stride: int, expansion: int) -> None:
        super().__init__()
        wide = inputs * expansion
        layers = [] if expansion == 1 else [_unit(inputs, wide, 1)]
        layers += [_unit(wide, wide, 3, stride, wide), nn.Conv2d(wide, outputs, 1, bias=False), nn.BatchNorm2d(outputs)]
        self.conv, self.plain = nn.Sequential(*layers), stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        return x + self.conv(x) if self.plain else self.conv(x)


def mobilenet_v2() -> nn.Module:
    features, before = [_unit(3, 32, 3, 2)], 32
    for expansion, channels, depth, stride in INVERTED:
        for place in range(depth):
            features.append(Inverted(before, channels, 1 if place else stride, expansion))
            before = channels
    features.append(_unit(320, 1280, 1))
    return Classifier(nn.Sequential(*features), 1, nn.Sequential(nn.Dropout(0.2), nn.Linear(1280, 1000)))


class Fire(nn.Module):
    def __init__(self, inputs: int, narrow: int, wide: int) -> None:
        super().__init__()
        self.squeeze = nn.Conv2d(inputs, narrow, 1)
        self.expand1x1, self.expand3x3 = nn.Conv2d(narrow, wide, 1), nn.Conv2d(narrow, wide, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        x = torch.relu(self.squeeze(x))
        return torch.cat([torch.relu(self.expand1x1(x)), torch.relu(self.expand3x3(x))], 1)


class SqueezeNet(nn.Module):
    def __init__(self, width: int, kernel: int, pools: tuple[int, int]) -> None:
        super().__init__()
        layers: list[nn.Module] = [nn.Conv2d(3, width, kernel, 2), nn.ReLU(inplace=True), nn.MaxPool2d(3, 2, ceil_mode=True)]
        before, squeezed = width, (16, 16, 32, 32, 48, 48, 64, 64)
        for count, narrow in enumerate(squeezed, 1):
            layers.append(Fire(before, narrow, 4 * narrow))
            before = 8 * narrow
            if count in pools:
                layers.append(nn.MaxPool2d(3, 2, ceil_mode=True))
        self.features = nn.Sequential(*layers)
        head = nn.Conv2d(512, 1000, 1)
        self.classifier = nn.Sequential(nn.Dropout(0.5), head, nn.ReLU(inplace=True), nn.AdaptiveAvgPool2d((1, 1)))

    def forward(self, x: Tensor) -> Tensor:
        return torch.flatten(self.classifier(self.features(x)), 1)


class DenseLayer(nn.Module):
    def __init__(self, inputs: int, growth: int) -> None:
        super().__init__()
        self.norm1, self.conv1 = nn.BatchNorm2d(inputs), nn.Conv2d(inputs, 4 * growth, 1, bias=False)
        self.norm2, self.conv2 = nn.BatchNorm2d(4 * growth), nn.Conv2d(4 * growth, growth, 3, padding=1, bias=False)

    def forward(self, maps: list[Tensor]) -> Tensor:
        x = self.conv1(F.relu(self.norm1(torch.cat(maps, 1))))
        return self.conv2(F.relu(self.norm2(x)))


class DenseBlock(nn.ModuleDict):
    def __init__(self, inputs: int, depth: int, growth: int) -> None:
        super().__init__({f"denselayer{i + 1}": DenseLayer(inputs + i * growth, growth) for i in range(depth)})

    def forward(self, x: Tensor) -> Tensor:
        maps = [x]
        for layer in self.values():
            maps.append(layer(maps))
        return torch.cat(maps, 1)


def _transition(inputs: int) -> nn.Module:
    halved = nn.Conv2d(inputs, inputs // 2, 1, bias=False)
    return nn.Sequential(
        OrderedDict(norm=nn.BatchNorm2d(inputs), relu=nn.ReLU(inplace=True), conv=halved, pool=nn.AvgPool2d(2, 2))
    )


class DenseNet(nn.Module):
    def __init__(self, growth: int = 32) -> None:
        super().__init__()
        maps = 2 * growth
        layers: dict[str, nn.Module] = {"conv0": nn.Conv2d(3, maps, 7, 2, 3, bias=False), "norm0": nn.BatchNorm2d(maps)}
        layers |= {"relu0": nn.ReLU(inplace=True), "pool0": nn.MaxPool2d(3, 2, 1)}
        for block, depth in enumerate((6, 12, 24, 16), 1):
            layers[f"denseblock{block}"] = DenseBlock(maps, depth, growth)
            maps += depth * growth
            if block < 4:
                layers[f"transition{block}"] = _transition(maps)
                maps //= 2
        self.features = nn.Sequential(OrderedDict(layers, norm5=nn.BatchNorm2d(maps)))
        self.classifier = nn.Linear(maps, 1000)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.features(x), inplace=True)
        return self.classifier(torch.flatten(F.adaptive_avg_pool2d(x, (1, 1)), 1))


class Permute(nn.Module):
    def __init__(self, *order: int) -> None:
        super().__init__()
        self.order = order

    def forward(self, x: Tensor) -> Tensor:
        return x.permute(self.order)


class LayerNorm2d(nn.LayerNorm):
    def forward(self, x: Tensor) -> Tensor:
        x = F.layer_norm(x.permute(0, 2, 3, 1), self.normalized_shape, self.weight, self.bias, self.eps)
        return x.permute(0, 3, 1, 2)


class ConvNeXtBlock(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        conv, norm = nn.Conv2d(width, width, 7, padding=3, groups=width), nn.LayerNorm(width, eps=1e-6)
        wider, back = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)
        self.block = nn.Sequential(conv, Permute(0, 2, 3, 1), norm, wider, nn.GELU(), back, Permute(0, 3, 1, 2))
        self.layer_scale = nn.Parameter(torch.full((width, 1, 1), 1e-6))

    def forward(self, x: Tensor) -> Tensor:
        return self.layer_scale * self.block(x) + x


def convnext_tiny() -> nn.Module:
    features: list[nn.Module] = [nn.Sequential(nn.Conv2d(3, 96, 4, 4), LayerNorm2d(96, eps=1e-6))]
    for stage, depth in enumerate((3, 3, 9, 3)):
        width = 96 << stage
        if stage:
            features.append(nn.Sequential(LayerNorm2d(width // 2, eps=1e-6), nn.Conv2d(width // 2, width, 2, 2)))
        features.append(nn.Sequential(*(ConvNeXtBlock(width) for _ in range(depth))))
    head = nn.Sequential(LayerNorm2d(768, eps=1e-6), nn.Flatten(1), nn.Linear(768, 1000))
    return nn.Sequential(OrderedDict(features=nn.Sequential(*features), avgpool=nn.AdaptiveAvgPool2d(1), classifier=head))


class C3D(nn.Module):
    def __init__(self, width: int = 64) -> None:
        super().__init__()
        before, self.names = 3, []
        for stage, (depth, wide) in enumerate(((1, 1), (1, 2), (2, 4), (2, 8), (2, 8)), 1):
            self.names.append([f"conv{stage}{letter}" for letter in "ab"[:depth]])
            for name in self.names[-1]:
                setattr(self, name, nn.Conv3d(before, wide * width, 3, padding=1))
                before = wide * width
        self.fc6, self.fc7 = nn.Linear(16 * before, 64 * width), nn.Linear(64 * width, 64 * width)
        self.logits = nn.Linear(64 * width, 487)

    def forward(self, x: Tensor) -> Tensor:
        for stage, names in enumerate(self.names):
            for name in names:
                x = torch.relu(getattr(self, name)(x))
            x = F.max_pool3d(x, 2 if stage else (1, 2, 2), ceil_mode=True)
        return self.logits(torch.relu(self.fc7(torch.relu(self.fc6(x.flatten(1))))))
