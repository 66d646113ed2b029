"""Figures of convolutions and networks: scenes that hold numbers, drawn in any format; one function for each kind."""

from atrous.figures.figure import Figure
from atrous.figures.layers import avg_pool, conv, conv_transpose, conv_transpose_as_conv, max_pool
from atrous.figures.lecture import lecture
from atrous.figures.style import STYLES, Style
from atrous.figures.whole import (
    activation_maps,
    coverage,
    draw,
    fully_connected,
    growth,
    linearity,
    receptive_field,
    receptive_map,
    volumes,
)

__all__ = [
    "STYLES",
    "Figure",
    "Style",
    "activation_maps",
    "avg_pool",
    "conv",
    "conv_transpose",
    "conv_transpose_as_conv",
    "coverage",
    "draw",
    "fully_connected",
    "growth",
    "lecture",
    "linearity",
    "max_pool",
    "receptive_field",
    "receptive_map",
    "volumes",
]
