"""Figures: their steps, and how they are saved."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from atrous.errors import ArgumentError, FileError
from tests.figures.examples import nine_steps


def test_a_step_is_a_figure() -> None:
    figure = nine_steps()
    assert len(figure) == 9
    assert figure.step(9).scenes == figure.scenes[8:]
    assert figure.step(2).name == "conv-2"


@pytest.mark.parametrize("number", [0, 10, -1])
def test_steps_that_are_not_there(number: int) -> None:
    with pytest.raises(ArgumentError, match=rf"^step: got {number}; there are steps 1 to 9 of 'conv'$"):
        nine_steps().step(number)
    with pytest.raises(ArgumentError, match=r"^step: got 2; there is step 1 only of 'conv-1'$"):
        nine_steps().step(1).step(2)


def test_speed_and_scale_have_bounds() -> None:
    with pytest.raises(ArgumentError, match=r"^seconds: got 0; a step of a film is shown for 0\.02 to 600 seconds$"):
        replace(nine_steps(), seconds=0)
    with pytest.raises(ArgumentError, match=r"^scale: got 9; images have 0\.25 to 8 pixels per unit of the drawing"):
        replace(nine_steps(), scale=9)


def test_frames_are_of_one_size() -> None:
    assert len({(drawing.width, drawing.height) for drawing in nine_steps().drawings()}) == 1


def test_an_unknown_suffix_tells_what_there_is(tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match=r"^path: a\.bmp: the suffix '\.bmp' is of no format that .*: \.svg \(SVG\)"):
        nine_steps().save(tmp_path / "a.bmp")
    with pytest.raises(ArgumentError, match=r"the suffix '' is of no format"):
        nine_steps().save(tmp_path / "a")


def test_a_file_in_the_way_is_kept(tmp_path: Path) -> None:
    target = tmp_path / "a.svg"
    target.write_text("mine")
    with pytest.raises(FileError, match=r"a\.svg: the file exists; give --overwrite \(overwrite=True\) to replace it"):
        nine_steps().save(target)
    assert target.read_text() == "mine"
    assert nine_steps().save(str(target), overwrite=True) == (target,)
    assert target.read_text().startswith("<svg")
    assert list(tmp_path.iterdir()) == [target]
    assert target.stat().st_mode & 0o400


def test_a_folder_that_is_missing(tmp_path: Path) -> None:
    with pytest.raises(FileError, match=r"none/a\.svg: cannot be written: No such file or directory"):
        nine_steps().save(tmp_path / "none" / "a.svg")
