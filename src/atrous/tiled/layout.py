"""How the axes of a file or array and the axes of a network's value correspond.

Networks speak ``(N, C, *space)``. A plain array has the network's axes, or lacks the leading ones of size 1 (N, then C). An
image has rows and columns, perhaps channels behind them and pages before them; its pages are the depth of a 3-d network and
the batch of a 2-d one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from atrous.errors import ArgumentError
from atrous.geometry import Box
from atrous.graph.fact import Array, Fact


@dataclass(frozen=True, slots=True)
class Layout:
    """For each axis of the network's value the stored axis that it is, or ``None`` for an added axis of size 1.

    >>> Layout((None, 2, 0, 1)).network_shape((480, 640, 3))  # an image of rows, columns, channels
    (1, 3, 480, 640)
    """

    axes: tuple[int | None, ...]

    def network_shape(self, stored: Sequence[int]) -> tuple[int, ...]:
        """The shape that the network sees."""
        return tuple(1 if axis is None else stored[axis] for axis in self.axes)

    def stored_shape(self, shape: Sequence[int]) -> tuple[int, ...]:
        """The shape that is stored for a value, or a tile of it."""
        return tuple(shape[i] for i in self._stored())

    def stored_box(self, box: Box) -> Box:
        """Where a box of the network's value lies in what is stored."""
        return Box(self.stored_shape(box.lo), self.stored_shape(box.hi))

    def stored_view(self, tile: Array) -> Array:
        """A tile of the network's value, seen with the stored axes; no copy."""
        kept = tile[tuple(0 if axis is None else slice(None) for axis in self.axes)]
        present = [axis for axis in self.axes if axis is not None]
        return kept.transpose([present.index(i) for i in range(len(present))])

    def network_view(self, tile: Array) -> Array:
        """A stored tile, seen with the network's axes; no copy."""
        moved = tile.transpose([axis for axis in self.axes if axis is not None])
        return moved[tuple(None if axis is None else slice(None) for axis in self.axes)]

    @property
    def in_order(self) -> bool:
        """Whether stored axes come in the network's order, so that contiguous stays contiguous."""
        return self._stored() == sorted(self._stored())

    def _stored(self) -> list[int]:
        """For each stored axis, the axis of the network's value."""
        present = {axis: i for i, axis in enumerate(self.axes) if axis is not None}
        return [present[i] for i in range(len(present))]


def input_layout(shape: Sequence[int], axes: str, fact: Fact, name: str) -> Layout:
    """How a stored array becomes the network's input; ``ArgumentError`` says what does not fit and what would.

    >>> input_layout((480, 640, 3), "YXC", Fact("float32", ("N", 3, "H", "W")), "photo.png")
    Layout(axes=(None, 2, 0, 1))
    """
    layout = _image_input(axes, fact, name) if axes else _plain_input(shape, fact, name)
    seen = layout.network_shape(shape)
    for axis, (size, dim) in enumerate(zip(seen, fact.shape, strict=True)):
        if isinstance(dim, int) and dim != size:
            remedy = _channel_remedy(shape, axes, dim, size) if axis == 1 else "resize or crop the input to it"
            raise ArgumentError(
                f"{name}: shape {tuple(shape)} gives the network {seen}; its input is {fact!r}, "
                f"so axis {axis} must be {dim} and is {size}; {remedy}"
            )
    return layout


def _channel_remedy(shape: Sequence[int], axes: str, wanted: int, seen: int) -> str:
    if not axes and shape[-1] == wanted:
        return "channels come before the spatial axes: pass numpy.moveaxis(x, -1, -3)"
    if axes and wanted == 1 and seen in (3, 4):
        return "turn the colours to gray with --gray"
    return "the network's number of channels is fixed"


def _plain_input(shape: Sequence[int], fact: Fact, name: str) -> Layout:
    missing = fact.rank - len(shape)
    addable = [axis for axis in range(min(2, fact.rank)) if fact.shape[axis] == 1 or isinstance(fact.shape[axis], str)]
    if missing < 0 or addable[:missing] != list(range(missing)):
        raise ArgumentError(
            f"{name}: got {len(shape)} axes {tuple(shape)}; the network's input is {fact!r} with {fact.rank} axes "
            "(leading ones of size 1, batch and then channel, may be left out)"
        )
    return Layout((None,) * missing + tuple(range(len(shape))))


def _image_input(axes: str, fact: Fact, name: str) -> Layout:
    network = {4: "PCYX", 5: "?CPYX"}.get(fact.rank)
    if network is None:
        raise ArgumentError(
            f"{name}: an image with axes {axes} needs a network with input (N, C, H, W), or (N, C, D, H, W) for pages; "
            f"this one's input is {fact!r}"
        )
    return Layout(tuple(axes.index(letter) if letter in axes else None for letter in network))


def output_layout(shape: Sequence[int], added: Layout, image: bool) -> tuple[Layout, str]:
    """How the network's output is stored, and its image axes: as the input was (``image``: pages, rows, columns, channels).

    Axes that were added to the input are dropped where they still have size 1; of an image also the single channel.
    """
    if image and len(shape) in (4, 5):
        return _image_output(shape)
    drop = {i for i, axis in enumerate(added.axes) if axis is None and i < len(shape) and shape[i] == 1}
    kept = iter(range(len(shape)))
    return Layout(tuple(None if i in drop else next(kept) for i in range(len(shape)))), ""


def _image_output(shape: Sequence[int]) -> tuple[Layout, str]:
    if len(shape) == 5 and shape[0] > 1:
        raise ArgumentError(
            f"out: the result {tuple(shape)} is a batch of {shape[0]} volumes, which an image has no axis for; write .npy"
        )
    network = "PCYX" if len(shape) == 4 else "-CPYX"
    sizes = dict(zip(network, shape, strict=True))
    axes = "".join(letter for letter in "PYXC" if letter in "YX" or sizes[letter] > 1)
    return Layout(tuple(axes.index(letter) if letter in axes else None for letter in network)), axes
