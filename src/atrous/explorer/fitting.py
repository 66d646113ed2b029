"""An image made to fit what a network reads: channels, size and scale, and each change said in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from atrous.errors import ArgumentError, NetworkError
from atrous.explorer.picture import Picture
from atrous.graph.fact import Array, Fact
from atrous.graph.facts import infer_facts
from atrous.graph.network import Network
from atrous.graph.processing import LUMA
from atrous.tiled.preview import fitted, shrunk_size

#: The mean and standard deviation of red, green and blue over ImageNet, the usual ones of networks trained on it.
_MEAN, _DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
#: So many rows or columns less are tried where a network does not take the image's own size.
_TRIED = 64


@dataclass(frozen=True, slots=True)
class Scaling:
    """What the network is given for a pixel ``p`` of 0..255: ``(p / white - mean) / deviation``, for each channel."""

    words: str
    white: float = 255.0
    mean: tuple[float, ...] = (0.0,)
    deviation: tuple[float, ...] = (1.0,)


SCALINGS: Mapping[str, Scaling] = {
    "unit": Scaling("0 to 1"),
    "signed": Scaling("−1 to 1", mean=(0.5,), deviation=(0.5,)),
    "bytes": Scaling("0 to 255", white=1.0),
    "imagenet": Scaling("ImageNet: 0 to 1, less the mean, over the deviation", mean=_MEAN, deviation=_DEVIATION),
}


@dataclass(frozen=True, slots=True)
class Settings:
    """How an image is given to a network: ``scaling`` is a name in ``SCALINGS``, ``side`` its longer side at most."""

    scaling: str = "unit"
    side: int = 512

    def __post_init__(self) -> None:
        if self.scaling not in SCALINGS:
            raise ArgumentError(f"scaling: got {self.scaling!r}; it must be one of {', '.join(SCALINGS)}")
        if not 16 <= self.side <= 1024:
            raise ArgumentError(f"side: got {self.side}; the longer side must have 16 to 1024 pixels")


@dataclass(frozen=True, eq=False)
class Fit:
    """``array`` is what the network gets, ``shown`` the same as uint8 pixels, ``told`` how it came about."""

    array: Array
    shown: Array
    told: tuple[str, ...]


def image_input(network: Network) -> tuple[str, Fact]:
    """The input that an image can be given to; raises ``ArgumentError`` that says why there is none."""
    if len(network.inputs) != 1:
        names = ", ".join(network.inputs)
        raise ArgumentError(f"{network.name}: reads {len(network.inputs)} inputs ({names}); an image can be given to one only")
    ((name, fact),) = network.inputs.items()
    why = None
    if fact.rank == 3:
        why = "a 1-d signal; its numbers are in the table, but an image has two axes"
    elif fact.rank != 4:
        why = f"an array of {fact.rank} axes; an image is read as (batch, channels, rows, columns)"
    elif fact.shape[1] not in (1, 3):
        why = f"{fact.shape[1]} channels; an image has 1 (gray) or 3 (red, green, blue), as the second of four axes"
    elif not np.issubdtype(np.dtype(fact.dtype), np.floating):
        why = f"{fact.dtype}; images are given as floating-point numbers"
    if why is not None:
        raise ArgumentError(f"{network.name}: its input {name!r} is {fact!r}: {why}")
    return name, fact


def fit(network: Network, picture: Picture, settings: Settings) -> Fit:
    """The image as the network's input; raises ``ArgumentError`` where there is no size that it takes."""
    _, fact = image_input(network)
    told = list(picture.told)
    pixels = _channels(picture.pixels, int(fact.shape[1]), told)
    pixels = _sized(network, fact, pixels, shrunk_size(*picture.size, settings.side), told)
    scaling = SCALINGS[settings.scaling]
    channels = np.atleast_3d(pixels).astype(np.float64) / scaling.white
    mean, deviation = (np.resize(np.array(each), channels.shape[2]) for each in (scaling.mean, scaling.deviation))
    if channels.shape[2] == 1 and len(scaling.mean) == 3:  # one gray channel: the brightness of the three
        mean, deviation = np.array([np.dot(LUMA, scaling.mean)]), np.array([np.dot(LUMA, scaling.deviation)])
    array = np.moveaxis((channels - mean) / deviation, 2, 0)[None]
    batch = fact.shape[0]
    if isinstance(batch, int) and batch > 1:
        told.append(f"The network reads {batch} images at once: this one stands in every place.")
        array = np.repeat(array, batch, axis=0)
    told.append(f"Its pixels are given as {scaling.words}.")
    return Fit(np.ascontiguousarray(array, np.dtype(fact.dtype)), pixels, tuple(told))


