"""The passes in the order in which they prepare a network for the engine."""

from __future__ import annotations

from collections.abc import Callable

from atrous.graph.network import Network, Shapes
from atrous.graph.passes.affine import fold_affine, lower_batch_norm
from atrous.graph.passes.compounds import has_compounds, lower_compounds
from atrous.graph.passes.constants import fold_constants, specialise
from atrous.graph.passes.dead import remove_dead
from atrous.graph.passes.epilogues import fuse_epilogues
from atrous.graph.passes.identities import remove_identities
from atrous.graph.passes.matmul import matmul_to_linear
from atrous.graph.passes.transposes import meet_transposes

Pass = Callable[[Network], Network]

#: Name and pass, in order: each takes a valid network and leaves one with the same result within rounding.
PASSES: tuple[tuple[str, Pass], ...] = (
    ("fold constants", fold_constants),
    ("matrix products with constants are linear layers", matmul_to_linear),
    ("let transposes meet", meet_transposes),
    ("remove identities", remove_identities),
    ("fold scales and shifts into weights", fold_affine),
    ("lower the other batch norms", lower_batch_norm),
    ("write out the layers that consist of others", lower_compounds),
    ("fuse epilogues", fuse_epilogues),
    ("remove dead nodes", remove_dead),
)


def optimise(network: Network, observe: Callable[[str, Network, Network], None] | None = None) -> Network:
    """The network after all passes; ``observe(name, before, after)`` sees each one. Best after ``specialise``."""
    for name, rewrite in PASSES:
        before, network = network, rewrite(network)
        if observe is not None:
            observe(name, before, network)
    return network


def settle(network: Network, shapes: Shapes | None = None) -> Network:
    """An optimised network for inputs of these shapes: specialised, and no layer left of those that kernels have parts for.

    Sizes that were open may have hidden what a layer reads; now every value has its fact.
    """
    network = specialise(network, shapes)
    if has_compounds(network):
        network = specialise(lower_compounds(lower_batch_norm(network)), shapes)
    return network
