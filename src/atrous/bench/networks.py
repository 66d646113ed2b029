"""Where the networks of a suite come from, as ONNX files that every peer reads.

Beside the built-in networks there are those that the suite needs in another form, and the ``light_*`` networks, with constant
weights, that the onnx package brings for its own tests.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import onnx

import atrous
from atrous.errors import ArgumentError
from atrous.graph.builder import Builder, Value
from atrous.graph.fact import Fact
from atrous.graph.facts import infer_facts, input_facts
from atrous.graph.layers import DepthToSpace
from atrous.graph.network import Network
from atrous.graph.networks import NETWORKS
from atrous.graph.passes.precision import cast_network
from atrous.importers import to_onnx


def subpixel(scale: int = 3, seed: int = 0) -> Network:
    """ESPCN of Shi et al. (2016), arXiv 1609.05158, as PyTorch's example trains it: 5×5, 3×3, 3×3, then pixels from channels.

    ``image (N, 1, H, W)`` to ``(N, 1, scale * H, scale * W)``.
    """
    b = Builder("subpixel", seed=seed)
    x = b.input("image", ("N", 1, "H", "W"))
    for kernel, channels in ((5, 64), (3, 64), (3, 32)):
        x = b.relu(b.conv(x, channels, kernel, padding=kernel // 2))
    x = b.conv(x, scale * scale, 3, padding=1, gain=1.0)
    return b.build(b.add(DepthToSpace(scale, "CRD"), x, name=None, kind="shuffle"))


def unet_same(axes: int, width: int, levels: int, channels: int = 1, classes: int = 2, seed: int = 0) -> Network:
    """A U-Net whose convolutions keep the size, as most are built today, for 2 or 3 axes.

    ``image (N, channels, *space)`` to ``scores (N, classes, *space)``; sizes are multiples of 2 to the number of levels.
    """
    sizes = ("D", "H", "W")[3 - axes :]
    b = Builder(f"unet{axes}d_same", seed=seed, sample=dict.fromkeys(sizes, 2 << levels))

    def double(x: Value, filters: int) -> Value:
        return b.relu(b.conv(b.relu(b.conv(x, filters, 3, padding=1)), filters, 3, padding=1))

    x, skips = b.input("image", ("N", channels, *sizes)), []
    for level in range(levels):
        x = double(x, width << level)
        skips.append(x)
        x = b.max_pool(x, 2)
    x = double(x, width << levels)
    for level in reversed(range(levels)):
        x = b.conv_transpose(x, width << level, 2, stride=2, gain=1.0)
        x = double(b.concat(skips[level], x), width << level)
    return b.build(b.conv(x, classes, 1, gain=1.0))


#: Networks that are measured and are not built in.
EXTRA: dict[str, Callable[[], Network]] = {
    "subpixel": subpixel,
    "unet_same": partial(unet_same, 2, 64, 4),
    "unet3d_same": partial(unet_same, 3, 32, 3),
}
LIGHT = Path(onnx.__file__).parent / "backend/test/data/light"


def write_model(source: str, path: Path, dtype: str = "float32") -> Network:
    """The network of a source, written as an ONNX file for the peers to read. Raises ``ArgumentError`` for a name unknown."""
    network = find_network(source)
    if dtype != "float32":
        network = cast_network(network, dtype)
    given = Path(source) if source.endswith(".onnx") else LIGHT / f"{source}.onnx"
    if dtype == "float32" and given.is_file():
        path.write_bytes(given.read_bytes())
    else:
        path.write_bytes(to_onnx(network).SerializeToString())
    return network


def find_network(source: str) -> Network:
    """A built-in network, one of the extra ones, a light one of onnx, or that of an ONNX file."""
    makers = {**NETWORKS, **EXTRA}
    if source in makers:
        return makers[source]()
    if source.endswith(".onnx"):
        return atrous.load(source)
    light = LIGHT / f"{source}.onnx"
    if light.is_file():
        return atrous.load(light)
    known = ", ".join((*makers, *sorted(path.stem for path in LIGHT.glob("*.onnx"))))
    raise ArgumentError(f"network: got {source!r}; it must be an ONNX file or one of {known}")


def shaped(network: Network, shapes: tuple[tuple[int, ...], ...]) -> dict[str, Fact]:
    """The facts of all values for inputs of these shapes, in order; none where the network says all of them."""
    if shapes and len(shapes) != len(network.inputs):
        raise ArgumentError(f"network: got {len(shapes)} shapes; {network.name} has {len(network.inputs)} inputs")
    given = dict(zip(network.inputs, shapes, strict=True)) if shapes else None
    return dict(infer_facts(network, input_facts(network, given)))