def _channels(pixels: Array, wanted: int, told: list[str]) -> Array:
    if wanted == 1 and pixels.ndim == 3:
        told.append("The network reads one channel: the image is given as its brightness.")
        return np.asarray(np.rint(pixels @ np.array(LUMA)), np.uint8)
    if wanted == 3 and pixels.ndim == 2:
        told.append("The network reads three channels: the gray image stands in each of them.")
        return np.repeat(pixels[..., None], 3, axis=2)
    return pixels


def _sized(network: Network, fact: Fact, pixels: Array, size: tuple[int, int], told: list[str]) -> Array:
    """The pixels at a size that the network takes: ``size`` where it leaves the choice."""
    rows, columns = fact.shape[2:]
    if isinstance(rows, int) and isinstance(columns, int):
        return _cut_to(pixels, rows, columns, told)
    height, width = size
    if isinstance(rows, int):
        height, width = rows, max(1, round(pixels.shape[1] * rows / pixels.shape[0]))
    elif isinstance(columns, int):
        height, width = max(1, round(pixels.shape[0] * columns / pixels.shape[1])), columns
    if (height, width) != pixels.shape[:2]:
        told.append(f"The network is given the image at {width} × {height} pixels.")
        pixels = fitted(pixels, height, width)
    return _legal(network, fact, pixels, told)


def _cut_to(pixels: Array, rows: int, columns: int, told: list[str]) -> Array:
    """The middle of the image in the proportions of a fixed size, at that size."""
    height, width = pixels.shape[:2]
    kept = (min(height, max(1, round(width * rows / columns))), min(width, max(1, round(height * columns / rows))))
    top, left = (height - kept[0]) // 2, (width - kept[1]) // 2
    if (height, width) != (rows, columns):
        cropped = "" if kept == (height, width) else f", cropped to its middle {kept[1]} × {kept[0]} first"
        told.append(f"The network reads {columns} × {rows} pixels only: the image is resized to that{cropped}.")
    return fitted(pixels[top : top + kept[0], left : left + kept[1]], rows, columns)


def _legal(network: Network, fact: Fact, pixels: Array, told: list[str]) -> Array:
    """The image, less as many rows and columns at its end as the network needs to accept it."""
    height, width = pixels.shape[:2]
    reason = _trouble(network, fact, height, width)
    if reason is None:
        return pixels
    for rows, columns in _smaller(network, fact, height, width):
        if _trouble(network, fact, rows, columns) is None:
            told.append(f"The network does not take {width} × {height} pixels: the image is cropped to {columns} × {rows}.")
            return pixels[:rows, :columns]
    raise ArgumentError(f"the image at {width} × {height} pixels does not fit the network: {reason}")


def _smaller(network: Network, fact: Fact, height: int, width: int) -> Iterator[tuple[int, int]]:
    """Sizes to try: on each axis the largest at which a square image is accepted."""
    found = []
    for size in (height, width):
        squares = range(size, max(0, size - _TRIED), -1)
        legal = next((each for each in squares if _trouble(network, fact, each, each) is None), None)
        if legal is None:
            return
        found.append(legal)
    yield found[0], found[1]


def _trouble(network: Network, fact: Fact, height: int, width: int) -> str | None:
    """Why the network does not take an image of this size; ``None`` if it does."""
    batch = fact.shape[0] if isinstance(fact.shape[0], int) else 1
    name = next(iter(network.inputs))
    try:
        infer_facts(network, {name: Fact(fact.dtype, (batch, fact.shape[1], height, width))})
    except (NetworkError, ArgumentError) as error:
        return str(error)
    return None
