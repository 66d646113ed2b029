"""GIF: all steps, each for its time, repeated, small."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import PIL.Image

from atrous.figures.raster import to_image
from atrous.figures.scene import State
from tests.figures.examples import nine_steps


def test_steps_and_times(tmp_path: Path) -> None:
    (path,) = replace(nine_steps(), seconds=0.4).save(tmp_path / "a.gif")
    with PIL.Image.open(path) as film:
        assert film.n_frames == 9
        assert film.info["loop"] == 0
        times = []
        for i in range(9):
            film.seek(i)
            times.append(film.info["duration"])
    assert times == [400] * 8 + [1000]
    assert path.stat().st_size < 500_000


def test_frames_are_the_steps(tmp_path: Path) -> None:
    """Areas have their exact colours; smooth edges may be a little off."""
    figure = nine_steps()
    (path,) = figure.save(tmp_path / "a.gif")
    with PIL.Image.open(path) as film:
        for i, drawing in enumerate(figure.drawings()):
            film.seek(i)
            found = np.asarray(film.convert("RGB")).astype(int)
            asked = np.asarray(to_image(drawing, figure.style, figure.scale)).astype(int)
            # 256 colours stand for some thousand: single pixels of smooth edges are visibly off, one in two thousand at most.
            assert (np.abs(found - asked).max(axis=-1) > 24).mean() < 5e-4
            assert np.abs(found - asked).mean() < 0.2
            fill = bytes.fromhex(figure.style.paint(State.CURRENT).fill[1:])
            same = (asked == list(fill)).all(axis=-1)
            assert (found[same] == list(fill)).all()


def test_one_step_stands_still(tmp_path: Path) -> None:
    (path,) = nine_steps().step(3).save(tmp_path / "a.gif")
    with PIL.Image.open(path) as image:
        assert image.n_frames == 1


def test_equal_steps_are_kept(tmp_path: Path) -> None:
    figure = nine_steps()
    (path,) = replace(figure, scenes=figure.scenes[:1] * 3, scale=0.5).save(tmp_path / "a.gif")
    with PIL.Image.open(path) as film:
        shown = 0
        for i in range(film.n_frames):
            film.seek(i)
            shown += film.info["duration"]
    assert shown == 1000 + 1000 + 2500
