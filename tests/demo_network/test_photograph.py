"""The demo's input and its measure."""

from __future__ import annotations

import numpy as np
import pytest
import skimage.data

from atrous.demo_network import add_noise, held_out_photograph, psnr
from atrous.errors import ArgumentError


def test_photograph_is_the_one_of_scikit_image() -> None:
    photo = held_out_photograph()
    assert photo.dtype == np.uint8
    np.testing.assert_array_equal(photo, np.rint(skimage.data.coffee() @ [0.2125, 0.7154, 0.0721]))


def test_photograph_is_enlarged_not_repeated() -> None:
    photo, large = held_out_photograph(), held_out_photograph(1800)
    assert large.shape == (1200, 1800)
    means = large.reshape(400, 3, 600, 3).mean(axis=(1, 3))
    assert np.abs(means - photo).mean() < 2


def test_photograph_is_not_made_smaller() -> None:
    with pytest.raises(ArgumentError, match=r"side: got 599; .* at least 600 pixels; crop"):
        held_out_photograph(599)


def test_noise_is_gaussian_unclipped_and_seeded() -> None:
    photo = held_out_photograph()
    noisy = add_noise(photo, 25 / 255, seed=4)
    noise = noisy - photo / np.float32(255)
    assert noisy.dtype == np.float32
    assert noisy.min() < 0
    assert noise.mean() == pytest.approx(0, abs=5 * (25 / 255) / np.sqrt(photo.size))
    assert noise.std() == pytest.approx(25 / 255, rel=0.01)
    assert np.mean(np.abs(noise) < 25 / 255) == pytest.approx(0.6827, abs=0.005)
    np.testing.assert_array_equal(noisy, add_noise(photo, 25 / 255, seed=4))
    assert not np.array_equal(noisy, add_noise(photo, 25 / 255, seed=5))


def test_no_noise_is_the_photograph() -> None:
    photo = held_out_photograph()
    np.testing.assert_array_equal(add_noise(photo, 0, seed=0), photo / np.float32(255))


def test_noise_refuses_what_it_cannot_take() -> None:
    with pytest.raises(ArgumentError, match=r"photo: got an array of float64; it must be uint8"):
        add_noise(np.zeros((2, 2)), 0.1, seed=0)  # type: ignore[arg-type]
    for sigma in (-0.1, float("nan"), float("inf")):
        with pytest.raises(ArgumentError, match=rf"sigma: got {sigma}; it must be a finite standard deviation"):
            add_noise(np.zeros((2, 2), np.uint8), sigma, seed=0)


def test_psnr_by_its_definition() -> None:
    rng = np.random.default_rng(0)
    clean = rng.integers(256, size=(700, 9), dtype=np.uint8)
    image = rng.random((700, 9), dtype=np.float32)
    assert psnr(image, clean) == pytest.approx(-10 * np.log10(np.mean((image.astype(np.float64) - clean / 255) ** 2)))
    assert psnr(clean, clean) == float("inf")
    with pytest.raises(ArgumentError, match=r"image: got shape \(2, 3\) against \(3, 2\)"):
        psnr(np.zeros((2, 3)), np.zeros((3, 2)))
