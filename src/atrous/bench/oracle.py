"""Exact results, in float64: PyTorch's where it is installed, else those of the definitions, which take longer."""

from __future__ import annotations

from atrous.bench.peers import ours, torch, version_of
from atrous.bench.peers.peer import Peer
from atrous.bench.tasks import LayerTask, NetworkTask, Ready


def _layer(task: LayerTask) -> Ready:
    return torch.exact(task) if version_of(ORACLE) else ours.reference_layer(task)


def _network(task: NetworkTask) -> Ready:
    return torch.exact_network(task)


ORACLE = Peer("float64", "exact results", "torch", _layer, _network)
