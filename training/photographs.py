"""The photographs of scikit-image that the denoiser learns from and is tested on, and random crops of them.

All of them ship inside the scikit-image wheel, so nothing is downloaded.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import skimage.data
from numpy.typing import NDArray
from PIL import Image

LUMA = np.array([0.2125, 0.7154, 0.0721])  # red, green and blue of ITU-R BT.709: what skimage.color.rgb2gray uses

# How often each photograph is drawn. Scenes with edges and detail count more than plain textures, because there are few.
TRAINING: dict[str, tuple[Callable[[], NDArray[np.uint8]], float]] = {
    "astronaut": (skimage.data.astronaut, 4),
    "chelsea": (skimage.data.chelsea, 3),
    "rocket": (skimage.data.rocket, 3),
    "coins": (skimage.data.coins, 2),
    "brick": (skimage.data.brick, 1),
    "grass": (skimage.data.grass, 1),
    "gravel": (skimage.data.gravel, 1),
    "immunohistochemistry": (skimage.data.immunohistochemistry, 1),
    "retina": (skimage.data.retina, 1),
    "hubble_deep_field": (skimage.data.hubble_deep_field, 1),
}
HELD_OUT: dict[str, Callable[[], NDArray[np.uint8]]] = {
    "camera": skimage.data.camera,
    "coffee": skimage.data.coffee,
    "motorcycle": lambda: skimage.data.stereo_motorcycle()[0],
}
SCALES = {2.0: 0.1, 1.0: 0.5, 0.75: 0.25, 0.5: 0.15}  # size of the photograph: how often it is drawn


def gray(photo: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The photograph (H, W) or (H, W, 3) as gray uint8 (H, W): luma, rounded."""
    return photo if photo.ndim == 2 else np.rint(photo @ LUMA).astype(np.uint8)


def _scaled(photo: NDArray[np.uint8], scale: float) -> NDArray[np.float32]:
    """The photograph at another size, Lanczos with antialiasing; float32 (H, W, 1 or 3) in 0..1."""
    image = Image.fromarray(photo)
    image = image.resize((round(image.width * scale), round(image.height * scale)), Image.Resampling.LANCZOS)
    return np.atleast_3d(np.asarray(image, dtype=np.float32)) / np.float32(255)


@dataclass(frozen=True)
class Crops:
    """Random square crops of the training photographs.

    Args:
        size: pixels a side.
        pool: photographs (H, W, 1 or 3), float32 in 0..1.
        chance: how likely each of the pool is to be drawn.
    """

    size: int
    pool: tuple[NDArray[np.float32], ...]
    chance: NDArray[np.float64]

    @staticmethod
    def of_training_photographs(size: int) -> Crops:
        """Crops of every training photograph at every scale at which a crop fits into it."""
        pool, chance = [], []
        for load, weight in TRAINING.values():
            photo = load()
            for scale, share in SCALES.items():
                if min(photo.shape[:2]) * scale >= size:
                    pool.append(_scaled(photo, scale))
                    chance.append(weight * share)
        return Crops(size, tuple(pool), np.array(chance) / sum(chance))

    def batch(self, count: int, rng: np.random.Generator) -> NDArray[np.float32]:
        """``count`` crops, float32 (count, 1, size, size)."""
        drawn = map(partial(self._crop, rng), rng.choice(len(self.pool), size=count, p=self.chance))
        return np.stack(list(drawn))[:, None]

    def _crop(self, rng: np.random.Generator, which: int) -> NDArray[np.float32]:
        """One crop: a random place, mix of colours, symmetry of the square, and contrast."""
        photo = self.pool[which]
        top, left = (int(rng.integers(length - self.size + 1)) for length in photo.shape[:2])
        crop = photo[top : top + self.size, left : left + self.size]
        # a random gray of a colour photograph is as good a gray photograph as its luma, and there are many of them
        crop = crop @ rng.dirichlet(np.ones(crop.shape[2])).astype(np.float32)
        crop = np.rot90(crop, int(rng.integers(4)))
        crop = crop[::-1] if rng.integers(2) else crop
        contrast = np.float32(rng.uniform(0.7, 1.3))
        return (crop - np.float32(0.5)) * contrast + np.float32(0.5)
