"""What papers and torchvision publish of the built-in networks: one row each, for the tests and for the page of the docs."""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple


class Published(NamedTuple):
    """Exact counts, ``macs`` of convolutions and linear layers on ``shape``; and what was published of them, with its source.

    ``told`` is in the words of the source: torchvision rounds multiply-adds to millions, papers give what they give. Counts
    that no source has whole follow from the table or figure that is named.
    """

    shape: tuple[int, ...]
    parameters: int
    macs: int
    output: tuple[int, ...]
    told: str
    source: str


def torchvision(parameters: int, macs: int, told: str, paper: str) -> Published:
    """A classifier of ImageNet, as torchvision's table of weights has it; its GFLOPS are multiply-adds."""
    source = f"torchvision; {paper}"
    return Published((1, 3, 224, 224), parameters, macs, (1, 1000), f"{parameters:,} parameters, {told} GMAC", source)


def wavenet_layer(width: int, skip: int) -> int:
    """Weights of one gated layer: filter and gate of kernel 2, a 1×1 to the residual and one to the skip."""
    return 2 * 2 * width * width + width * width + width * skip


#: U-Nets by level: (maps in, maps out, output size) of every 3×3 convolution, then of every up-convolution.
UNET = [(1, 64, 570), (64, 64, 568), (64, 128, 282), (128, 128, 280), (128, 256, 138), (256, 256, 136), (256, 512, 66)]
UNET += [(512, 512, 64), (512, 1024, 30), (1024, 1024, 28), (1024, 512, 54), (512, 512, 52), (512, 256, 102)]
UNET += [(256, 256, 100), (256, 128, 198), (128, 128, 196), (128, 64, 390), (64, 64, 388)]
UNET_UP = [(1024, 512, 28), (512, 256, 52), (256, 128, 100), (128, 64, 196)]
UNET_MACS = sum(9 * a * b * n * n for a, b, n in UNET) + sum(4 * a * b * n * n for a, b, n in UNET_UP) + 64 * 2 * 388**2
#: With padding, sizes are 512, 256, 128, 64, 32 and back.
PADDED = [512, 512, 256, 256, 128, 128, 64, 64, 32, 32, 64, 64, 128, 128, 256, 256, 512, 512]
PADDED_MACS = sum(9 * a * b * n * n for (a, b, _), n in zip(UNET, PADDED, strict=True))
PADDED_MACS += sum(4 * a * b * n * n for (a, b, _), n in zip(UNET_UP, (32, 64, 128, 256), strict=True)) + 64 * 2 * 512**2

#: Widths of the large context module with C = 21, from the input to the output.
LARGE = [21 * width for width in (1, 2, 2, 4, 8, 16, 32, 32, 1)]
LARGE_WEIGHTS = sum(9 * a * b for a, b in pairwise(LARGE[:8])) + LARGE[7] * LARGE[8]

#: The front end at 900×900: channels in and out, kernel, output size.
FRONT = [(3, 64, 3, 898), (64, 64, 3, 896), (64, 128, 3, 446), (128, 128, 3, 444), (128, 256, 3, 220), (256, 256, 3, 218)]
FRONT += [(256, 256, 3, 216), (256, 512, 3, 106), (512, 512, 3, 104), (512, 512, 3, 102), (512, 512, 3, 98), (512, 512, 3, 94)]
FRONT += [(512, 512, 3, 90), (512, 4096, 7, 66), (4096, 4096, 1, 66), (4096, 21, 1, 66)]

#: C3D: channels in and out, and how many places the output has.
C3D = [(3, 64, 16 * 112**2), (64, 128, 16 * 56**2), (128, 256, 8 * 28**2), (256, 256, 8 * 28**2), (256, 512, 4 * 14**2)]
C3D += [(512, 512, 4 * 14**2), (512, 512, 2 * 7**2), (512, 512, 2 * 7**2)]
C3D_DENSE = [(8192, 4096), (4096, 4096), (4096, 487)]

#: The TCN of sequential MNIST: taps of its convolutions, the shortcut, and the last layer.
TCN = 7 * 25 + 15 * 7 * 25 * 25 + 25 + 25 * 10

