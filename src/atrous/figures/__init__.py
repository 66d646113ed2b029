"""Figures of convolutions and networks: scenes that hold numbers, drawn in any format; one function for each kind."""

from atrous.figures.figure import Figure
from atrous.figures.layers import avg_pool, conv, conv_transpose, conv_transpose_as_conv, max_pool
from atrous.figures.lecture import lecture
from atrous.figures.style import STYLES, Style

__all__ = [
    "STYLES",
    "Figure",
    "Style",
    "avg_pool",
    "conv",
    "conv_transpose",
    "conv_transpose_as_conv",
    "lecture",
    "max_pool",
]
