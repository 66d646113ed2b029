"""The demo's input: a held-out photograph at any size, Gaussian noise, and the measure of what is left of it."""

from __future__ import annotations

from importlib.resources import files
from io import BytesIO
from math import log10
from typing import Any

import numpy as np
from numpy.typing import NDArray

from atrous.errors import ArgumentError

_BAND = 256  # rows handled at once, so that no second array of the photograph's size is made


def held_out_photograph(side: int | None = None) -> NDArray[np.uint8]:
    """The gray photograph ``coffee``, which was not used in training; uint8 (height, width).

    It is 400×600 pixels. With ``side`` it is enlarged (Lanczos) until its longer side has that many pixels. An enlarged
    photograph is smooth, and so easier to denoise than one taken at that size: say so beside figures measured on it.

    Args:
        side: pixels of the longer side, at least 600; ``None`` for the photograph as it was taken.

    Raises:
        ArgumentError: ``side`` is below 600.

    Example:
        >>> held_out_photograph().shape, held_out_photograph(1200).shape
        ((400, 600), (800, 1200))
    """
    from PIL import Image  # here, because Pillow is slow to import and the rest of the room does not need it

    with Image.open(BytesIO((files("atrous.demo_network") / "coffee.png").read_bytes())) as image:
        if side is None:
            return np.asarray(image, dtype=np.uint8)
        if side < image.width:
            raise ArgumentError(
                f"side: got {side}; the photograph is only ever enlarged, so it must be at least {image.width} pixels; "
                "crop the photograph for a smaller one"
            )
        size = (side, round(image.height * side / image.width))
        return np.asarray(image.resize(size, Image.Resampling.LANCZOS), dtype=np.uint8)


def add_noise(photo: NDArray[np.uint8], sigma: float, seed: int) -> NDArray[np.float32]:
    """The photograph on the scale 0 to 1 plus white Gaussian noise; float32, the shape of ``photo``.

    The sum is not clipped to 0..1, so that the noise stays Gaussian in shadows and highlights too, as the literature on
    denoising has it. The same seed gives the same noise.

    Args:
        photo: uint8, any shape.
        sigma: standard deviation of the noise on the scale 0 to 1, for example ``25 / 255``; not negative.
        seed: of ``numpy.random.default_rng``.

    Raises:
        ArgumentError: ``photo`` is not uint8, or ``sigma`` is negative or not finite.

    Example:
        >>> noisy = add_noise(held_out_photograph(), sigma=25 / 255, seed=0)
        >>> noisy.shape, noisy.dtype
        ((400, 600), dtype('float32'))
    """
    if photo.dtype != np.uint8:
        raise ArgumentError(f"photo: got an array of {photo.dtype}; it must be uint8, black 0 and white 255")
    if not 0 <= sigma < float("inf"):
        raise ArgumentError(f"sigma: got {sigma}; it must be a finite standard deviation of at least 0, such as 25 / 255")
    noisy = np.random.default_rng(seed).standard_normal(photo.shape, dtype=np.float32)
    noisy *= np.float32(sigma)
    for start in range(0, len(photo), _BAND):
        noisy[start : start + _BAND] += photo[start : start + _BAND] / np.float32(255)
    return noisy


def psnr(image: NDArray[Any], clean: NDArray[Any]) -> float:
    """Peak signal-to-noise ratio in dB, ``10 log10(1 / mean((image - clean)²))`` on the scale 0 to 1; higher is better.

    Args:
        image, clean: arrays of one shape; uint8 counts as 0..255, floating point as 0..1. Sums are float64.

    Raises:
        ArgumentError: the shapes differ.

    Example:
        >>> round(psnr(np.full((4, 4), 0.1), np.zeros((4, 4))), 6)
        20.0
    """
    if image.shape != clean.shape:
        raise ArgumentError(f"image: got shape {image.shape} against {clean.shape} of clean; the two must be alike")
    total = 0.0
    for start in range(0, len(image), _BAND):
        difference = _unit(image[start : start + _BAND]) - _unit(clean[start : start + _BAND])
        total += float(np.sum(difference * difference))
    return -10 * log10(total / image.size) if total else float("inf")


def _unit(image: NDArray[Any]) -> NDArray[np.float64]:
    """The image as float64 on the scale 0 to 1."""
    values = image.astype(np.float64)
    return values / 255 if image.dtype == np.uint8 else values
