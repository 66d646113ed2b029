"""Figures that the tests of all formats write."""

from __future__ import annotations

from atrous.figures.figure import Figure
from atrous.figures.scene import Cell, Grid, Scene, State
from atrous.figures.scenes.convolution import convolution, numbers_of
from atrous.figures.settings import as_layer

#: A title that means something in every language that is written; all of it is in the font of figures.
HOSTILE = """</title><script>alert(1)</script> & "q" 'a' \\input{x} $_^%#~{}[] (()\\) ]]> --> é × −1 Σ 10¹²"""


def nine_steps() -> Figure:
    """The lecture's convolution: 3x5, kernel 3, padding 2 and 1, stride 2, with numbers."""
    layer = as_layer((3, 5), kernel=3, padding=(2, 1), stride=2)
    return Figure("conv", convolution(layer, numbers_of(layer)))


def one_row() -> Figure:
    """A convolution over one axis: links rather than beams."""
    layer = as_layer(7, kernel=3, dilation=2)
    return Figure("row", convolution(layer, numbers_of(layer)))


def deep() -> Figure:
    """Three channels: volumes behind the grids, no numbers."""
    return Figure("deep", convolution(as_layer((5, 5), kernel=3, channels=3, filters=2, padding=1)))


def hostile() -> Figure:
    """Two steps whose words try to be code."""
    cells = ((Cell(State.SIGNAL, 1.0), Cell(State.READ, -2.5)),)
    scene = Scene(HOSTILE, ((Grid("g", cells, label=HOSTILE),),), (HOSTILE,), legend=(State.READ,))
    return Figure("hostile", (scene, Scene(HOSTILE, scene.bands, ("two",), scene.legend)))
