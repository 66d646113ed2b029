"""Oracles: every operation in NumPy, written from its definition, in float64, slow and plain."""

from atrous.reference.convolution import conv, conv_transpose
from atrous.reference.normalisation import lrn
from atrous.reference.pooling import average_pool, lp_pool, max_pool, max_pool_indices, max_unpool
from atrous.reference.resampling import resize

__all__ = ["average_pool", "conv", "conv_transpose", "lp_pool", "lrn", "max_pool", "max_pool_indices", "max_unpool", "resize"]
