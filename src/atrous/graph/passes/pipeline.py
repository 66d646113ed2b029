"""The passes in the order in which they prepare a network for the engine."""

from __future__ import annotations

from collections.abc import Callable

from atrous.graph.network import Network, Shapes
from atrous.graph.passes.affine import fold_affine, lower_batch_norm
from atrous.graph.passes.branches import share_branches
from atrous.graph.passes.compounds import has_compounds, lower_compounds
from atrous.graph.passes.constants import fold_constants, specialise
from atrous.graph.passes.dead import remove_dead
from atrous.graph.passes.epilogues import fuse_epilogues
from atrous.graph.passes.identities import remove_identities
from atrous.graph.passes.matmul import matmul_to_linear
from atrous.graph.passes.paddings import pad_inside
from atrous.graph.passes.preceding import fold_preceding
from atrous.graph.passes.transposes import meet_transposes

Pass = Callable[[Network], Network]

#: Name and pass, in order: each takes a valid network and leaves one with the same result within rounding.
#:
#: Constants first: what later passes ask of paddings, axes and weights is then in numbers. Transposes meet before identities
#: go, for two that cancel leave one behind, and before branches are compared, for a branch behind another transpose is another
#: one. Branches are shared before anything is folded: a value with one reader left is one that folding may change. Frames go
#: inside before scales do, which stop at a Pad. A scale between two convolutions belongs to the first, which takes its shift
#: whatever is padded; what is left goes into those that follow, and only then are the norms that neither took made arithmetic.
#: Epilogues come last: fused layers are closed to all other passes.
PASSES: tuple[tuple[str, Pass], ...] = (
    ("fold constants", fold_constants),
    ("matrix products with constants are linear layers", matmul_to_linear),
    ("let transposes meet", meet_transposes),
    ("remove identities", remove_identities),
    ("share identical branches", share_branches),
    ("pad inside the layers that read it", pad_inside),
    ("fold scales and shifts into the weights before them", fold_affine),
    ("fold scales and shifts into the weights after them", fold_preceding),
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
