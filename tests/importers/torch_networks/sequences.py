"""Networks of sequences in PyTorch, with weight normalisation where their authors train with it."""

from __future__ import annotations

from collections import OrderedDict

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.parametrizations import weight_norm


class Gated(nn.Module):
    def __init__(self, width: int, skip: int, dilation: int) -> None:
        super().__init__()
        self.dilation = dilation
        self.filter, self.gate = (nn.Conv1d(width, width, 2, dilation=dilation) for _ in range(2))
        self.residual, self.skip = nn.Conv1d(width, width, 1), nn.Conv1d(width, skip, 1)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        past = F.pad(x, (self.dilation, 0))
        y = torch.tanh(self.filter(past)) * torch.sigmoid(self.gate(past))
        return x + self.residual(y), self.skip(y)


class WaveNet(nn.Module):
    def __init__(self, blocks: int = 3, depth: int = 10, width: int = 64, skip: int = 256, levels: int = 256) -> None:
        super().__init__()
        self.blocks, self.front = blocks, nn.Conv1d(levels, width, 1)
        for block in range(blocks):
            setattr(self, f"block{block}", nn.ModuleList(Gated(width, skip, 1 << layer) for layer in range(depth)))
        self.head1, self.head2 = nn.Conv1d(skip, skip, 1), nn.Conv1d(skip, levels, 1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.front(x)
        total = None
        for block in range(self.blocks):
            for layer in getattr(self, f"block{block}"):
                x, part = layer(x)
                total = part if total is None else total + part
        return F.softmax(self.head2(F.relu(self.head1(F.relu(total)))), 1)


class Causal(nn.Module):
    """A block of the TCN: padded at both ends, and what was read ahead cut off, as its authors do."""

    def __init__(self, inputs: int, width: int, kernel: int, dilation: int) -> None:
        super().__init__()
        self.reach = (kernel - 1) * dilation
        self.conv1 = weight_norm(nn.Conv1d(inputs, width, kernel, padding=self.reach, dilation=dilation))
        self.conv2 = weight_norm(nn.Conv1d(width, width, kernel, padding=self.reach, dilation=dilation))
        self.downsample = None if inputs == width else nn.Conv1d(inputs, width, 1)
        self.dropout = nn.Dropout(0.05)

    def forward(self, x: Tensor) -> Tensor:
        y = self.dropout(F.relu(self.conv1(x)[:, :, : -self.reach].contiguous()))
        y = self.dropout(F.relu(self.conv2(y)[:, :, : -self.reach].contiguous()))
        return F.relu(y + (x if self.downsample is None else self.downsample(x)))


def tcn(width: int = 25, depth: int = 8) -> nn.Module:
    blocks = [Causal(width if level else 1, width, 7, 1 << level) for level in range(depth)]
    return nn.Sequential(OrderedDict(network=nn.Sequential(*blocks), linear=nn.Conv1d(width, 10, 1)))


class ResBlock(nn.Module):
    def __init__(self, width: int, kernel: int) -> None:
        super().__init__()
        reach, rates = kernel // 2, (1, 3, 5)
        dilated = (weight_norm(nn.Conv1d(width, width, kernel, padding=reach * rate, dilation=rate)) for rate in rates)
        plain = (weight_norm(nn.Conv1d(width, width, kernel, padding=reach)) for _ in rates)
        self.convs1, self.convs2 = nn.ModuleList(dilated), nn.ModuleList(plain)

    def forward(self, x: Tensor) -> Tensor:
        for first, second in zip(self.convs1, self.convs2, strict=True):
            y = first(F.leaky_relu(x, 0.1))
            x = second(F.leaky_relu(y, 0.1)) + x
        return x


class HiFiGAN(nn.Module):
    def __init__(self, width: int = 512) -> None:
        super().__init__()
        self.conv_pre = weight_norm(nn.Conv1d(80, width, 7, padding=3))
        self.ups, self.resblocks = nn.ModuleList(), nn.ModuleList()
        for stride, kernel in ((8, 16), (8, 16), (2, 4), (2, 4)):
            up = nn.ConvTranspose1d(width, width // 2, kernel, stride, padding=(kernel - stride) // 2)
            self.ups.append(weight_norm(up))
            width //= 2
            self.resblocks.extend(ResBlock(width, size) for size in (3, 7, 11))
        self.conv_post = weight_norm(nn.Conv1d(width, 1, 7, padding=3))

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv_pre(x)
        for level, up in enumerate(self.ups):
            x = up(F.leaky_relu(x, 0.1))
            x = sum(block(x) for block in self.resblocks[3 * level : 3 * level + 3]) / 3
        return torch.tanh(self.conv_post(F.leaky_relu(x)))
