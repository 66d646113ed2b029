"""The libraries that atrous is measured with: one row for each way of using one, in the order of the columns."""

from __future__ import annotations

from importlib import metadata

import atrous
from atrous.bench.peers import jax, onnx_runtime, openvino, ours, scipy, torch
from atrous.bench.peers.peer import Peer
from atrous.errors import ArgumentError

#: What the ratios "to PyTorch" divide.
DEFAULT = "torch"

PEERS: tuple[Peer, ...] = (
    Peer("atrous", "weights packed once, NCHW arrays in and out", "atrous", ours.packed, ours.network, own=True),
    Peer("atrous.conv", "weights packed at each call", "atrous", ours.unpacked, own=True),
    Peer(DEFAULT, "eager, channels first", "torch", torch.eager, torch.network),
    Peer("torch.cl", "eager, channels last", "torch", torch.eager_channels_last, torch.network_channels_last),
    Peer("torch.compile", "compiled, weights frozen", "torch", torch.compiled),
    Peer("onnxruntime", "bound arrays", "onnxruntime", onnx_runtime.layer, onnx_runtime.network),
    Peer("openvino", "one stream, bound arrays", "openvino", openvino.layer, openvino.network),
    Peer("jax", "jitted, channels first", "jax", jax.channels_first),
    Peer("jax.cl", "jitted, channels last", "jax", jax.channels_last),
    Peer("scipy", "one channel, a filter at a time", "scipy", scipy.layer),
)


def select(names: str | None) -> tuple[Peer, ...]:
    """The peers of a list such as ``atrous,torch``, in the order of the table; all of them if there is no list.

    Raises ``ArgumentError`` for a name that is none of them.
    """
    if names is None:
        return PEERS
    wanted = [name.strip() for name in names.split(",") if name.strip()]
    unknown = [name for name in wanted if name not in {peer.name for peer in PEERS}]
    if unknown or not wanted:
        known = ", ".join(peer.name for peer in PEERS)
        raise ArgumentError(f"--peers: got {', '.join(unknown) or 'no name'}; the peers are {known}")
    return tuple(peer for peer in PEERS if peer.name in wanted)


def version_of(peer: Peer) -> str | None:
    """The version of a peer's library; ``None`` if it is not installed."""
    if peer.own:
        return atrous.__version__
    try:
        return metadata.version(peer.distribution)
    except metadata.PackageNotFoundError:
        return None
