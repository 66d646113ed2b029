"""TIFF through tifffile: uncompressed images are read in place, compressed ones segment by segment (strips or tiles).

Axes: rows and columns, channels behind or before them (YX, YXC, CYX), and at most one axis of pages (depth, time, ...).
Compressions beyond deflate and PackBits need the package ``imagecodecs``.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from atrous.errors import ArgumentError, FileError
from atrous.geometry import Box, ceil_div
from atrous.graph.fact import Array
from atrous.tiled.aside import Aside
from atrous.tiled.raw import RawArray
from atrous.tiled.rawsink import RawSink
from atrous.tiled.source import Axes, Sink, Source

# tifffile's letters for channels; every other letter but Y and X stands for pages.
_CHANNELS = "SC"


def open_tiff(path: Path) -> Source:
    """The first image series of a TIFF, BigTIFF, ImageJ or OME-TIFF file."""
    import tifffile

    with _readable(path):
        file = tifffile.TiffFile(path)
    try:
        with _readable(path):
            series = file.series[0]
            axes, shape = _named(path, series.axes, series.shape)
            in_place = series.dataoffset
        if len(file.series) > 1:
            raise FileError(f"{path}: holds {len(file.series)} images of different kinds; keep one in the file")
        if in_place is not None:
            file.close()
            dtype = series.dtype.newbyteorder(file.byteorder)
            return PlainTiff(path, axes, shape, dtype, in_place)
        return SegmentedTiff(path, axes, shape, file, series)
    except BaseException:
        file.close()
        raise


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    try:
        yield
    except FileError:
        raise
    except Exception as error:  # tifffile raises many kinds on damaged files
        raise FileError(f"{path}: a damaged, truncated or unsupported TIFF file: {error}") from error


def _named(path: Path, letters: str, shape: Sequence[int]) -> tuple[Axes, tuple[int, ...]]:
    """Our axis letters and the shape without axes of size 1."""
    kept = [(letter, size) for letter, size in zip(letters, shape, strict=True) if letter in "YX" or size > 1]
    axes = "".join(letter if letter in "YX" else "C" if letter in _CHANNELS else "P" for letter, _ in kept)
    if len(set(axes)) < len(axes) or not {"Y", "X"} <= set(axes):
        raise FileError(
            f"{path}: a TIFF with axes {letters} of sizes {tuple(shape)}; atrous reads rows and columns with at most one axis "
            "of channels and one of pages: split the file"
        )
    return axes, tuple(size for _, size in kept)


class PlainTiff(Source):
    """An uncompressed image in one piece, read in place."""

    def __init__(self, path: Path, axes: Axes, shape: Sequence[int], dtype: np.dtype[Any], offset: int) -> None:
        super().__init__(str(path), shape, dtype.newbyteorder("="), axes)
        self._handle = os.open(path, os.O_RDONLY | getattr(os, "O_CLOEXEC", 0))
        self._raw = RawArray(self._handle, path, offset, shape, dtype)

    def read(self, box: Box, into: Array) -> None:
        self._raw.read(box, into)

    def scratch(self, shape: Sequence[int]) -> int:
        return self._raw.scratch(shape)

    def close(self) -> None:
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1


class SegmentedTiff(Source):
    """A compressed or scattered image: the segments that a box meets are decoded, and kept for the next box beside it."""

    def __init__(self, path: Path, axes: Axes, shape: Sequence[int], file: Any, series: Any) -> None:
        super().__init__(str(path), shape, np.dtype(series.dtype).newbyteorder("="), axes)
        self._file, self._pages = file, list(series.pages)
        page = self._pages[0]
        if any(each is None or each.keyframe is not page.keyframe for each in self._pages):
            raise FileError(f"{path}: its pages are missing or differ in shape or compression; write them alike")
        # A page is an array of (planes, depth, rows, columns, samples), whose planes, rows and columns are cut into chunks.
        self._page_shape: tuple[int, ...] = tuple(page.shaped)
        if self._page_shape[1] > 1 or prod(self._page_shape) * len(self._pages) != prod(shape):
            raise FileError(
                f"{path}: its pages of shape {page.shape} are not planes of the image {tuple(shape)}; split the file"
            )
        height, width = self._page_shape[2:4]
        rows, columns = (page.tilelength, page.tilewidth) if page.is_tiled else (page.rowsperstrip, width)
        self._chunk = (min(rows, height), min(columns, width))
        self._grid = (ceil_div(height, self._chunk[0]), ceil_div(width, self._chunk[1]))
        self._kept: dict[tuple[int, int], Array] = {}
        with _readable(path):
            self._segment(0, 0)  # a codec that is missing shows here, before the work

    def read(self, box: Box, into: Array) -> None:
        spans = dict(zip(self.axes, box, strict=True))
        rows, columns = spans["Y"], spans["X"]
        target = self._pages_first(into)
        met: set[tuple[int, int]] = set()
        planes = self._planes(spans)
        for (at, number, plane), y, x in itertools.product(planes, *map(self._met, (rows, columns), self._chunk)):
            index = (plane * self._grid[0] + y) * self._grid[1] + x
            met.add((number, index))
            with _readable(Path(self.name)):
                segment = self._segment(number, index)
            self._place(segment, (y, x), target[at], (rows, columns), spans.get("C"))
        self._kept = {key: segment for key, segment in self._kept.items() if key in met}

    def scratch(self, shape: Sequence[int]) -> int:
        sizes = dict(zip(self.axes, shape, strict=True))
        planes = sizes.get("P", 1) * (sizes.get("C", 1) if self._page_shape[0] > 1 else 1)
        # However the box lies, it meets this many segments; the ones of the last box are kept until it is read.
        met = [min((sizes[letter] - 2) // chunk + 2, grid) if sizes[letter] > 1 else 1
               for letter, chunk, grid in zip("YX", self._chunk, self._grid, strict=True)]  # fmt: skip
        segment = prod(self._chunk) * self._page_shape[4] * self.dtype.itemsize
        return (2 * planes * prod(met) + 2) * segment

    def close(self) -> None:
        self._kept.clear()
        self._file.close()

    def _pages_first(self, into: Array) -> Array:
        """The target with axes (P or plane, Y, X, C), whatever the order of the file's axes; no copy."""
        axes = self.axes
        for letter in "PC":
            if letter not in axes:
                into, axes = into[..., None], axes + letter
        return into.transpose([axes.index(letter) for letter in "PYXC"])

    def _planes(self, spans: dict[str, tuple[int, int]]) -> list[tuple[Any, int, int]]:
        """(index in the target, page, plane in it) of each plane that a box meets."""
        pages, channels = range(*spans.get("P", (0, 1))), range(*spans.get("C", (0, 1)))
        if "C" not in spans or self._page_shape[4] > 1:  # the samples of a pixel lie together, if there are any
            return [((p - pages.start, slice(None), slice(None), slice(None)), p, 0) for p in pages]
        return [
            ((p - pages.start, slice(None), slice(None), slice(c - channels.start, c - channels.start + 1)), *self._plane(p, c))
            for p, c in itertools.product(pages, channels)
        ]

    def _plane(self, page: int, channel: int) -> tuple[int, int]:
        """Where a channel lies that is not interleaved: a plane of its page, or a page of its own."""
        if self._page_shape[0] > 1:
            return page, channel
        sizes = dict(zip(self.axes, self.shape, strict=True))
        channels_inside = "P" not in self.axes or self.axes.index("P") < self.axes.index("C")
        if channels_inside:
            return page * sizes["C"] + channel, 0
        return channel * sizes["P"] + page, 0

    def _met(self, span: tuple[int, int], chunk: int) -> range:
        return range(span[0] // chunk, ceil_div(span[1], chunk))

    def _segment(self, number: int, index: int) -> Array:
        """A decoded segment as (rows, columns, samples)."""
        key = (number, index)
        if key not in self._kept:
            page = self._pages[number]
            keyframe = page.keyframe
            size = page.databytecounts[index]
            self._file.filehandle.seek(page.dataoffsets[index])
            data = self._file.filehandle.read(size) if size else None
            if data is not None and len(data) < size:
                raise FileError(f"{self.name}: the file ends inside segment {index} of page {number}; it is truncated")
            decoded = keyframe.decode(data, index, jpegtables=keyframe.jpegtables)[0]
            if decoded is None:  # a segment that was never written stands for the fill value
                decoded = np.full((1, *self._chunk, self._page_shape[4]), keyframe.nodata, self.dtype)
            self._kept[key] = decoded[0]
        return self._kept[key]

    def _place(self, segment: Array, at: tuple[int, int], target: Array, spans: Any, channels: tuple[int, int] | None) -> None:
        """Copy what a segment and a box share."""
        into, out_of = [], []
        for number, chunk, size, (lo, hi) in zip(at, self._chunk, segment.shape, spans, strict=False):
            first, last = max(lo, number * chunk), min(hi, number * chunk + size)
            into.append(slice(first - lo, last - lo))
            out_of.append(slice(first - number * chunk, last - number * chunk))
        samples = slice(*channels) if channels is not None and segment.shape[-1] > 1 else slice(None)
        target[tuple(into)] = segment[(*out_of, samples)]


class TiffSink(RawSink):
    """An uncompressed TIFF (BigTIFF beyond 4 GB), written in place."""

    def __init__(self, aside: Aside, shape: Sequence[int], dtype: np.dtype[Any], axes: Axes) -> None:
        super().__init__(aside, shape, dtype)
        self._axes = axes

    def head(self, path: Path) -> int:
        import tifffile

        colours = self.shape[-1] if self._axes.endswith("C") else 1
        photometric = "rgb" if colours in (3, 4) and self.dtype.kind == "u" else "minisblack"
        planar = {"planarconfig": "contig"} if colours > 1 else {}
        tifffile.imwrite(path, None, shape=self.shape, dtype=self.dtype, photometric=photometric, **planar)
        with tifffile.TiffFile(path) as file:
            return int(file.series[0].dataoffset)


def create_tiff(aside: Aside, shape: Sequence[int], dtype: np.dtype[Any], axes: Axes) -> Sink:
    """A TIFF of rows, columns and perhaps channels and pages; any number type that TIFF has."""
    import tifffile  # noqa: F401  imported before memory is measured

    if not axes or dtype.kind not in "uif":
        raise ArgumentError(
            f"out: {aside.target.name}: the result is {dtype}{list(shape)}; a TIFF holds images of numbers; write .npy"
        )
    return TiffSink(aside, shape, dtype, axes)
