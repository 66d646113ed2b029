"""What the demo shows of its result: whether two results are the same bits, and a picture of before and after."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from atrous.errors import FileError

_BAND = 256  # rows handled at once, so that memory maps need not be in memory
_GAP = 8  # white pixels between two panels


def same_bits(left: NDArray[Any], right: NDArray[Any]) -> bool:
    """Whether two arrays are alike in shape, type and every bit; unlike ``==``, a NaN is like itself and 0 unlike -0.

    Example:
        >>> same_bits(np.array([0.0]), np.array([-0.0]))
        False
    """
    if (left.shape, left.dtype) != (right.shape, right.dtype):
        return False
    return all(
        left[start : start + _BAND].tobytes() == right[start : start + _BAND].tobytes() for start in range(0, len(left), _BAND)
    )


def write_panels(path: Path, *images: NDArray[Any], panel: int = 700, centre: tuple[float, float] = (0.5, 0.5)) -> None:
    """Write the same square detail of several gray images side by side as a PNG; an existing file is replaced.

    Args:
        path: the PNG; its folder is made if it is missing.
        images: arrays (height, width) of one shape; uint8 counts as 0..255, floating point as 0..1 and is clipped.
        panel: side of the detail in pixels; less where the images are smaller.
        centre: middle of the detail, as shares of height and width.

    Raises:
        FileError: the file cannot be written; nothing is left of it.
    """
    from PIL import Image  # here, because Pillow is slow to import and the rest of the room does not need it

    details = [_bytes(_detail(image, panel, centre)) for image in images]
    gap = np.full((details[0].shape[0], _GAP), 255, np.uint8)
    row = np.concatenate([part for detail in details for part in (detail, gap)][:-1], axis=1)
    aside = ""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, aside = tempfile.mkstemp(dir=path.parent, suffix=".part")
        with os.fdopen(handle, "wb") as file:
            Image.fromarray(row).save(file, format="PNG")
        os.chmod(aside, 0o644)
        os.replace(aside, path)
    except OSError as error:
        raise FileError(f"{path}: the picture cannot be written: {error.strerror or error}") from error
    finally:
        if aside and os.path.exists(aside):
            os.unlink(aside)


def _detail(image: NDArray[Any], panel: int, centre: tuple[float, float]) -> NDArray[Any]:
    sides = [min(panel, size) for size in image.shape]
    starts = [
        min(max(0, round(size * share - side / 2)), size - side)
        for size, share, side in zip(image.shape, centre, sides, strict=True)
    ]
    return image[starts[0] : starts[0] + sides[0], starts[1] : starts[1] + sides[1]]


def _bytes(image: NDArray[Any]) -> NDArray[np.uint8]:
    if image.dtype == np.uint8:
        return np.asarray(image)
    return np.asarray(np.rint(np.clip(image, 0, 1) * 255), np.uint8)
