"""Activation maps as pictures: pixels, scales, marks, and what is said of what was shrunk."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from atrous.errors import ArgumentError
from atrous.figures import Figure
from atrous.figures.colours import two_ended
from atrous.figures.pixels import Pixels, shrunk
from atrous.figures.scene import Frame, Picture, Scene
from atrous.figures.scenes.maps import activation_maps, energy_map


def pictures(scene: Scene) -> list[Picture]:
    return [part for band in scene.bands for part in band if isinstance(part, Picture)]


def test_maps_share_one_scale() -> None:
    maps = np.array([[[0.0, 1.0]], [[2.0, 4.0]]])
    first, second = pictures(activation_maps(maps))
    assert first.pixels.data == bytes([0, 0, 0, 64, 64, 64])
    assert second.pixels.data == bytes([128, 128, 128, 255, 255, 255])


def test_numbers_below_zero_are_blue_and_zero_is_light() -> None:
    (picture,) = pictures(activation_maps(np.array([[[-3.0, 0.0, 3.0]]])))
    ends = two_ended()
    assert picture.pixels.data == ends[[0, 127, 254]].tobytes()
    assert activation_maps(np.array([[[-3.0, 0.5]]])).caption == ("1 of 1 maps of 1×2, from −3 (blue) over 0 to 0.5",)


def test_the_field_of_a_unit_is_framed_on_the_image_and_clipped_to_it() -> None:
    image = np.zeros((10, 20, 3), np.uint8)
    scene = activation_maps(np.ones((2, 5, 10)), image, name="conv1", unit=(1, 0, 9), field=((-1, 2), (17, 21)))
    shown, _, second = pictures(scene)
    assert shown.frames == (Frame(0.0, 17 / 20, 2 / 10, 1.0),)
    assert second.frames == (Frame(0.0, 9 / 10, 1 / 5, 1.0),)
    assert "unit (0, 9) of map 1 sees rows -1 to 1 and columns 17 to 20" in scene.caption
    assert scene.title == "Activation maps: conv1"


def test_many_and_large_maps_are_told_of() -> None:
    scene = activation_maps(np.ones((70, 4, 4)))
    assert len(pictures(scene)) == 64
    assert scene.caption[0].startswith("64 of 70 maps of 4×4")
    large = activation_maps(np.ones((1, 320, 640)), np.zeros((5000, 10_000), np.uint8))
    assert "shrunk to 80×160 for display" in large.caption
    assert "the image of 5000×10000 is shrunk to 300×600 for display" in large.caption
    assert [(p.pixels.rows, p.pixels.columns) for p in pictures(large)] == [(300, 600), (80, 160)]


@pytest.mark.parametrize("suffix", [".svg", ".png", ".pdf", ".html"])
def test_every_format_but_tikz_draws_pictures(suffix: str, tmp_path: Path) -> None:
    figure = Figure("maps", (activation_maps(np.random.default_rng(0).standard_normal((9, 6, 6))),))
    (first,) = figure.save(tmp_path / f"a{suffix}")
    (second,) = figure.save(tmp_path / f"b{suffix}")
    assert first.read_bytes() == second.read_bytes()
    with pytest.raises(ArgumentError, match=r"path: TikZ draws no pictures, and this figure has some; write \.pdf, \.svg"):
        figure.save(tmp_path / "a.tex")


def test_what_is_no_picture_is_refused() -> None:
    with pytest.raises(ArgumentError, match=r"maps: got shape \(1, 2, 3, 4\); activation maps of one input are \(K, H, W\)"):
        activation_maps(np.ones((1, 2, 3, 4)))
    with pytest.raises(ArgumentError, match=r"pixels: got float64 of shape \(2, 2\); a picture is uint8 \(rows, columns\)"):
        Pixels.of(np.ones((2, 2)))


def test_shrinking_takes_means() -> None:
    assert shrunk(np.arange(16, dtype=np.uint8).reshape(4, 4), 2).tolist() == [[2, 4], [10, 12]]
    assert shrunk(np.zeros((3, 5)), 5).shape == (3, 5)


def test_the_scale_is_that_of_the_maps_that_are_drawn() -> None:
    maps = np.ones((70, 1, 2))
    maps[69] = -5, 9
    assert activation_maps(maps).caption == ("64 of 70 maps of 1×2, from 0 (black) to 1 (white)",)
    peak = np.zeros((1, 1, 320))
    peak[0, 0, 0] = 8
    scene = activation_maps(peak)
    assert scene.caption[0] == "1 of 1 maps of 1×320, from 0 (black) to 4 (white)"
    assert max(pictures(scene)[0].pixels.data) == 255


def test_a_unit_beyond_the_first_maps_is_shown_among_its_own() -> None:
    scene = activation_maps(np.ones((70, 2, 2)), unit=(65, 1, 0), field=((0, 1), (0, 1)))
    assert [picture.name for picture in pictures(scene) if picture.frames] == ["map 65"]
    assert scene.caption[0].startswith("6 of 70 maps")
    with pytest.raises(ArgumentError, match=r"unit: got \(70, 0, 0\); the maps are 70×2×2, counted from 0"):
        activation_maps(np.ones((70, 2, 2)), unit=(70, 0, 0))


def test_what_is_not_finite_is_told() -> None:
    scene = activation_maps(np.array([[[np.nan, np.inf, 2.0]]]))
    assert scene.caption == ("1 of 1 maps of 1×3, from 0 (black) to 2 (white), 2 not finite and drawn as 0",)


@pytest.mark.parametrize("most", [1, 3, 255])
def test_a_png_holds_the_pixels_in_few_bytes(most: int) -> None:
    array = np.random.default_rng(0).integers(0, most, (40, 50, 3), np.uint8, endpoint=True)
    pixels = Pixels.of(array)
    assert np.array_equal(np.asarray(PIL.Image.open(BytesIO(pixels.png())).convert("RGB")), array)
    if most < 255:
        assert len(pixels.png()) < array.size / 2


def test_the_scale_of_an_energy_is_that_of_its_caption_though_it_is_shrunk() -> None:
    energy = np.full((320, 320), 0.5)
    energy[0, 0] = 1.0
    scene = energy_map(energy, (-1, 2), "conv2")
    assert scene.caption == (
        "rows -1 to 318 and columns 2 to 321 of the input, from 0 (black) to 100 % of the energy (white)",
        "shrunk to 160×160 for display",
    )
    (picture,) = pictures(scene)
    assert picture.pixels.data[:6] == bytes([159] * 3 + [128] * 3)