#: HiFi-GAN V1: weights of a level's up-convolution and its 18 residual convolutions, by the width before it.
HIFIGAN_UP = [(512, 16), (256, 16), (128, 4), (64, 4)]
HIFIGAN = [(a * a // 2 * k, 6 * (3 + 7 + 11) * (a // 2) ** 2) for a, k in HIFIGAN_UP]
HIFIGAN_BIASES = 512 + sum(19 * a // 2 for a, _ in HIFIGAN_UP) + 1
HIFIGAN_WEIGHTS = 80 * 512 * 7 + sum(map(sum, HIFIGAN)) + 32 * 7
#: Multiply-adds a frame: each level has 8, 64, 128 and 256 samples a frame; an up-convolution is counted by its inputs.
HIFIGAN_MACS = 80 * 512 * 7 + 32 * 7 * 256
HIFIGAN_MACS += sum(up * n + blocks * m for (up, blocks), n, m in zip(HIFIGAN, (1, 8, 64, 128), (8, 64, 128, 256), strict=True))

#: The head of DeepLabv3: the branches but the image's, the image's, and what follows.
ASPP = 2048 * 256 * (1 + 3 * 9) + 5 * 256 * 256 + 9 * 256 * 256 + 256 * 21

PUBLISHED = {
    "lenet": Published(
        (1, 1, 32, 32), 61_706, 416_520, (1, 10), "layer sizes; about 60,000 parameters", "LeCun et al. 1998, figure 2"
    ),
    "alexnet": torchvision(61_100_840, 714_188_480, "0.714", "arXiv 1404.5997"),
    "vgg16": torchvision(138_357_544, 15_470_264_320, "15.47", "arXiv 1409.1556"),
    "resnet18": torchvision(11_689_512, 1_814_073_344, "1.814", "arXiv 1512.03385"),
    "resnet34": torchvision(21_797_672, 3_663_761_408, "3.664", "arXiv 1512.03385"),
    "resnet50": torchvision(25_557_032, 4_089_184_256, "4.089", "arXiv 1512.03385"),
    "resnet101": torchvision(44_549_160, 7_801_405_440, "7.801", "arXiv 1512.03385"),
    "mobilenet_v2": torchvision(3_504_872, 300_774_272, "0.301", "arXiv 1801.04381"),
    "squeezenet1_0": torchvision(1_248_424, 818_924_576, "0.819", "arXiv 1602.07360"),
    "squeezenet1_1": torchvision(1_235_496, 349_151_936, "0.349", "arXiv 1602.07360"),
    "densenet121": torchvision(7_978_856, 2_834_161_664, "2.834", "arXiv 1608.06993"),
    "convnext_tiny": torchvision(28_589_128, 4_455_531_264, "4.456", "arXiv 2201.03545"),
    "unet": Published((1, 1, 572, 572), 31_030_658, UNET_MACS, (1, 2, 388, 388), "layer sizes", "arXiv 1505.04597, figure 1"),
    "unet_padded": Published(
        (1, 1, 512, 512), 31_030_658, PADDED_MACS, (1, 2, 512, 512), "layer sizes, padded", "arXiv 1505.04597, figure 1"
    ),
    # The paper's table of sizes is 132×132×116 to 44×44×28.
    "unet3d": Published(
        (1, 3, 116, 132, 132),
        19_069_955,
        266_731_018_496,
        (1, 3, 28, 44, 44),
        "19,069,955 parameters",
        "arXiv 1606.06650, section 2",
    ),
    # The whole deeplabv3_resnet50 has 42,004,074 in torchvision: backbone 23,508,032, auxiliary head 2,365,205, and this.
    "deeplabv3_head": Published(
        (1, 2048, 65, 65),
        42_004_074 - 23_508_032 - 2_365_205,
        ASPP * 65**2 + 2048 * 256,
        (1, 21, 65, 65),
        "42,004,074 parameters with backbone and auxiliary head",
        "torchvision; arXiv 1706.05587",
    ),
    "front_end": Published(
        (1, 3, 900, 900),
        sum(a * b * k * k + b for a, b, k, _ in FRONT),
        sum(a * b * k * k * n * n for a, b, k, n in FRONT),
        (1, 21, 66, 66),
        "layer sizes",
        "arXiv 1511.07122, section 4",
    ),
    "context_module": Published(
        (1, 21, 64, 64),
        64 * 21**2 + 8 * 21,
        64 * 21**2 * 64**2,
        (1, 21, 64, 64),
        "about 64 C² parameters",
        "arXiv 1511.07122, table 1 and section 3",
    ),
    "context_module_large": Published(
        (1, 21, 64, 64),
        LARGE_WEIGHTS + sum(LARGE[1:]),
        LARGE_WEIGHTS * 64**2,
        (1, 21, 64, 64),
        "layer sizes",
        "arXiv 1511.07122, table 1",
    ),
    "dncnn": Published(
        (1, 1, 64, 64), 556_032, 554_112 * 64**2, (1, 1, 64, 64), "depth 17, width 64", "arXiv 1608.03981, section III"
    ),
    # Widely reported as 78.41 M parameters with 101 classes, and 38.5 G.
    "c3d": Published(
        (1, 3, 16, 112, 112),
        sum(27 * a * b + b for a, b, _ in C3D) + sum(a * b + b for a, b in C3D_DENSE),
        sum(27 * a * b * n for a, b, n in C3D) + sum(a * b for a, b in C3D_DENSE),
        (1, 487),
        "layer sizes",
        "arXiv 1412.0767, figure 3",
    ),
    "wavenet": Published(
        (1, 256, 4000),
        256 * 64 + 64 + 30 * (wavenet_layer(64, 256) + 3 * 64 + 256) + 2 * (256 * 256 + 256),
        (256 * 64 + 30 * wavenet_layer(64, 256) + 2 * 256 * 256) * 4000,
        (1, 256, 4000),
        "layers, dilations, receptive field",
        "arXiv 1609.03499, figure 4",
    ),
    "tcn": Published(
        (1, 1, 784), TCN + 16 * 25 + 25 + 10, TCN * 784, (1, 10, 784), "70K parameters", "arXiv 1803.01271, table 1"
    ),
    "hifigan": Published(
        (1, 80, 32),
        HIFIGAN_WEIGHTS + HIFIGAN_BIASES,
        HIFIGAN_MACS * 32,
        (1, 1, 8192),
        "13.92 M parameters",
        "arXiv 2010.05646, table 1",
    ),
}
