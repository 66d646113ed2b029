"""Integers only: windows, padding, receptive fields and boxes. Every size in atrous comes from here."""

from atrous.geometry.box import Box, hull, pull_back
from atrous.geometry.indices import IndexSet
from atrous.geometry.maps import SAME, AxisMap, Pull, Whole
from atrous.geometry.padding import Explicit, Padding, Same, ToSize, as_padding
from atrous.geometry.resample import Coordinates, Cubic, Filter, Linear, Nearest, Resample, Rounding, short_fraction
from atrous.geometry.sizes import ceil_div, per_axis
from atrous.geometry.transposed import Phase, TransposedWindow
from atrous.geometry.window import Window

__all__ = [
    "SAME",
    "AxisMap",
    "Box",
    "Coordinates",
    "Cubic",
    "Explicit",
    "Filter",
    "IndexSet",
    "Linear",
    "Nearest",
    "Padding",
    "Phase",
    "Pull",
    "Resample",
    "Rounding",
    "Same",
    "ToSize",
    "TransposedWindow",
    "Whole",
    "Window",
    "as_padding",
    "ceil_div",
    "hull",
    "per_axis",
    "pull_back",
    "short_fraction",
]
