"""Integers only: windows, padding, receptive fields and boxes. Every size in atrous comes from here."""

from atrous.geometry.box import Box, hull, pull_back
from atrous.geometry.maps import SAME, AxisMap, Pull, Whole
from atrous.geometry.transposed import Phase, TransposedWindow
from atrous.geometry.window import Window, ceil_div

__all__ = [
    "SAME",
    "AxisMap",
    "Box",
    "Phase",
    "Pull",
    "TransposedWindow",
    "Whole",
    "Window",
    "ceil_div",
    "hull",
    "pull_back",
]
