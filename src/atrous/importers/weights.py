"""Trained weights from safetensors files into built-in networks, by the names that PyTorch and torchvision give them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from atrous.errors import ArgumentError, FileError
from atrous.graph.fact import Array
from atrous.graph.network import Network
from atrous.graph.networks import TORCH_NAMES
from atrous.importers.safetensors import read_safetensors

#: Counts of PyTorch's batch norms, which say how long they were trained; nothing at inference reads them.
_COUNTER = ".num_batches_tracked"


def load_weights(network: Network, path: str | os.PathLike[str], prefix: str = "") -> Network:
    """The network with the weights of a safetensors file, such as a PyTorch ``state_dict`` saved with ``save_file``.

        net = atrous.load_weights(atrous.networks.resnet50(), "resnet50.safetensors")

    Names are those of the ``state_dict``: torchvision's where it has the network (``atrous.networks.TORCH_NAMES`` says how
    ours become its), our own otherwise. With ``prefix`` only tensors whose names begin so are taken, without it:
    ``prefix="classifier."`` takes the head out of a whole DeepLabv3. Counters of batch norms (``num_batches_tracked``) are
    passed over. Shapes may differ by axes of size 1, as those of a linear layer and of its 1×1 convolution do. Numbers are
    converted to the network's type.

    Raises ``FileError`` for a damaged file, and when tensors are missing, unexpected or of another shape or kind: all of them
    in one message.
    """
    if not isinstance(network, Network):
        raise ArgumentError(f"network: got {type(network).__name__}; it must be a Network, such as atrous.networks.resnet50()")
    found = {
        name.removeprefix(prefix): array
        for name, array in read_safetensors(path).items()
        if name.startswith(prefix) and not name.endswith(_COUNTER)
    }
    wanted = _wanted(network)
    if wrong := _differences(network, wanted, found):
        raise FileError(f"{os.fspath(path)}: does not hold the weights of {network.name}: {'; '.join(wrong)}")
    loaded = {ours: _fitted(found[theirs], network.constants[ours]) for theirs, ours in wanted.items()}
    return replace(network, constants={**network.constants, **loaded})


def _wanted(network: Network) -> dict[str, str]:
    """The network's weights: the file's name of each, and ours. Scalars and integers are settings, not weights."""
    name = TORCH_NAMES.get(network.name, str)
    weights = [key for key, array in network.constants.items() if array.ndim and np.issubdtype(array.dtype, np.floating)]
    return {name(key): key for key in weights}


def _differences(network: Network, wanted: Mapping[str, str], found: Mapping[str, Array]) -> list[str]:
    shared = [name for name in wanted if name in found]
    shapes = [(name, network.constants[wanted[name]].shape, found[name].shape) for name in shared]
    lists = {
        "missing": [name for name in wanted if name not in found],
        "unexpected": [name for name in found if name not in wanted],
        "of another shape": [f"{name} {theirs} for {ours}" for name, ours, theirs in shapes if _plain(ours) != _plain(theirs)],
        "no floating numbers": [
            f"{name} {found[name].dtype}" for name in shared if not np.issubdtype(found[name].dtype, np.floating)
        ],
    }
    return [f"{what}: {', '.join(names)}" for what, names in lists.items() if names]


def _plain(shape: tuple[int, ...]) -> tuple[int, ...]:
    """A shape without its axes of size 1, which order no numbers."""
    return tuple(size for size in shape if size != 1)


def _fitted(array: Array, like: Array) -> Array:
    return np.ascontiguousarray(array.reshape(like.shape), dtype=like.dtype)
