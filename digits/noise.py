"""Noise on images that an autoencoder learns to remove, or is tried on."""

import numpy as np

from digits.data.splits import PIXEL_MAX
from digits.networks.autoencoder.settings import Noise


def add_noise(images: np.ndarray, noise: Noise, rng: np.random.Generator) -> np.ndarray:
    """Return noisy copies, uint8 of the same shape: Gaussian noise first, then pixels dropped to 0."""
    if not (noise.deviation or noise.dropped):
        return images
    noisy = images + np.float32(noise.deviation * PIXEL_MAX) * rng.standard_normal(images.shape, np.float32)
    noisy *= rng.random(images.shape, np.float32) >= noise.dropped
    return np.rint(np.clip(noisy, 0, PIXEL_MAX)).astype(np.uint8)
