"""The judge of the demo: bits and pictures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from atrous.demo_network.judge import same_bits, write_panels
from atrous.errors import FileError


def test_bits_not_values() -> None:
    a = np.float32([[np.nan, 1, 0]])
    assert same_bits(a, a.copy())
    assert not same_bits(a, np.float32([[np.nan, 1, -0.0]]))
    assert not same_bits(a, a.astype(np.float64))
    assert not same_bits(a, a[:, :2])


def test_bits_of_every_band() -> None:
    a = np.zeros((600, 3), np.float32)
    b = a.copy()
    b[599, 2] = np.nextafter(np.float32(0), np.float32(1))
    assert same_bits(a, a.copy())
    assert not same_bits(a, b)


def test_panels_show_the_same_detail(tmp_path: Path) -> None:
    left = np.arange(100, dtype=np.uint8).reshape(10, 10)
    right = left.astype(np.float32) / 255
    file = tmp_path / "new" / "panels.png"
    write_panels(file, left, right, panel=4, centre=(1.0, 0.5))
    seen = np.asarray(Image.open(file))
    assert seen.shape == (4, 4 + 8 + 4)
    np.testing.assert_array_equal(seen[:, :4], left[6:, 3:7])
    np.testing.assert_array_equal(seen[:, 12:], left[6:, 3:7])
    assert (seen[:, 4:12] == 255).all()
    assert [path.name for path in file.parent.iterdir()] == ["panels.png"]


def test_a_picture_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(FileError, match=r"file/panels.png: the picture cannot be written: "):
        write_panels(tmp_path / "file" / "panels.png", np.zeros((3, 3), np.uint8))
