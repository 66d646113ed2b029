"""The lecture's figures, by the row of its table of contents: what each shows, and the settings that it is drawn with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from atrous.errors import ArgumentError
from atrous.figures.figure import Figure
from atrous.figures.scene import Scene
from atrous.figures.scenes.connections import connections, neighbours
from atrous.figures.scenes.convolution import convolution, numbers_of, prelude
from atrous.figures.scenes.coverage import coverage_map
from atrous.figures.scenes.equivariance import equivariance
from atrous.figures.scenes.explosion import explosion
from atrous.figures.scenes.growth import growth
from atrous.figures.scenes.receptive import context, field_map
from atrous.figures.scenes.sparsified import sparsified
from atrous.figures.scenes.stack import classifier, linearity, shrinking
from atrous.figures.settings import as_layer
from atrous.geometry import Window

Scenes = tuple[Scene, ...]


@dataclass(frozen=True, slots=True)
class Row:
    """One row: its number, what it says in a few words, and what draws it."""

    number: int
    says: str
    draw: Callable[[], Scenes]

    def figure(self) -> Figure:
        """The figure, named by its row."""
        return Figure(f"lecture-{self.number}", self.draw())


def _one_axis() -> Scenes:
    layer = as_layer(4, kernel=2)
    return convolution(layer, numbers_of(layer, (1, 2, 3, 4), (3, 2)), "(1, 2, 3, 4) ⊗ (3, 2)")


def _channels() -> Scenes:
    return convolution(as_layer((5, 6), kernel=3, channels=3), title="A C×H×W input and a C×h×w kernel: one activation map")


def _kernels() -> Scenes:
    return convolution(as_layer((5, 6), kernel=3, channels=3, filters=4), title="D kernels: D activation maps")


def _video() -> Scenes:
    return convolution(as_layer((4, 4, 5), kernel=(2, 3, 3)), title="Three axes: T×H×W, frames of a gray video")


def _padding_and_stride() -> Scenes:
    layer = as_layer((3, 5), kernel=3, padding=(2, 1), stride=2, channels=3)
    title = "Padding (2, 1), stride (2, 2), kernel 3×3"
    return (*prelude(layer, title=title), *convolution(layer, title=title))


def _unread() -> Scenes:
    layer = as_layer((7, 9), kernel=2, stride=(2, 3))
    title = "A stride above the kernel's size ignores inputs"
    return (*convolution(layer, title=title), coverage_map([layer], title))


def _dilation() -> Scenes:
    layers = [as_layer((5, 6), kernel=3, dilation=dilation, padding=1) for dilation in (1, 2)]
    return tuple(scene for layer in layers for scene in convolution(layer, title=f"Dilation {layer.windows[0].dilation}"))


def _context() -> Scenes:
    stacks = ([1, 2, 5], [1, 2, 9], [2, 2, 2])
    return (*context(), *(field_map([[Window(3, dilation=d) for d in stack]] * 2) for stack in stacks))


def _equivariance() -> Scenes:
    return (*equivariance(stride=1, shifts=3), *equivariance(stride=2, shifts=2))


def _classifier() -> Scenes:
    return (shrinking(classifier(), (1, 1, 33, 33)),)


def _linear() -> Scenes:
    return (linearity(classifier(), (1, 1, 33, 33)),)


ROWS = (
    Row(1, "a fully connected layer on an image is intractable", explosion),
    Row(2, "shift the input, and the output shifts", _equivariance),
    Row(3, "a kernel moves along a signal of one axis", _one_axis),
    Row(4, "the kernel moves over rows and columns, never over channels", _channels),
    Row(5, "a layer combines D kernels", _kernels),
    Row(6, "the structure of the signal is kept: neighbors stay neighbors", neighbours),
    Row(7, "three axes, where the third has a metric meaning", _video),
    Row(8, "activation map, receptive field, fully connected layer", connections),
    Row(9, "padding and stride, set up and then step by step", _padding_and_stride),
    Row(10, "a stride may ignore some of the input's values", _unread),
    Row(11, "dilation 1 and dilation 2, step by step", _dilation),
    Row(12, "a dilated kernel is a regularly sparsified filter", sparsified),
    Row(13, "dilation enlarges the receptive field without more parameters", growth),
    Row(14, "maps shrink until one decision is left", _classifier),
    Row(15, "only the activation functions are not linear", _linear),
    Row(16, "dilated networks aggregate context at several scales", _context),
)


def lecture(number: int) -> Figure:
    """The figure of a row of the lecture, 1 to 16.

    >>> len(lecture(3)), lecture(9).name
    (3, 'lecture-9')
    """
    for row in ROWS:
        if row.number == number:
            return row.figure()
    raise ArgumentError(f"lecture: got row {number!r}; there are {', '.join(str(row.number) for row in ROWS)}")
