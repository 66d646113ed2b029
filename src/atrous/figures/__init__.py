"""Figures of convolutions and networks: scenes that hold numbers, drawn in any format; one function for each kind."""

from atrous.figures.draw import conv
from atrous.figures.figure import Figure
from atrous.figures.lecture import lecture
from atrous.figures.style import STYLES, Style

__all__ = ["STYLES", "Figure", "Style", "conv", "lecture"]
