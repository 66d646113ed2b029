"""Integers only: windows, padding, receptive fields and boxes. Every size in atrous comes from here."""

from atrous.geometry.box import Box, hull, pull_back
from atrous.geometry.cost import Cost, convolution_cost, fully_connected_cost
from atrous.geometry.coverage import Coverage, coverage, read_count
from atrous.geometry.extents import output_sizes
from atrous.geometry.indices import IndexSet
from atrous.geometry.maps import SAME, AxisMap, ExactMap, Pull, Stack, Whole
from atrous.geometry.padding import Explicit, Padding, Same, ToSize, as_padding
from atrous.geometry.receptive import Pattern, ReceptiveField
from atrous.geometry.region import Region
from atrous.geometry.resample import (
    Aspect,
    Coordinates,
    Crop,
    Cubic,
    Filter,
    Linear,
    Nearest,
    Resample,
    Rounding,
    short_fraction,
)
from atrous.geometry.sizes import LIMIT, ceil_div, count_bytes, per_axis
from atrous.geometry.spread import Moments, Spread
from atrous.geometry.transposed import Phase, TransposedWindow
from atrous.geometry.visits import Unread, overlap, unread, visits
from atrous.geometry.window import Window

__all__ = [
    "LIMIT",
    "SAME",
    "Aspect",
    "AxisMap",
    "Box",
    "Coordinates",
    "Cost",
    "Coverage",
    "Crop",
    "Cubic",
    "ExactMap",
    "Explicit",
    "Filter",
    "IndexSet",
    "Linear",
    "Moments",
    "Nearest",
    "Padding",
    "Pattern",
    "Phase",
    "Pull",
    "ReceptiveField",
    "Region",
    "Resample",
    "Rounding",
    "Same",
    "Spread",
    "Stack",
    "ToSize",
    "TransposedWindow",
    "Unread",
    "Whole",
    "Window",
    "as_padding",
    "ceil_div",
    "convolution_cost",
    "count_bytes",
    "coverage",
    "fully_connected_cost",
    "hull",
    "output_sizes",
    "overlap",
    "per_axis",
    "pull_back",
    "read_count",
    "short_fraction",
    "unread",
    "visits",
]
