"""Random shifts, rotations, zooms and shears of images, drawn from a generator that is passed in."""

import keras
import numpy as np

from digits.compute import parallel
from digits.training.settings import Augmentation

CHUNK = 1_000  # images at a time


def augment(images: np.ndarray, augmentation: Augmentation, rng: np.random.Generator) -> np.ndarray:
    """Return distorted copies of images, uint8 (n, height, width, channels), bilinear, 0 outside."""
    if not augmentation.enabled:
        return images
    transforms = _draw(len(images), images.shape[1:3], augmentation, rng)
    chunks = [slice(start, start + CHUNK) for start in range(0, len(images), CHUNK)]
    return np.concatenate(parallel(lambda chunk: _transform(images[chunk], transforms[chunk]), chunks))


def _transform(images: np.ndarray, transforms: np.ndarray) -> np.ndarray:
    distorted = keras.ops.image.affine_transform(
        images.astype(np.float32), transforms, data_format="channels_last"
    )
    return np.rint(keras.ops.convert_to_numpy(distorted)).astype(np.uint8)


def _draw(n: int, size: tuple[int, ...], augmentation: Augmentation, rng: np.random.Generator) -> np.ndarray:
    """Draw n maps from output to input pixels, float32 (n, 8): x' = a0 x + a1 y + a2, y' likewise."""
    angle = np.deg2rad(rng.uniform(-augmentation.rotation, augmentation.rotation, n))
    zoom = rng.uniform(1 - augmentation.zoom, 1 + augmentation.zoom, (2, n))
    shift = rng.uniform(-augmentation.shift, augmentation.shift, (2, n))
    slope = np.tan(np.deg2rad(rng.uniform(-augmentation.shear, augmentation.shear, n)))
    centre_y, centre_x = (size[0] - 1) / 2, (size[1] - 1) / 2
    a0, a1 = np.cos(angle) / zoom[0], -np.sin(angle) / zoom[0]
    b0, b1 = np.sin(angle) / zoom[1], np.cos(angle) / zoom[1]
    a1, b1 = a1 + slope * a0, b1 + slope * b0
    a2 = centre_x + shift[0] - a0 * centre_x - a1 * centre_y
    b2 = centre_y + shift[1] - b0 * centre_x - b1 * centre_y
    rest = np.zeros(n)
    return np.stack([a0, a1, a2, b0, b1, b2, rest, rest], axis=1).astype(np.float32)
