"""From the flags about pixels to layers of the graph."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from atrous.errors import ArgumentError
from atrous.graph.fact import Fact
from atrous.graph.network import Network
from atrous.graph.processing import After, Before, wrap
from atrous.tiled.formats import FORMATS
from atrous.tiled.layout import input_layout
from atrous.tiled.prepare import open_source


@dataclass(frozen=True, slots=True)
class Pixels:
    """The flags as they were given; see ``options``."""

    scale: float | None = None
    mean: str | None = None
    std: str | None = None
    gray: bool = False
    bgr: bool = False
    clip: tuple[float, float] | None = None
    output_type: str | None = None


def processed(network: Network, source: Path, out: Path | None, pixels: Pixels) -> Network:
    """The network with the layers that the flags ask for, on the elements and channels that the input file has."""
    if pixels == Pixels():
        return network
    dtype, channels = _looks(network, source)
    before = Before(
        dtype=dtype,
        channels=channels,
        gray=pixels.gray,
        reverse=pixels.bgr,
        scale=1.0 if pixels.scale is None else pixels.scale,
        mean=_numbers("--mean", pixels.mean, 0.0),
        deviation=_numbers("--std", pixels.std, 1.0),
    )
    wanted = _output_type(dtype, out, pixels)
    low, high = pixels.clip or (None, None)
    integer = wanted is not None and np.issubdtype(np.dtype(wanted), np.integer)
    after = After(scale=before.scale if integer else 1.0, low=low, high=high, dtype=wanted)
    return wrap(network, before, after)


def _looks(network: Network, source: Path) -> tuple[str, int]:
    """The element type and the number of channels of the input, as a network of this rank reads it."""
    fact = next(iter(network.inputs.values()))
    anything = Fact(fact.dtype, tuple(f"size {axis}" for axis in range(fact.rank)))
    with open_source(source) as opened:
        shape = input_layout(opened.shape, opened.axes, anything, opened.name).network_shape(opened.shape)
        return opened.dtype.name, shape[1] if len(shape) > 1 else 1


def _numbers(option: str, text: str | None, default: float) -> tuple[float, ...]:
    if text is None:
        return (default,)
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError:
        raise ArgumentError(f"{option}: got {text!r}; it must be numbers such as 0.5 or 0.485,0.456,0.406") from None


def _output_type(dtype: str, out: Path | None, pixels: Pixels) -> str | None:
    """The type asked for; without one, an image that was scaled goes back to the type it had."""
    if pixels.output_type is not None:
        try:
            return np.dtype(pixels.output_type).name
        except TypeError:
            raise ArgumentError(
                f"--output-type: got {pixels.output_type!r}; it must be a type such as uint8 or float32"
            ) from None
    image = out is not None and any(form.image and out.suffix.lower() in form.suffixes for form in FORMATS)
    return dtype if image and pixels.scale is not None else None
