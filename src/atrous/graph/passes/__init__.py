"""Passes: named pure functions from a network to a network with the same result."""

from atrous.graph.passes.affine import fold_affine, lower_batch_norm
from atrous.graph.passes.branches import share_branches
from atrous.graph.passes.compounds import lower_compounds
from atrous.graph.passes.constants import fold_constants, specialise
from atrous.graph.passes.dead import remove_dead
from atrous.graph.passes.epilogues import fuse_epilogues
from atrous.graph.passes.identities import remove_identities
from atrous.graph.passes.matmul import matmul_to_linear
from atrous.graph.passes.paddings import pad_inside
from atrous.graph.passes.pipeline import PASSES, optimise, settle
from atrous.graph.passes.preceding import fold_preceding
from atrous.graph.passes.precision import cast_network
from atrous.graph.passes.rewrite import op_counts
from atrous.graph.passes.transposes import meet_transposes

__all__ = [
    "PASSES",
    "cast_network",
    "fold_affine",
    "fold_constants",
    "fold_preceding",
    "fuse_epilogues",
    "lower_batch_norm",
    "lower_compounds",
    "matmul_to_linear",
    "meet_transposes",
    "op_counts",
    "optimise",
    "pad_inside",
    "remove_dead",
    "remove_identities",
    "settle",
    "share_branches",
    "specialise",
]
